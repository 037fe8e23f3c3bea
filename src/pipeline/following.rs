//! Followed timelines, as the rest sees them: who follows what, what came of it, and what a service says when it is asked
//! at once. What reads the timelines is [`crate::pipeline`]'s neighbour and uses these.

use std::fmt::Debug;
use std::pin::Pin;

use time::OffsetDateTime;

use super::{Pipeline, crash_point};
use crate::domain::{Account, AccountRules, Feed, PostId, PostSource, Scope};
use crate::store::{BlobKind, FollowRow, NewFollow, PageClaim, Pause, StoreError};

pub use crate::store::FeedError;

/// Why a service gave no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The operator has not set this service up.
    #[error("this service is not set up")]
    NotSetUp,
    #[error("{0}")]
    NoSuchAccount(String),
    /// Not signed in, or no longer.
    #[error("{0}")]
    SignIn(String),
    #[error("the month's budget is spent")]
    Budget,
    /// It can be tried again later.
    #[error("{0}")]
    Later(String),
}

pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, AskError>> + Send + 'a>>;

/// The services behind followed timelines, asked at once.
pub trait Services: Debug + Send + Sync + 'static {
    /// Those that are set up.
    fn sources(&self) -> Vec<PostSource>;

    /// The account behind what people write.
    fn find<'a>(&'a self, source: PostSource, name: &'a str) -> Asked<'a, Account>;

    /// The list behind what people write: its id, or a link to it.
    fn find_list<'a>(&'a self, source: PostSource, name: &'a str) -> Asked<'a, Feed>;

    /// Whom the account that the bot signs in with follows.
    fn follows(&self, source: PostSource) -> Asked<'_, Vec<Account>>;

    /// What this month costs; `None` where reading costs nothing.
    fn money(&self, source: PostSource) -> Asked<'_, Option<Money>>;
}

/// What a month has cost and will cost, in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub spent: u64,
    pub budget: u64,
    /// If it goes on like this.
    pub by_end: u64,
}

/// What a source has come to, for the whole bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    pub source: PostSource,
    /// Why it is let alone, and until when.
    pub pause: Option<Pause>,
    /// Feeds that are read.
    pub feeds: u32,
    /// Of them, those whose last poll failed.
    pub failing: u32,
}

impl Pipeline {
    /// With services that can be followed.
    #[must_use]
    pub fn with_services(mut self, services: std::sync::Arc<dyn Services>) -> Self {
        self.services = Some(services);
        self
    }

    /// The services that can be followed.
    pub fn followable(&self) -> Vec<PostSource> {
        self.services.as_ref().map_or_else(Vec::new, |services| services.sources())
    }

    /// The account behind what people write, asked at once.
    pub async fn find_account(&self, source: PostSource, name: &str) -> Result<Account, AskError> {
        self.services.as_ref().ok_or(AskError::NotSetUp)?.find(source, name).await
    }

    /// The list behind what people write.
    pub async fn find_list(&self, source: PostSource, name: &str) -> Result<Feed, AskError> {
        self.services.as_ref().ok_or(AskError::NotSetUp)?.find_list(source, name).await
    }

    /// Whom the account that the bot signs in with follows.
    pub async fn own_follows(&self, source: PostSource) -> Result<Vec<Account>, AskError> {
        self.services.as_ref().ok_or(AskError::NotSetUp)?.follows(source).await
    }

    /// What this month costs; `None` where reading costs nothing, or where it cannot be told now.
    pub async fn money(&self, source: PostSource) -> Option<Money> {
        let asked = self.services.as_ref()?.money(source).await;
        asked.inspect_err(|error| tracing::warn!(%error, "cannot tell what was spent")).ok().flatten()
    }

    /// Follows; it is read from now on. False when the scope did already.
    pub async fn follow(&self, new: &NewFollow<'_>) -> Result<bool, StoreError> {
        let added = self.store().follow(new, self.now()).await?;
        self.followed.notify_one();
        Ok(added)
    }

    /// What was taken stays. False when the scope did not follow it.
    pub async fn unfollow(&self, scope: Scope, source: PostSource, feed: &Feed) -> Result<bool, StoreError> {
        self.store().unfollow(scope, source, feed).await
    }

    pub async fn follows(&self, scope: Scope) -> Result<Vec<FollowRow>, StoreError> {
        self.store().follows(scope).await
    }

    /// An account that was seen, by its handle or id; without a source, in any.
    pub async fn known_account(
        &self,
        source: Option<PostSource>,
        name: &str,
    ) -> Result<Option<(PostSource, Account)>, StoreError> {
        let sources = PostSource::TIMELINES.into_iter().filter(|s| source.is_none_or(|wanted| wanted == *s));
        for source in sources {
            if let Some(account) = self.store().account(source, name.trim().trim_start_matches('@')).await? {
                return Ok(Some((source, account)));
            }
        }
        Ok(None)
    }

    /// Accounts that were seen and whose names go on like this.
    pub async fn accounts_like(
        &self,
        source: Option<PostSource>,
        typed: &str,
    ) -> Result<Vec<(PostSource, Account)>, StoreError> {
        self.store().accounts_like(source, typed.trim().trim_start_matches('@'), 25).await
    }

    /// Changes what the scope settled about an account's pictures.
    pub async fn change_account_rules(
        &self,
        scope: Scope,
        (source, account): (PostSource, &str),
        change: impl FnOnce(&mut AccountRules),
    ) -> Result<AccountRules, StoreError> {
        let mut rules = self.store().account_rules(scope, source, account).await?;
        change(&mut rules);
        self.store().set_account_rules(scope, source, account, &rules).await?;
        Ok(rules)
    }

    /// Whether a post's picture may be shown whole: only if the owner of its account agreed.
    pub async fn may_show_whole(&self, scope: Scope, post: PostId) -> Result<bool, StoreError> {
        self.store().may_show_whole(scope, post).await
    }

    /// Services, and what is wrong with them.
    pub async fn source_states(&self) -> Result<Vec<SourceState>, StoreError> {
        let (feeds, pauses) = (self.store().feeds().await?, self.store().pauses().await?);
        let mut states = Vec::new();
        for source in PostSource::TIMELINES {
            let own: Vec<_> = feeds.iter().filter(|feed| feed.source == source).collect();
            if own.is_empty() && !self.followable().contains(&source) {
                continue;
            }
            states.push(SourceState {
                source,
                pause: pauses.iter().find(|pause| pause.source == source).cloned(),
                feeds: own.len() as u32,
                failing: own.iter().filter(|feed| feed.error.is_some()).count() as u32,
            });
        }
        Ok(states)
    }

    /// Waits until somebody follows something.
    pub async fn followed(&self) {
        self.followed.notified().await;
    }

    /// Claims what a poll brought, with its cursor. `None` when the feed is followed no more, or was read by somebody
    /// else meanwhile.
    pub async fn claim_page(&self, claim: &PageClaim<'_>) -> Result<Option<u32>, StoreError> {
        page_read();
        let claimed = self.store().claim_page(claim, self.now()).await?;
        page_claimed();
        if claimed.is_some_and(|new| new > 0) {
            self.work.notify_one();
        }
        Ok(claimed)
    }

    /// A post is gone at its source, or no longer shown to us: so it is here, with picks, crops and embeddings.
    pub async fn original_gone(&self, source: PostSource, original: &str) -> Result<usize, StoreError> {
        let posts = self.store().posts_of_original(source, original).await?;
        for &post in &posts {
            self.remove(post).await?;
        }
        Ok(posts.len())
    }

    /// Lets posts of a source's timelines go that are older than `then`, were not picked, and whose pictures nobody rated.
    pub async fn forget_idle(&self, source: PostSource, then: OffsetDateTime) -> Result<usize, StoreError> {
        const AT_ONCE: u32 = 200;
        let posts = self.store().idle_timeline_posts(source, then, AT_ONCE).await?;
        for &post in &posts {
            self.store().note_forgotten(post, self.now()).await?;
            // No rating goes with it: there is nothing to learn anew.
            for blob in self.store().remove_post(post).await?.unwrap_or_default() {
                self.blobs().remove(BlobKind::Crop, blob)?;
            }
        }
        Ok(posts.len())
    }
}

fn page_read() {
    crash_point!("page_read");
}

fn page_claimed() {
    crash_point!("page_claimed");
}
