//! What buttons do: votes, and taking away what the bot said.

use std::collections::BTreeSet;

use super::Pipeline;
use crate::domain::{
    FaceId, Judgement, MessageKey, Place, PostId, Rater, Rating, RatingSource, Scope, Stars, Target, vote_scope,
};
use crate::store::{SendRow, StoreError};

/// What a vote came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Whose taste it goes to.
    pub scope: Scope,
    /// The same vote again: it no longer stands.
    pub taken_back: bool,
    /// The voter posted it: it counts for their own taste alone.
    pub own: bool,
}

impl Pipeline {
    /// Whose taste decides on a post, and where it was posted; `None` when it is gone.
    pub async fn post_place(&self, post: PostId) -> Result<Option<(Scope, Option<Place>)>, StoreError> {
        Ok(self.store().post(post).await?.map(|row| (row.scope, row.place)))
    }

    /// A button's vote on the pictures of these posts; the same again takes it back. `None` when they are gone.
    pub async fn vote(&self, posts: &[PostId], person: u64, judgement: Judgement) -> Result<Option<Vote>, StoreError> {
        let rater = Rater::discord(person);
        let (mut subjects, mut own) = (BTreeSet::new(), false);
        for &post in posts {
            let Some(row) = self.store().post(post).await? else { continue };
            let Some(picture) = row.picture else { continue };
            let scope = vote_scope(row.scope, row.place.as_ref().map(|p| &p.author), person);
            own |= scope != row.scope;
            subjects.insert((scope, picture));
        }
        let Some(&(scope, _)) = subjects.first() else { return Ok(None) };
        let mut taken_back = true;
        for &(scope, picture) in &subjects {
            taken_back &= self.store().own_rating(scope, &rater, picture).await? == Some(judgement);
        }
        let mut kept = false;
        for &(scope, picture) in &subjects {
            let judgement = (!taken_back).then_some(judgement);
            kept |= self.rate(&self.pressed(scope, &rater, Target::Picture(picture), judgement)).await?;
        }
        Ok(kept.then_some(Vote { scope, taken_back, own }))
    }

    /// A vote on one face; `None` when it is gone.
    pub async fn vote_on_face(
        &self,
        post: PostId,
        face: FaceId,
        person: u64,
        stars: Stars,
    ) -> Result<Option<Vote>, StoreError> {
        let Some(row) = self.store().post(post).await? else { return Ok(None) };
        let scope = vote_scope(row.scope, row.place.as_ref().map(|p| &p.author), person);
        let judgement = Some(Judgement::Stars(stars));
        let rating = self.pressed(scope, &Rater::discord(person), Target::Face(face), judgement);
        let kept = self.rate(&rating).await?;
        Ok(kept.then_some(Vote { scope, taken_back: false, own: scope != row.scope }))
    }

    fn pressed(&self, scope: Scope, rater: &Rater, target: Target, judgement: Option<Judgement>) -> Rating {
        Rating {
            scope,
            rater: rater.clone(),
            target,
            judgement,
            source: RatingSource::Interaction,
            at: self.parts.clock.now(),
            score_visible: true,
        }
    }

    /// Takes away all that the bot said of a message, and keeps it from saying more. The pictures' scores stay.
    pub async fn withdraw_message(&self, source: MessageKey) -> Result<(), StoreError> {
        self.store().withdraw_posts(source).await?;
        for send in self.store().sends_of(source).await? {
            self.withdraw_send(send.id).await?;
        }
        Ok(())
    }

    /// Takes away what the bot said of a picture from a timeline, and keeps it from saying more.
    pub async fn withdraw_post(&self, post: PostId) -> Result<(), StoreError> {
        self.store().withdraw_post(post).await?;
        self.sends.notify_one();
        Ok(())
    }

    /// The newest of these posts' picture in the scope: where a face can be seen.
    pub async fn post_showing(&self, scope: Scope, face: FaceId) -> Result<Option<PostId>, StoreError> {
        self.store().post_showing(scope, face).await
    }

    /// What was sent as this message, if the bot sent it and keeps track of it.
    pub async fn sent_as(&self, message: MessageKey) -> Result<Option<SendRow>, StoreError> {
        self.store().send_by_message(message.message).await
    }
}
