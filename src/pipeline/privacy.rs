//! What is kept of a person or an artist: shown to them, forgotten at their word.

use super::Pipeline;
use crate::domain::{ArtistLink, PostId, Rater, Scope};
use crate::store::StoreError;

impl Pipeline {
    /// All that names this person, as JSON.
    pub async fn export_person(&self, id: u64) -> Result<serde_json::Value, StoreError> {
        self.store().export_person(id).await
    }

    /// Forgets what a person rated, reacted, reported, their own taste, and their name beside what they posted. Tastes
    /// that had learnt from them are fitted anew without.
    pub async fn forget_person(&self, id: u64) -> Result<(), StoreError> {
        for scope in self.store().forget_person(id).await? {
            self.drop_taste(scope);
        }
        self.find_homes(Some(id)).await?;
        self.ratings.anywhere();
        self.sends.notify_one();
        Ok(())
    }

    /// An artist wants to be left alone: what is theirs goes, with its picks, and no more is taken. False when it was so
    /// before.
    pub async fn opt_out_artist(&self, artist: &ArtistLink) -> Result<bool, StoreError> {
        let new = self.store().opt_out_artist(artist, self.parts.clock.now()).await?;
        // Their accounts first, so that no poll under way takes anything again.
        self.store().block_accounts_of(artist).await?;
        self.remove_all(self.store().posts_of_artist(artist).await?).await?;
        Ok(new)
    }

    /// What a person posted goes, with its picks: they want to be left alone.
    pub(super) async fn remove_posts_by(&self, id: u64) -> Result<(), StoreError> {
        self.remove_all(self.store().posts_by(&Rater::discord(id)).await?).await
    }

    async fn remove_all(&self, posts: Vec<PostId>) -> Result<(), StoreError> {
        for post in posts {
            self.remove(post).await?;
        }
        self.sends.notify_one();
        Ok(())
    }

    /// The scope's taste starts over: from now on it learns only from what is said after.
    pub async fn reset_taste(&self, scope: Scope) -> Result<(), StoreError> {
        self.store().reset_taste(scope, self.parts.clock.now()).await?;
        self.drop_taste(scope);
        // Tastes may stand upon it.
        self.ratings.anywhere();
        Ok(())
    }
}
