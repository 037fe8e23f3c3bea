//! What people have settled: a taste of their own, being left alone.

use super::Pipeline;
use crate::domain::{Person, Rater};
use crate::store::StoreError;

impl Pipeline {
    /// What this person has settled; the defaults when they never did.
    pub async fn person(&self, id: u64) -> Result<Person, StoreError> {
        self.store().person(id).await
    }

    /// Who wants to be left alone is from now on: what they posted goes, and so do their reactions. Who wants no taste of their own any more
    /// loses it.
    pub async fn set_person(&self, id: u64, person: &Person) -> Result<(), StoreError> {
        for scope in self.store().set_person(id, person).await? {
            self.drop_taste(scope);
        }
        if person.opted_out {
            self.remove_posts_by(id).await?;
        }
        self.ratings.anywhere();
        Ok(())
    }

    /// Whether the poster, or the artist that one of the links belongs to, wants to be left alone: such a picture is
    /// neither answered nor picked.
    pub async fn is_opted_out(&self, poster: Option<&Rater>, links: &[&str]) -> Result<bool, StoreError> {
        if let Some(id) = poster.and_then(Rater::discord_id)
            && self.store().person(id).await?.opted_out
        {
            return Ok(true);
        }
        self.store().is_artist_opted_out(links).await
    }
}
