//! Publishes what was sent to announcement channels, within what Discord takes an hour.

use std::collections::BTreeMap;

use serenity::model::id::{ChannelId, MessageId};
use time::OffsetDateTime;

use super::Outbox;
use super::trouble::Trouble;
use crate::domain::{PUBLISHED_PER_HOUR, Publishing, SendKind, publishing};
use crate::pipeline::{Attempt, StoreError, Unpublished};

pub(super) enum Step {
    Do(Job),
    Wait(OffsetDateTime),
}

pub(super) enum Job {
    Publish(Vec<Unpublished>),
    Digest(Vec<Unpublished>),
}

impl Outbox {
    /// What is to be published now, a channel.
    pub(super) async fn publishing(&self, now: OffsetDateTime) -> Result<BTreeMap<u64, Step>, StoreError> {
        let mut channels: BTreeMap<u64, Vec<Unpublished>> = BTreeMap::new();
        for send in self.pipeline.store().unpublished(now).await? {
            channels.entry(send.key.channel).or_default().push(send);
        }
        let mut steps = BTreeMap::new();
        for (channel, sends) in channels {
            let published = self.pipeline.store().published_lately(channel, now).await?;
            let (picks, digests): (Vec<_>, Vec<_>) = sends.into_iter().partition(|s| s.kind != SendKind::Digest);
            // A digest has the place that is kept for it.
            let step = if !digests.is_empty() && published < PUBLISHED_PER_HOUR {
                Step::Do(Job::Publish(digests.into_iter().take(1).collect()))
            } else {
                let sent: Vec<OffsetDateTime> = picks.iter().map(|s| s.sent_at).collect();
                match publishing(&sent, published, now) {
                    Publishing::Nothing if digests.is_empty() => continue,
                    Publishing::Nothing => Step::Wait(now + time::Duration::MINUTE),
                    Publishing::Each => Step::Do(Job::Publish(picks)),
                    Publishing::Digest => Step::Do(Job::Digest(picks)),
                    Publishing::Wait { until } => Step::Wait(until),
                }
            };
            steps.insert(channel, step);
        }
        Ok(steps)
    }

    pub(super) async fn publish(&self, job: Job) {
        let done = match job {
            Job::Publish(sends) => self.publish_each(&sends).await,
            Job::Digest(picks) => self.pipeline.store().claim_digest(&picks, self.pipeline.now()).await.map(drop),
        };
        if let Err(error) = done {
            tracing::error!(%error, "cannot write what was published");
        }
    }

    async fn publish_each(&self, sends: &[Unpublished]) -> Result<(), StoreError> {
        let store = self.pipeline.store();
        for send in sends {
            let (channel, message) = (ChannelId::new(send.key.channel), MessageId::new(send.key.message));
            let now = self.pipeline.now();
            match self.request(self.http.crosspost_message(channel, message), send.key.channel).await {
                Ok(_) => store.set_published(send.send, now).await?,
                // 40033: it was published before a stop could be told.
                Err(Trouble::Bad(said)) if said.contains("(40033)") => store.set_published(send.send, now).await?,
                Err(trouble @ (Trouble::Later { .. } | Trouble::Internal(_))) => {
                    let tries = store.count_send_try(send.send).await?;
                    let pause = time::Duration::seconds(5 << tries.min(6));
                    store.retry_send(send.send, Attempt::Unknown, now + pause, &trouble.to_string()).await?;
                    return Ok(());
                }
                Err(trouble) => {
                    tracing::warn!(send = send.send.0, %trouble, "a pick cannot be published to the followers");
                    store.set_unpublishable(send.send, &trouble.to_string()).await?;
                }
            }
        }
        Ok(())
    }
}
