//! Reactions become judgements, and are taken back with them.

use super::Pipeline;
use crate::domain::{MessageKey, PostId, ReactionChange};
use crate::store::{Heard, StoreError};

impl Pipeline {
    /// Takes changes of reactions in, in the order in which they happened; each may come twice. Those of bots are never
    /// handed in.
    pub async fn react(&self, changes: &[ReactionChange]) -> Result<(), StoreError> {
        let heard = self.store().apply_reactions(changes, self.parts.clock.now()).await?;
        self.heard_reactions(heard).await
    }

    /// Makes what stands on a message what Discord says stands there: (person, emoji), oldest first as far as known,
    /// without those of bots.
    pub async fn sync_reactions(&self, message: MessageKey, standing: &[(u64, String)]) -> Result<(), StoreError> {
        let heard = self.store().sync_reactions(message, standing, self.parts.clock.now()).await?;
        self.heard_reactions(heard).await
    }

    /// Counts the reactions that came before it was known what the message shows.
    pub async fn settle_reactions(&self, message: MessageKey) -> Result<(), StoreError> {
        let heard = self.store().settle_reactions(message, self.parts.clock.now()).await?;
        self.heard_reactions(heard).await
    }

    /// The posts that a message shows: it is their source, or the reply, the pick or the answer that was sent of them.
    pub async fn posts_of(&self, message: MessageKey) -> Result<Vec<PostId>, StoreError> {
        self.store().posts_of(message).await
    }

    async fn heard_reactions(&self, heard: Heard) -> Result<(), StoreError> {
        metrics::counter!("mekiki_ratings_total").increment(heard.len() as u64);
        for (scope, rater) in heard {
            self.heard_from(scope, &rater).await?;
        }
        Ok(())
    }
}
