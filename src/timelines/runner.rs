//! Reads what is followed: one task, at most one request a service at a time.
//!
//! A round asks a feed of each service, claims what came with its cursor in one transaction, and asks after posts that
//! were shown: those that are gone at their source go here, too. A kill at any moment neither skips nor repeats: an answer
//! that was not claimed is asked for again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::picture_hosts;
use super::schedule::{after_failure, after_page, code, pause_after, plan};
use super::services::Timelines;
use super::{Page, Timeline, TimelineError};
use crate::domain::PostSource;
use crate::pipeline::{FailedPoll, FeedRow, PageClaim, Pause, Pipeline, Services, StoreError};

/// While so many posts wait to be looked at, nothing is read.
const MOST_WAITING: u32 = 1_000;
/// How long until the queue is looked at again.
const FULL: time::Duration = time::Duration::seconds(5);
/// Older posts are not taken where following begins.
const LOOK_BACK: time::Duration = time::Duration::days(7);
/// How long a post is believed to be still there: with the time that asking takes, under a day.
const CHECK_AFTER: time::Duration = time::Duration::hours(20);
/// Posts asked after at once.
const CHECKED_AT_ONCE: u32 = 100;
/// How long posts are kept that were not picked, and whose pictures nobody rated. Those of X cost money each time they are
/// asked after: they go before the first time.
const KEPT: time::Duration = time::Duration::days(8);
const KEPT_OF_X: time::Duration = time::Duration::hours(18);
/// The loop looks for work at least this often, also when nothing woke it.
const MOST_IDLE: Duration = Duration::from_secs(30);
/// Between two looks for posts to let go.
const TIDY: time::Duration = time::Duration::hours(1);

/// Reads the services that are set up into the pipeline.
#[derive(Debug)]
pub struct Runner {
    pipeline: Arc<Pipeline>,
    timelines: Timelines,
    /// Take what accounts post that are marked as automated.
    bots: bool,
    tidied: std::sync::Mutex<Option<OffsetDateTime>>,
}

impl Runner {
    pub fn new(pipeline: Arc<Pipeline>, timelines: Timelines, bots: bool) -> Self {
        Self { pipeline, timelines, bots, tidied: std::sync::Mutex::default() }
    }

    /// Works until stopped; then lets what is being asked come to its end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        if let Err(error) = self.pipeline.store().end_stops().await {
            tracing::error!(%error, "cannot try again what was stopped");
        }
        while !stop.is_cancelled() {
            let next = match self.round().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "cannot read what is followed; trying again in 5 s");
                    Some(self.pipeline.now() + FULL)
                }
            };
            let now = self.pipeline.now();
            let pause = next.map_or(MOST_IDLE, |at| Duration::try_from(at - now).unwrap_or_default());
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.pipeline.followed() => {}
                () = tokio::time::sleep(pause.clamp(Duration::from_millis(20), MOST_IDLE)) => {}
            }
        }
    }

    /// Reads what is due, a feed a service; asks after posts; answers when there is something to do again.
    pub async fn round(self: &Arc<Self>) -> Result<Option<OffsetDateTime>, StoreError> {
        let (store, now) = (self.pipeline.store(), self.pipeline.now());
        self.tidy(now).await?;
        if store.pending_posts().await? >= MOST_WAITING {
            return Ok(Some(now + FULL));
        }
        let sources = self.timelines.sources();
        let pauses = store.pauses().await?;
        let plan = plan(&store.feeds().await?, &pauses, &sources, now);
        let mut next = plan.next;
        let mut tasks = JoinSet::new();
        let mut polled = HashMap::new();
        for source in sources {
            let paused = pauses.iter().find(|pause| pause.source == source);
            let feed = plan.now.iter().find(|feed| feed.source == source).cloned();
            let check = self.next_check(source, paused).await?;
            if feed.is_none() && check.is_none_or(|at| at > now) {
                next = earlier(next, check);
                continue;
            }
            next = Some(now);
            let (runner, paused) = (Arc::clone(self), paused.cloned());
            let task = tasks.spawn(async move { runner.turn(source, feed, paused).await });
            polled.insert(task.id(), source);
        }
        while let Some(ended) = tasks.join_next_with_id().await {
            match ended {
                Ok((_, done)) => done?,
                Err(error) => {
                    let source = polled.get(&error.id()).copied();
                    tracing::error!(?source, %error, "reading a timeline panicked");
                    if let Some(source) = source {
                        let error = TimelineError::Service("the program made a mistake; the log says which".into());
                        let before = pauses.iter().find(|pause| pause.source == source);
                        self.pause(source, &error, before).await?;
                    }
                }
            }
        }
        Ok(next)
    }

    /// One service's turn: a feed, then posts to be asked after.
    async fn turn(&self, source: PostSource, feed: Option<FeedRow>, paused: Option<Pause>) -> Result<(), StoreError> {
        let Some(timeline) = self.timelines.of(source) else { return Ok(()) };
        if let Some(feed) = feed {
            let started = self.pipeline.now();
            match timeline.poll(&feed.feed, feed.cursor.as_deref()).await {
                Ok(page) => self.claim(&feed, page).await?,
                Err(error) => return self.failed(&feed, &error, paused.as_ref()).await,
            }
            let took = (self.pipeline.now() - started).as_seconds_f64();
            metrics::histogram!("mekiki_poll_seconds", "source" => source.as_str()).record(took);
            if paused.is_some() {
                self.pipeline.store().end_pause(source).await?;
                tracing::info!(source = source.as_str(), "the service answers again");
            }
        }
        self.check(timeline.as_ref(), paused.as_ref()).await
    }

    async fn claim(&self, feed: &FeedRow, mut page: Page) -> Result<(), StoreError> {
        let now = self.pipeline.now();
        let hosts = picture_hosts(feed.source);
        for post in &mut page.posts {
            post.pictures.retain(|picture| hosts.allow(&picture.url));
        }
        let claim = PageClaim {
            feed: feed.id,
            source: feed.source,
            after: feed.cursor.as_deref(),
            cursor: &page.cursor,
            posts: &page.posts,
            since: if feed.cursor.is_none() { now - LOOK_BACK } else { OffsetDateTime::UNIX_EPOCH },
            bots: self.bots,
            next_poll: after_page(feed, &page, now),
            check_after: CHECK_AFTER,
        };
        let claimed = self.pipeline.claim_page(&claim).await?;
        metrics::counter!("mekiki_polls_total", "source" => feed.source.as_str(), "ended" => "well").increment(1);
        tracing::debug!(feed = feed.id.0, source = feed.source.as_str(), posts = page.posts.len(), ?claimed, "read");
        Ok(())
    }

    async fn failed(&self, feed: &FeedRow, error: &TimelineError, paused: Option<&Pause>) -> Result<(), StoreError> {
        let now = self.pipeline.now();
        let failure = after_failure(error, feed, paused, now);
        metrics::counter!("mekiki_polls_total", "source" => feed.source.as_str(), "ended" => failure.code).increment(1);
        tracing::warn!(feed = feed.id.0, source = feed.source.as_str(), %error, "a timeline could not be read");
        if let Some(pause) = &failure.pause {
            self.pipeline.store().pause(pause).await?;
        }
        let words = error.to_string();
        let failed = FailedPoll { code: failure.code, error: &words, next_poll: failure.next_poll };
        self.pipeline.store().poll_failed(feed.id, failed, now).await
    }

    async fn pause(&self, source: PostSource, error: &TimelineError, before: Option<&Pause>) -> Result<(), StoreError> {
        match pause_after(error, source, before, self.pipeline.now()) {
            Some(pause) => self.pipeline.store().pause(&pause).await,
            None => Ok(()),
        }
    }

    /// When a service is to be asked after posts.
    async fn next_check(
        &self,
        source: PostSource,
        paused: Option<&Pause>,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let at = self.pipeline.store().next_check(source).await?;
        Ok(at.map(|at| paused.map_or(at, |pause| at.max(pause.until))))
    }

    /// Asks after some of the posts whose time has come.
    async fn check(&self, timeline: &dyn Timeline, paused: Option<&Pause>) -> Result<(), StoreError> {
        let (store, source, now) = (self.pipeline.store(), timeline.source(), self.pipeline.now());
        let originals = store.originals_to_check(source, now, CHECKED_AT_ONCE).await?;
        if originals.is_empty() {
            return Ok(());
        }
        match timeline.gone(&originals).await {
            Ok(gone) => {
                store.checked(source, &originals, now + CHECK_AFTER).await?;
                for original in &gone {
                    let posts = self.pipeline.original_gone(source, original).await?;
                    tracing::info!(source = source.as_str(), posts, "a post is gone at its source, and so it is here");
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(source = source.as_str(), %error, "cannot ask which posts are still there");
                // A feed's server that is down is asked again after the others.
                let later = now + time::Duration::minutes(if code(&error) == "wait" { 1 } else { 30 });
                store.checked(source, &originals, later).await?;
                self.pause(source, &error, paused).await
            }
        }
    }

    /// Lets posts go that came to nothing.
    async fn tidy(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        {
            let mut tidied = self.tidied.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if tidied.is_some_and(|at| now - at < TIDY) {
                return Ok(());
            }
            *tidied = Some(now);
        }
        for source in PostSource::TIMELINES {
            let kept = if source == PostSource::X { KEPT_OF_X } else { KEPT };
            while self.pipeline.forget_idle(source, now - kept).await? > 0 {}
        }
        Ok(())
    }
}

fn earlier(one: Option<OffsetDateTime>, other: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
