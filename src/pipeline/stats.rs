//! What a scope has come to: counts, and its best.

use time::{Duration, OffsetDateTime};

use super::{Pipeline, PostView};
use crate::domain::{Rater, Scope};
use crate::store::{ScopeStats, StoreError};

/// How far back the best are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    Day,
    #[default]
    Week,
    Month,
    All,
}

impl Since {
    fn at(self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Day => Some(now - Duration::DAY),
            Self::Week => Some(now - Duration::WEEK),
            Self::Month => Some(now - Duration::days(30)),
            Self::All => None,
        }
    }
}

/// A post among a scope's best.
#[derive(Debug, Clone, PartialEq)]
pub struct TopPost {
    pub post: PostView,
    /// Best face's mean score when the desk last looked.
    pub best: f32,
    pub picked: bool,
}

impl Pipeline {
    pub async fn scope_stats(&self, scope: Scope) -> Result<ScopeStats, StoreError> {
        self.store().scope_stats(scope).await
    }

    /// The scope's best posts, best first; restricted ones only where those may be shown.
    pub async fn top_posts(
        &self,
        scope: Scope,
        viewer: &Rater,
        since: Since,
        restricted: bool,
        limit: u32,
    ) -> Result<Vec<TopPost>, StoreError> {
        let mut top = Vec::new();
        for row in self.store().top_posts(scope, since.at(self.parts.clock.now()), restricted, limit).await? {
            if let Some(post) = self.post_view(scope, viewer, row.post).await? {
                top.push(TopPost { post, best: row.best, picked: row.picked });
            }
        }
        Ok(top)
    }
}
