//! The loop that takes every claimed post to its end, a few at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Pipeline;
use crate::domain::{Origin, PostId, PostState};
use crate::store::{BlobKind, StoreError};

/// After this many tries with growing pauses a step that could succeed is given up.
const TRIES: u32 = 6;

impl Pipeline {
    /// Removes originals that no waiting post needs: what a kill between two steps left behind. Before anything is
    /// submitted.
    pub async fn tidy_spool(&self) -> Result<usize, StoreError> {
        let needed: HashSet<_> = self
            .parts
            .store
            .due(time::OffsetDateTime::from_unix_timestamp(253_402_300_799).expect("the year 9999"), u32::MAX)
            .await?
            .into_iter()
            .filter_map(|item| match item.origin {
                Origin::Spool { picture } => Some(picture),
                Origin::Drawing { .. } => item.picture,
            })
            .collect();
        let mut removed = 0;
        for id in self.parts.blobs.list(BlobKind::Spool)? {
            if !needed.contains(&id) {
                self.parts.blobs.remove(BlobKind::Spool, id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Works until stopped; then lets the steps in flight end. What is left is taken up at the next start.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut running: JoinSet<PostId> = JoinSet::new();
        let mut busy: HashSet<PostId> = HashSet::new();
        while !stop.is_cancelled() {
            let pause = match self.fill(&mut running, &mut busy).await {
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
                Some(done) = running.join_next() => match done {
                    Ok(post) => { busy.remove(&post); }
                    Err(error) => {
                        tracing::error!(%error, "a post's task panicked; its step is tried again");
                        // Which post it was is not known: all that is not in flight is looked at again.
                        busy.clear();
                    }
                },
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Starts what is due; answers how long there is nothing more to start.
    async fn fill(
        self: &Arc<Self>,
        running: &mut JoinSet<PostId>,
        busy: &mut HashSet<PostId>,
    ) -> Result<Duration, StoreError> {
        let room = self.parts.workers.saturating_sub(running.len());
        let now = self.parts.clock.now();
        if room > 0 {
            let due = self.parts.store.due(now, (room + busy.len()) as u32).await?;
            for item in due.into_iter().filter(|item| !busy.contains(&item.post)).take(room).collect::<Vec<_>>() {
                busy.insert(item.post);
                let pipeline = Arc::clone(self);
                running.spawn(async move {
                    pipeline.finish(item.post).await;
                    item.post
                });
            }
        }
        let next = self.parts.store.next_due().await?.filter(|&at| at > now);
        let wait = next.map_or(Duration::from_secs(60), |at| (at - now).unsigned_abs());
        Ok(wait.clamp(Duration::from_millis(20), Duration::from_secs(60)))
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
                    return;
                }
                Err(error) => {
                    if let Err(error) = self.settle(post, &error).await {
                        tracing::error!(post = post.0, %error, "cannot write that a step failed");
                    }
                    return;
                }
            }
        }
    }

    /// Writes down that a step failed: for now, with a growing pause, or for good.
    async fn settle(&self, post: PostId, error: &super::step::StepError) -> Result<(), StoreError> {
        let store = &self.parts.store;
        let Some(item) = store.work_item(post).await? else { return Ok(()) };
        metrics::counter!("mekiki_step_errors_total").increment(1);
        let tries = store.count_retry(post).await?;
        if error.is_retryable() && tries < TRIES {
            let pause = time::Duration::seconds(1 << tries.min(10));
            tracing::warn!(post = post.0, state = item.state.as_str(), tries, %error, "a step failed; it is tried again");
            store.retry_post(post, self.parts.clock.now() + pause, &error.to_string()).await
        } else {
            tracing::warn!(post = post.0, state = item.state.as_str(), %error, "a post failed");
            store.fail_post(post, error.code(), &error.to_string()).await?;
            if let Some(picture) = item.picture {
                self.parts.blobs.remove(BlobKind::Spool, picture)?;
            }
            Ok(())
        }
    }
}
