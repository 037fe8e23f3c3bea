//! The loop that takes every claimed post to its end, a few at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Pipeline;
use super::step::StepError;
use crate::domain::{Origin, PostId, PostState};
use crate::store::{BlobKind, StoreError};

/// After this many tries with growing pauses a step that could succeed is given up.
pub(super) const TRIES: u32 = 6;
/// How long a post waits for room in the engine's queue; such a wait is not a try.
const BUSY_PAUSE: time::Duration = time::Duration::SECOND;
/// The loop looks for work at least this often, also when nothing woke it.
const MOST_IDLE: Duration = Duration::from_mins(1);

/// Posts that are being worked on.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    tasks: JoinSet<()>,
    posts: HashMap<tokio::task::Id, PostId>,
}

impl InFlight {
    pub(super) fn has(&self, post: PostId) -> bool {
        self.posts.values().any(|&p| p == post)
    }

    pub(super) fn start(&mut self, post: PostId, work: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(work).id();
        self.posts.insert(task, post);
    }

    /// Waits for the next one to end; its post if it panicked. `None` when there is none.
    pub(super) async fn next(&mut self) -> Option<Option<PostId>> {
        let (task, panicked) = match self.tasks.join_next_with_id().await? {
            Ok((task, ())) => (task, false),
            Err(error) => (error.id(), true),
        };
        Some(self.posts.remove(&task).filter(|_| panicked))
    }
}

impl Pipeline {
    /// Removes originals that no waiting post needs: what a kill between two steps left behind. Before anything is
    /// submitted.
    pub async fn tidy_spool(&self) -> Result<usize, StoreError> {
        let needed = self.parts.store.waiting_originals().await?;
        self.parts.blobs.keep_only(BlobKind::Spool, &needed)
    }

    /// Works until stopped; then lets the posts in flight come to their end. What is left is taken up at the next start.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut running = InFlight::default();
        while !stop.is_cancelled() {
            let pause = match self.fill(&mut running).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "cannot read what is to be done; trying again in 5 s");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.work.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(panicked) = running.next() => self.after_panic(panicked).await,
            }
        }
        while let Some(panicked) = running.next().await {
            self.after_panic(panicked).await;
        }
    }

    /// A post whose task panicked is tried again later, like one whose step failed: at once would be a hot loop.
    pub(super) async fn after_panic(&self, post: Option<PostId>) {
        if let Some(post) = post {
            self.settle_or_log(post, &StepError::Panicked).await;
        }
    }

    /// Starts what is due; answers how long there is nothing more to start.
    async fn fill(self: &Arc<Self>, running: &mut InFlight) -> Result<Duration, StoreError> {
        let room = self.parts.workers.saturating_sub(running.posts.len());
        let now = self.parts.clock.now();
        if room > 0 {
            let due = self.parts.store.due(now, (room + running.posts.len()) as u32).await?;
            for item in due.into_iter().filter(|item| !running.has(item.post)).take(room).collect::<Vec<_>>() {
                let pipeline = Arc::clone(self);
                running.start(item.post, async move { pipeline.finish(item.post).await });
            }
        }
        // What is due and was not started waits for room: the end of one in flight wakes the loop.
        let wait = self.parts.store.next_due(now).await?.map_or(MOST_IDLE, |at| (at - now).unsigned_abs());
        Ok(wait.clamp(Duration::from_millis(20), MOST_IDLE))
    }

    /// Takes one post as far as it goes now.
    pub async fn finish(&self, post: PostId) {
        loop {
            match self.step(post).await {
                Ok(Some(state)) if !state.is_final() => {}
                Ok(state) => {
                    if state == Some(PostState::Published) {
                        metrics::counter!("mekiki_posts_done_total").increment(1);
                    }
                    self.post_ended();
                    return;
                }
                Err(error) => return self.settle_or_log(post, &error).await,
            }
        }
    }

    async fn settle_or_log(&self, post: PostId, error: &StepError) {
        if let Err(error) = self.settle(post, error).await {
            tracing::error!(post = post.0, %error, "cannot write that a step failed");
        }
    }

    /// Writes down that a step failed: for now, with a growing pause, or for good.
    async fn settle(&self, post: PostId, error: &StepError) -> Result<(), StoreError> {
        let store = &self.parts.store;
        let Some(item) = store.work_item(post).await? else { return Ok(()) };
        if error.is_busy() {
            return store.retry_post(post, self.parts.clock.now() + BUSY_PAUSE, &error.to_string()).await;
        }
        metrics::counter!("mekiki_step_errors_total").increment(1);
        let tries = store.count_retry(post).await?;
        if error.is_retryable() && tries < TRIES {
            let pause = time::Duration::seconds(1 << tries.min(10));
            tracing::warn!(post = post.0, state = item.state.as_str(), tries, %error, "a step failed; it is tried again");
            store.retry_post(post, self.parts.clock.now() + pause, &error.to_string()).await
        } else {
            tracing::warn!(post = post.0, state = item.state.as_str(), %error, "a post failed");
            store.fail_post(post, error.code(), &error.to_string()).await?;
            self.post_ended();
            match (item.picture, item.origin) {
                (Some(picture), _) | (None, Origin::Spool { picture }) => self.drop_original(picture).await,
                (None, Origin::Drawing { .. } | Origin::Link { .. }) => Ok(()),
            }
        }
    }
}
