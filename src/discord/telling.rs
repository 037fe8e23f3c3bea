//! Reads from the pipeline what there is to tell about a message's pictures.

use super::Lang;
use super::message::{ScoreMessage, Told, ToldFace, compose};
use crate::domain::{PostId, PostState, Rater, Scope, Skip, Verdict};
use crate::pipeline::{Pipeline, PostView};

/// Faces whose crops a card shows.
const SHOWN: usize = 6;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Telling<'a> {
    scope: Scope,
    posts: &'a [PostId],
    lang: Lang,
    asker: Option<u64>,
    restricted_channel: bool,
}

impl<'a> Telling<'a> {
    /// About posts of one message, by the taste of `scope`. Without more it is for a channel that is not age-restricted.
    pub fn new(scope: Scope, posts: &'a [PostId], lang: Lang) -> Self {
        Self { scope, posts, lang, asker: None, restricted_channel: false }
    }

    /// Somebody asked: what failed is said, and that there is no face, and their own score beside the guild's.
    #[must_use]
    pub fn asked_by(mut self, person: u64) -> Self {
        self.asker = Some(person);
        self
    }

    /// It goes to a channel that is age-restricted, or not.
    #[must_use]
    pub fn in_restricted_channel(mut self, restricted: bool) -> Self {
        self.restricted_channel = restricted;
        self
    }

    /// The message; `None` when there is nothing to say: no face, and nobody asked.
    pub async fn message(&self, pipeline: &Pipeline) -> anyhow::Result<Option<ScoreMessage>> {
        let told = self.read(pipeline).await?;
        let lang = self.lang;
        // Decoding and painting take some ten milliseconds.
        Ok(tokio::task::spawn_blocking(move || compose(lang, &told)).await?)
    }

    async fn read(&self, pipeline: &Pipeline) -> anyhow::Result<Told> {
        let viewer = self.asker.map_or_else(Rater::owner, |id| Rater(format!("discord:{id}")));
        let mut views = Vec::new();
        for &post in self.posts {
            views.extend(pipeline.post_view(self.scope, &viewer, post).await?);
        }
        let mut told = Told {
            faces: faces(&views),
            calibration: pipeline.calibration(self.scope).await?,
            link: views.iter().find_map(|v| v.link.clone()),
            own: self.own(pipeline, &viewer).await?,
            hidden: false,
            spoilered: false,
            notes: if self.asker.is_some() { self.notes(&views) } else { Vec::new() },
        };
        if !self.restricted_channel && !told.faces.is_empty() {
            for &post in self.posts {
                told.hidden |= pipeline.is_age_restricted(post).await?;
            }
        }
        for &post in self.posts {
            told.spoilered |= pipeline.is_spoilered(post).await?;
        }
        if !told.hidden {
            for face in told.faces.iter_mut().take(SHOWN) {
                face.crop = pipeline.crop(face.face).await?;
            }
        }
        Ok(told)
    }

    /// The best face by the asker's own taste.
    async fn own(&self, pipeline: &Pipeline, viewer: &Rater) -> anyhow::Result<Option<crate::domain::Score>> {
        let Some(person) = self.asker.filter(|&id| self.scope != Scope::User(id)) else { return Ok(None) };
        if !pipeline.person(person).await?.personal_taste {
            return Ok(None);
        }
        let mut views = Vec::new();
        for &post in self.posts {
            views.extend(pipeline.post_view(Scope::User(person), viewer, post).await?);
        }
        Ok(faces(&views).first().and_then(|face| face.score))
    }

    /// What somebody who asked is told besides the scores.
    fn notes(&self, views: &[PostView]) -> Vec<String> {
        let lang = self.lang;
        let mut notes = Vec::new();
        for (i, view) in (1..).zip(views) {
            let number = |text: String| match views.len() {
                1 => text,
                _ => tr!(lang, "discord.score.of_picture", number = i, text = text).into_owned(),
            };
            if view.state == PostState::Failed {
                let code = view.error_code.as_deref().unwrap_or_default();
                notes.push(number(failure(lang, code, view.error.as_deref().unwrap_or_default())));
            } else if !view.state.is_final() {
                notes.push(number(tr!(lang, "discord.score.still_working").into_owned()));
            } else if view.faces.is_empty() {
                notes.push(number(tr!(lang, "discord.score.no_face").into_owned()));
            } else {
                notes.extend(view.verdict.as_ref().and_then(|v| verdict(lang, v)).map(number));
            }
        }
        notes
    }
}

/// All faces of these posts, best first; without a taste in the order they were posted.
pub(super) fn faces(views: &[PostView]) -> Vec<ToldFace> {
    let mut faces: Vec<ToldFace> = views
        .iter()
        .flat_map(|view| view.faces.iter().map(|f| ToldFace { post: view.id, face: f.id, score: f.score, crop: None }))
        .collect();
    let mean = |face: &ToldFace| face.score.map_or(0.0, |s| s.mean());
    faces.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    faces
}

/// What the desk said, where it is not told by the score itself; "Why?" tells the rest.
fn verdict(lang: Lang, verdict: &Verdict) -> Option<String> {
    let told = match verdict {
        Verdict::Repost | Verdict::Explore { .. } => true,
        Verdict::Skip(skip) => matches!(
            skip,
            Skip::BelowThreshold { .. }
                | Skip::AgeGate { .. }
                | Skip::MarkedAgeRestricted
                | Skip::AlreadyPosted
                | Skip::NearDuplicate { .. }
        ),
    };
    told.then(|| super::why::verdict(lang, verdict))
}

/// Why a picture could not be scored, by the error's code; the English `detail` where there are no words of ours.
fn failure(lang: Lang, code: &str, detail: &str) -> String {
    match code {
        "link_gone" => tr!(lang, "discord.failed.link_gone"),
        "link_refused" => tr!(lang, "discord.failed.link_refused"),
        "download" => tr!(lang, "discord.failed.download"),
        "too_large" | "too_many_bytes" | "too_many_pixels" | "too_much_memory" => {
            tr!(lang, "discord.failed.too_large", detail = detail)
        }
        "not_a_picture" | "not_supported" | "unsupported_kind" | "unknown" | "empty" => {
            tr!(lang, "discord.failed.not_a_picture", detail = detail)
        }
        "cut_off" | "damaged" => tr!(lang, "discord.failed.damaged", detail = detail),
        _ => tr!(lang, "discord.failed.other", detail = detail),
    }
    .into_owned()
}

/// The score message about some posts, as a watched post is answered in a channel that is not age-restricted.
pub async fn score_message(
    pipeline: &Pipeline,
    scope: Scope,
    posts: &[PostId],
    lang: Lang,
) -> anyhow::Result<Option<ScoreMessage>> {
    Telling::new(scope, posts, lang).message(pipeline).await
}
