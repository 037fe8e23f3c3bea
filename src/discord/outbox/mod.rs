//! The outbox: takes the rows of what is to be sent to their end. One a process; a few channels at a time, one message at
//! a time in each.
//!
//! A row says `sending` before its request leaves. Whatever cuts it off then, a kill as much as a time-out, the row is
//! settled by looking in the channel whether the message is there; only if it is not, it is sent (again), with the same
//! nonce.

mod channels;
mod content;
mod publish;
mod settle;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::builder::{CreateMessage, EditMessage};
use serenity::cache::Cache;
use serenity::http::Http;
use serenity::model::channel::{Message, Nonce};
use serenity::model::id::{ChannelId, MessageId, UserId};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Lang;
use super::breaker::{Breaker, Refusal};
use crate::domain::{MessageKey, Scope, SendKind, SendState};
use crate::pipeline::{Attempt, Follows, Pipeline, SendRow, StoreError, crash_point};
use channels::Channels;
use content::Content;
use trouble::{Refused, Trouble};

/// Channels served at the same time.
const AT_ONCE: usize = 8;
/// The loop looks for work at least this often, also when nothing woke it.
const MOST_IDLE: Duration = Duration::from_secs(30);
/// How long a request may take. A rate limit that is waited for counts.
const REQUEST: Duration = Duration::from_mins(1);
/// How long requests under way may take to end at a stop.
const GRACE: Duration = Duration::from_secs(10);
/// Failed tries after which a row is given up: with the pauses, some forty minutes.
const TRIES: u32 = 15;
/// After a refusal for a missing permission, a channel's other rows are not even tried for so long.
const REFUSED_FOR: time::Duration = time::Duration::minutes(10);

/// Sends, changes and deletes what the pipeline wants on Discord.
#[derive(Debug)]
pub struct Outbox {
    pipeline: Arc<Pipeline>,
    http: Arc<Http>,
    channels: Channels,
    me: OnceCell<UserId>,
    /// Channels that refused lately, with the reason and until when they are let alone.
    refused: Mutex<HashMap<u64, (Refused, OffsetDateTime)>>,
    calls: Arc<Breaker>,
}

impl Outbox {
    /// `cache` saves requests about channels and guilds; it may be empty.
    pub fn new(pipeline: Arc<Pipeline>, http: Arc<Http>, cache: Arc<Cache>, calls: Arc<Breaker>) -> Self {
        let channels = Channels::new(Arc::clone(&http), cache);
        Self { pipeline, http, channels, me: OnceCell::new(), refused: Mutex::default(), calls }
    }

    /// Works until stopped; then lets the requests under way end, some seconds long. What is left is taken up at the next
    /// start.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut running = InFlight::default();
        if let Err(error) = self.pipeline.store().reopen_changes().await {
            tracing::error!(%error, "cannot take up the changes that a stop cut off");
        }
        while !stop.is_cancelled() {
            let pause = match self.fill(&mut running).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "cannot read what is to be sent; trying again in 5 s");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.pipeline.sends_changed() => {}
                () = tokio::time::sleep(pause) => {}
                true = running.next() => {}
            }
        }
        let ended = tokio::time::timeout(GRACE, async { while running.next().await {} }).await;
        if ended.is_err() {
            tracing::warn!("a request to Discord did not end in time; the next start looks what became of it");
        }
    }

    /// Starts what is due in channels that are not being served; answers how long there is nothing more to start.
    async fn fill(self: &Arc<Self>, running: &mut InFlight) -> Result<Duration, StoreError> {
        let store = self.pipeline.store();
        let now = self.pipeline.now();
        for row in store.due_sends(now).await? {
            if running.tasks.len() >= AT_ONCE {
                break;
            }
            if !running.serves(row.channel) {
                let outbox = Arc::clone(self);
                running.start(row.channel, async move { outbox.handle(&row).await });
            }
        }
        let mut next = store.next_send_due(now).await?;
        for (channel, step) in self.publishing(now).await? {
            match step {
                publish::Step::Wait(until) => next = Some(next.map_or(until, |at| at.min(until))),
                publish::Step::Do(job) if running.tasks.len() < AT_ONCE && !running.serves(channel) => {
                    let outbox = Arc::clone(self);
                    running.start(channel, async move { outbox.publish(job).await });
                }
                publish::Step::Do(_) => {}
            }
        }
        // What is due and was not started waits for its channel: the end of what is under way wakes the loop.
        let wait = next.map_or(MOST_IDLE, |at| (at - now).unsigned_abs());
        Ok(wait.clamp(Duration::from_millis(20), MOST_IDLE))
    }

    /// Takes one row one step on.
    async fn handle(&self, row: &SendRow) {
        let done = match row.state {
            SendState::Waiting => self.send(row).await,
            SendState::Sending => self.settle(row).await,
            SendState::Deleting => self.delete(row).await,
            SendState::Sent if row.owes_forward => self.forward_owed(row).await,
            SendState::Sent => self.change(row).await,
            SendState::Silent | SendState::Failed | SendState::Gone => Ok(()),
        };
        if let Err(trouble) = done
            && let Err(error) = self.note(row, &trouble).await
        {
            tracing::error!(send = row.id.0, %error, "cannot write that a send failed");
        }
    }

    async fn send(&self, row: &SendRow) -> Result<(), Trouble> {
        if let Some(reason) = self.refusal(row.channel) {
            return Err(Trouble::Refused(reason));
        }
        let store = self.pipeline.store();
        match self.content(row).await? {
            Content::Nothing => Ok(store.set_silent(row.id).await?),
            Content::Gone => Ok(store.set_gone(row.id).await?),
            Content::Message { create, follows, .. } => {
                if !store.begin_send(row.id).await? {
                    // Its source went while the message was made.
                    return Ok(());
                }
                claimed();
                let sent = self.post(row.channel, create.nonce(nonce(row, ""))).await?;
                after_sending();
                self.sent(row, sent.id.get(), follows).await
            }
        }
    }

    /// A send that was cut off: it is there, or it is sent now.
    async fn settle(&self, row: &SendRow) -> Result<(), Trouble> {
        match self.find(row).await.map_err(Trouble::unsure)? {
            Some(message) => {
                tracing::info!(send = row.id.0, message, "a message that was cut off has arrived");
                self.sent(row, message, self.follows(row).await?).await
            }
            None => self.send(row).await,
        }
    }

    async fn sent(&self, row: &SendRow, message: u64, follows: Follows) -> Result<(), Trouble> {
        self.pipeline.store().set_sent(row.id, message, follows, self.pipeline.now()).await?;
        // Somebody may have been quicker to react than this was to write down what the message is.
        self.pipeline.settle_reactions(MessageKey { channel: row.channel, message }).await?;
        metrics::counter!("mekiki_discord_sent_total", "kind" => row.kind.as_str()).increment(1);
        if row.kind == SendKind::Pick {
            tracing::info!(send = row.id.0, channel = row.channel, message, "picked on Discord");
        }
        Ok(())
    }

    async fn change(&self, row: &SendRow) -> Result<(), Trouble> {
        let store = self.pipeline.store();
        let Some(message) = row.message else { return Ok(store.end_change(row.id).await?) };
        if !store.begin_change(row.id).await? {
            return Ok(());
        }
        match self.content(row).await? {
            Content::Message { edit, .. } => {
                self.edit(row.channel, message, *edit).await?;
                Ok(store.end_change(row.id).await?)
            }
            Content::Nothing | Content::Gone => {
                self.delete_message(row.channel, message).await?;
                store.end_change(row.id).await?;
                Ok(store.set_silent(row.id).await?)
            }
        }
    }

    async fn delete(&self, row: &SendRow) -> Result<(), Trouble> {
        if row.owes_forward || row.companion.is_some() {
            let forward = if row.companion.is_some() { row.companion } else { self.find_forward(row).await? };
            if let Some(forward) = forward {
                self.delete_message(row.channel, forward).await?;
            }
        }
        // One without a message may be on its way, or have arrived unnoticed.
        let message = if row.message.is_some() { row.message } else { self.find(row).await? };
        if let Some(message) = message {
            self.delete_message(row.channel, message).await?;
        }
        Ok(self.pipeline.store().set_gone(row.id).await?)
    }

    /// Writes down how it failed: for now, with a growing pause, or for good.
    async fn note(&self, row: &SendRow, trouble: &Trouble) -> Result<(), StoreError> {
        let store = self.pipeline.store();
        metrics::counter!("mekiki_discord_send_errors_total", "why" => trouble.code()).increment(1);
        match trouble {
            // A reply to a message that is no more: it was deleted.
            Trouble::SourceGone => {
                if let Some(source) = row.source {
                    self.pipeline.source_deleted(source).await?;
                }
                // If it is not known after all, it is not tried again.
                store.withdraw_send(row.id).await
            }
            Trouble::Missing => store.set_gone(row.id).await,
            // Where only a person has installed the bot, it may change nothing once the command has ended.
            Trouble::Refused(_) if row.kind == SendKind::Answer && matches!(row.scope, Scope::User(_)) => {
                store.set_gone(row.id).await
            }
            Trouble::Refused(refused) => {
                self.remember_refusal(row.channel, refused);
                tracing::warn!(send = row.id.0, channel = row.channel, %trouble, "a message cannot be sent");
                store.fail_send(row.id, refused.failure, &refused.words).await
            }
            Trouble::AgeGate | Trouble::Bad(_) => {
                tracing::warn!(send = row.id.0, channel = row.channel, %trouble, "a message cannot be sent");
                store.fail_send(row.id, trouble.failure(), &trouble.to_string()).await
            }
            Trouble::Later { attempt, .. } => self.again(row, *attempt, trouble).await,
            Trouble::Internal(_) => self.again(row, Attempt::Unknown, trouble).await,
        }
    }

    async fn again(&self, row: &SendRow, attempt: Attempt, trouble: &Trouble) -> Result<(), StoreError> {
        let store = self.pipeline.store();
        let tries = store.count_send_try(row.id).await?;
        if tries >= TRIES {
            tracing::warn!(send = row.id.0, tries, %trouble, "a message was given up");
            return store.fail_send(row.id, trouble.failure(), &trouble.to_string()).await;
        }
        let pause = time::Duration::milliseconds(500 << tries.min(10)).min(time::Duration::minutes(5));
        tracing::debug!(send = row.id.0, tries, %trouble, "a message is tried again");
        store.retry_send(row.id, attempt, self.pipeline.now() + pause, &trouble.to_string()).await
    }

    fn refusal(&self, channel: u64) -> Option<Refused> {
        let now = self.pipeline.now();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|_, (_, until)| *until > now);
        refused.get(&channel).map(|(reason, _)| reason.clone())
    }

    fn remember_refusal(&self, channel: u64, reason: &Refused) {
        let until = self.pipeline.now() + REFUSED_FOR;
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        // Not prolonged by rows that were not even tried.
        refused.entry(channel).or_insert_with(|| (reason.clone(), until));
    }

    /// Lets a channel, or `None`: each, be tried again at once: permissions changed.
    pub fn forget_refusals(&self, channel: Option<u64>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|&id, _| channel.is_some_and(|c| c != id));
    }

    /// Within its time, and only as long as Discord does not refuse too much.
    async fn request<T>(&self, request: impl Future<Output = serenity::Result<T>>, channel: u64) -> Result<T, Trouble> {
        let refused = |why: Refusal| Trouble::Later { attempt: Attempt::Refused, why: why.to_string() };
        self.calls.allows(None).map_err(refused)?;
        let noted = Box::pin(async { request.await.inspect_err(|error| self.calls.note(None, error)) });
        in_time(noted, channel).await
    }

    async fn post(&self, channel: u64, message: CreateMessage) -> Result<Message, Trouble> {
        let sending = ChannelId::new(channel).send_message(&*self.http, message.enforce_nonce(true));
        self.request(sending, channel).await
    }

    async fn edit(&self, channel: u64, message: u64, edit: EditMessage) -> Result<(), Trouble> {
        let editing = ChannelId::new(channel).edit_message(&*self.http, MessageId::new(message), edit);
        self.request(editing, channel).await.map(drop)
    }

    /// Deleting what is gone already is no trouble.
    async fn delete_message(&self, channel: u64, message: u64) -> Result<(), Trouble> {
        let deleting = self.http.delete_message(ChannelId::new(channel), MessageId::new(message), None);
        match self.request(deleting, channel).await {
            Err(Trouble::Missing) => Ok(()),
            other => other,
        }
    }

    /// The bot's own user.
    async fn me(&self) -> Result<UserId, Trouble> {
        let me = self.me.get_or_try_init(async || {
            let user = tokio::time::timeout(REQUEST, self.http.get_current_user()).await;
            user.map_err(|_| Trouble::timed_out())?.map(|user| user.id).map_err(|e| Trouble::of(e, 0))
        });
        me.await.copied()
    }

    fn lang(&self, scope: Scope) -> Lang {
        match scope {
            Scope::Guild(guild) => self.channels.lang(guild),
            Scope::Local | Scope::User(_) => Lang::default(),
        }
    }
}

/// The same for every try of one send, so that Discord makes one message of them; another for every other send, also those
/// of another process or of a folder begun anew, whose rows have the same numbers: Discord tells nonces by the bot.
fn nonce(row: &SendRow, suffix: &str) -> Nonce {
    // Discord takes 25 characters.
    const LENGTH: usize = 24;
    // One that was sent and taken away before is another message.
    let before = row.sent_at.map(OffsetDateTime::unix_timestamp);
    let told = format!(
        "{} {} {} {suffix} {before:?}",
        row.id.0,
        row.channel,
        row.source.map_or_else(String::new, |s| s.to_string())
    );
    Nonce::String(hex::encode(Sha256::digest(told))[..LENGTH].to_owned())
}

async fn in_time<T>(request: impl Future<Output = Result<T, serenity::Error>>, channel: u64) -> Result<T, Trouble> {
    match tokio::time::timeout(REQUEST, request).await {
        Ok(answer) => answer.map_err(|error| Trouble::of(error, channel)),
        Err(_) => Err(Trouble::timed_out()),
    }
}

/// Channels that are being served.
#[derive(Debug, Default)]
struct InFlight {
    tasks: JoinSet<()>,
    channels: HashMap<Id, u64>,
}

impl InFlight {
    fn serves(&self, channel: u64) -> bool {
        self.channels.values().any(|&c| c == channel)
    }

    fn start(&mut self, channel: u64, work: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(work).id();
        self.channels.insert(task, channel);
    }

    /// Waits for the next one to end; false when there is none.
    async fn next(&mut self) -> bool {
        let task = match self.tasks.join_next_with_id().await {
            None => return false,
            Some(Ok((task, ()))) => task,
            Some(Err(error)) => {
                tracing::error!(%error, "a send panicked; it is settled at the next start");
                error.id()
            }
        };
        self.channels.remove(&task);
        true
    }
}

fn claimed() {
    crash_point!("send_claimed");
}

fn after_sending() {
    crash_point!("send_sent");
}
