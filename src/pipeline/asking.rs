//! What people are asked to rate: the rating page's questions, and `/rate`'s. Each is written down with why and with what
//! chance it was asked, and the rating that answers it carries both.

use std::collections::HashMap;

use time::Duration;

use super::Pipeline;
use super::choosing::choose;
use super::intake::blocking;
use super::views::Question;
use crate::domain::{FaceId, PostId, Rater, Scope};
use crate::store::{Asking, BlobKind, StoreError};

/// Faces that the page looks at for one round of questions: the newest that are not rated.
const POOL: u32 = 2_000;

/// Faces that `/rate` asks about at a time.
pub const ASKED_AT_ONCE: usize = 5;
/// How often a person may be asked in a day.
pub const ASKS_A_DAY: u32 = 2;

/// How many questions are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskFor {
    pub questions: usize,
    /// Faces that were skipped, or are on the page already.
    pub not: Vec<FaceId>,
    /// Decides the random part.
    pub seed: u64,
}

/// A face to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub post: PostId,
    pub face: FaceId,
}

/// What came of wanting to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToAsk {
    Faces(Vec<Asked>),
    /// They were asked often enough today.
    Enough,
    /// There is no face here that they have not judged.
    NothingLeft,
}

impl Pipeline {
    /// The faces most worth a rating by this viewer, of each near-duplicate group one picture's; and writes down that they
    /// were asked for and with what chance.
    pub async fn ask_next(&self, scope: Scope, viewer: &Rater, ask: AskFor) -> Result<Vec<Question>, StoreError> {
        let store = self.store();
        let mut faces = store.open_faces(scope, viewer, POOL).await?;
        let mut before = store.judged_pictures(scope, viewer).await?;
        // What looks like a face that is skipped or on the page is not asked for either.
        let shown = |face: &FaceId| ask.not.contains(face);
        before.extend(faces.iter().filter(|f| shown(&f.row.id)).map(|f| (f.row.picture, f.hash)));
        faces.retain(|f| !shown(&f.row.id));
        let posts: HashMap<_, _> = faces.iter().map(|f| (f.row.id, f.post)).collect();
        let (taste, blobs) = (self.taste(scope), self.blobs().clone());
        let asked: Vec<Asking> = blocking(move || {
            faces.retain(|f| blobs.has(BlobKind::Crop, f.row.crop));
            let taste = taste.as_ref().map(|t| &t.taste);
            choose(&faces, &before, taste, ask.questions, ask.seed).into_iter().map(|(_, asking)| asking).collect()
        })
        .await;
        store.add_asked(scope, viewer, &asked, self.parts.clock.now()).await?;
        let mut questions = Vec::with_capacity(asked.len());
        for asking in asked {
            if let Some(post) = self.post_view(scope, viewer, posts[&asking.face]).await? {
                questions.push(Question { post, face: asking.face });
            }
        }
        Ok(questions)
    }

    /// Channels of Discord that pictures of the scope came in: not everybody may read each.
    pub async fn source_channels(&self, scope: Scope) -> Result<Vec<u64>, StoreError> {
        self.store().source_channels(scope).await
    }

    /// Up to five faces worth asking this person about, none that they judged or were asked about before. Counts as
    /// asked. `hidden`: channels that they may not read. `seed` decides the lot.
    pub async fn ask(
        &self,
        scope: Scope,
        person: u64,
        restricted: bool,
        hidden: &[u64],
        seed: u64,
    ) -> Result<ToAsk, StoreError> {
        let store = self.store();
        let (now, rater) = (self.parts.clock.now(), Rater::discord(person));
        if store.asked_since(person, now - Duration::DAY).await? >= ASKS_A_DAY {
            return Ok(ToAsk::Enough);
        }
        let faces = store.askable(scope, &rater, restricted, hidden, POOL).await?;
        let before = store.judged_pictures(scope, &rater).await?;
        let taste = self.taste(scope);
        let chosen: Vec<(PostId, Asking)> = blocking(move || {
            let chosen = choose(&faces, &before, taste.as_ref().map(|t| &t.taste), ASKED_AT_ONCE, seed);
            chosen.into_iter().map(|(place, asking)| (faces[place].post, asking)).collect()
        })
        .await;
        if chosen.is_empty() {
            return Ok(ToAsk::NothingLeft);
        }
        let asked: Vec<Asking> = chosen.iter().map(|(_, asking)| *asking).collect();
        store.add_ask(scope, person, &asked, now).await?;
        Ok(ToAsk::Faces(chosen.iter().map(|(post, asking)| Asked { post: *post, face: asking.face }).collect()))
    }

    /// The question for one face, whether it was rated or not; `None` when no post shows it.
    pub async fn question(&self, scope: Scope, viewer: &Rater, face: FaceId) -> Result<Option<Question>, StoreError> {
        let Some(post) = self.store().post_of_face(face).await? else { return Ok(None) };
        Ok(self.post_view(scope, viewer, post).await?.map(|post| Question { post, face }))
    }
}
