//! What was missed: after each new or resumed session the channels are read over, in a plain loop that takes its time.
//! What it finds goes the way of everything that is heard.

mod plan;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serenity::all::{ChannelId, GuildId, MessageId, ReactionType};
use serenity::http::{LightMethod, Request, Route};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::App;
use super::breaker::{Act, CallError};
use super::events::{Heard, emoji_name};
use super::links::fetch_message;
use super::raw::{self, RawMessage, id_at};
use crate::domain::MessageKey;
use crate::pipeline::{Cursor, StoreError};
use plan::{Pages, plan};

/// Between two requests: backfill leaves most of the limits to everything else.
const THROTTLE: Duration = Duration::from_millis(120);
/// Times that Discord is asked for one page, and the first pause between two of them; each is twice the one before.
const ASKED: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);
/// Messages a page.
const PAGE: usize = 100;
/// Pages of one channel: what is older than so many messages is let go.
const PAGES: usize = 20;
/// How far back sources are checked for having gone.
const LOOK_BACK: time::Duration = time::Duration::hours(48);
/// Messages whose reactions are read over, of those with pictures and of the bot's own each; and messages that commands
/// asked about.
const REACTED: u32 = 50;
/// Times that the reactions of one message are asked for while people react.
const TRIES: u32 = 3;
/// Known messages from before the pages are asked for one by one, so many.
const SINGLES: usize = 50;

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Call(#[from] CallError),
}

pub(super) struct Reconciler {
    app: App,
    queue: UnboundedSender<Heard>,
    missed: Arc<Notify>,
}

impl Reconciler {
    pub(super) fn new(app: App, queue: UnboundedSender<Heard>, missed: Arc<Notify>) -> Self {
        Self { app, queue, missed }
    }

    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.missed.notified() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.look_back() => {}
            }
        }
    }

    async fn look_back(&self) {
        let begun = Instant::now();
        let channels = match self.channels().await {
            Ok(channels) => channels,
            Err(error) => return tracing::error!(%error, "cannot read what was seen; missed messages stay missed"),
        };
        let mut found = 0;
        for cursor in &channels {
            match self.channel(cursor).await {
                Ok(messages) => found += messages,
                Err(error) => {
                    tracing::warn!(channel = cursor.channel, %error, "a channel could not be read over");
                }
            }
        }
        let asked = self.asked().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what was asked about could not be looked up");
            0
        });
        let reactions = match self.reactions().await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(%error, "reactions could not be read over");
                0
            }
        };
        let took = begun.elapsed();
        tracing::info!(
            channels = channels.len(),
            messages = found,
            asked,
            reactions,
            ?took,
            "read over what may have been missed"
        );
    }

    /// Watched channels and their threads, each with where looking back begins. One that was never looked at begins now.
    async fn channels(&self) -> Result<Vec<Cursor>, Trouble> {
        let pipeline = &self.app.pipeline;
        let mut watched = pipeline.watched_all().await?;
        // Other shares of the shards may have been this folder's before.
        watched.retain(|_, guild| self.app.settings.shards.is_none_or(|shards| shards.has_guild(*guild)));
        let mut cursors: HashMap<u64, Cursor> = HashMap::new();
        for cursor in pipeline.cursors().await? {
            if watched.contains_key(&cursor.parent) {
                cursors.insert(cursor.channel, cursor);
            }
        }
        let now = id_at(pipeline.now());
        for (&channel, &guild) in &watched {
            if let std::collections::hash_map::Entry::Vacant(entry) = cursors.entry(channel) {
                let cursor = Cursor { channel, guild, parent: channel, message: now };
                pipeline.advance_cursor(&cursor).await?;
                entry.insert(cursor);
            }
        }
        let guilds: HashSet<u64> = watched.values().copied().collect();
        for guild in guilds {
            for (thread, parent) in self.threads(guild).await.unwrap_or_default() {
                // Opened since its channel was last heard: all in it is new.
                if let Some(&above) = cursors.get(&parent) {
                    cursors.entry(thread).or_insert(Cursor { channel: thread, ..above });
                }
            }
        }
        let mut cursors: Vec<Cursor> = cursors.into_values().collect();
        cursors.sort_by_key(|c| c.channel);
        Ok(cursors)
    }

    /// A request that is made again while that can help: what is not read over now stays missed until the next session.
    async fn ask<T: DeserializeOwned>(&self, place: Option<(u64, Act)>, request: Request<'_>) -> Result<T, CallError> {
        let mut pause = PAUSE;
        for _ in 1..ASKED {
            match self.app.calls.call(place, self.app.rest.http().fire(request.clone())).await {
                Err(error) if error.is_retryable() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.app.calls.call(place, self.app.rest.http().fire(request)).await
    }

    /// (thread, its channel) of all threads that are open.
    async fn threads(&self, guild: u64) -> Result<Vec<(u64, u64)>, CallError> {
        let route = Route::GuildThreadsActive { guild_id: GuildId::new(guild) };
        let request = Request::new(route, LightMethod::Get);
        let answer: Value = self.ask(None, request).await?;
        let threads = answer.get("threads").and_then(Value::as_array).into_iter().flatten();
        let ids = |t: &Value| Some((raw::id(t.get("id")?)?, raw::id(t.get("parent_id")?)?));
        Ok(threads.filter_map(ids).collect())
    }

    /// Reads a channel back to where it was known; answers how many messages it looked at.
    async fn channel(&self, cursor: &Cursor) -> Result<usize, Trouble> {
        let since = self.app.pipeline.now() - LOOK_BACK;
        let known: Vec<u64> =
            self.app.pipeline.messages_in(cursor.channel, since).await?.iter().map(|k| k.message).collect();
        let as_of = Instant::now();
        let pages = self.pages(cursor, known.first().copied()).await?;
        let plan = plan(&pages, &known, cursor.message);
        for id in &plan.look {
            if let Some(value) = pages.messages.get(id)
                && let Some(message) = RawMessage::read(value)
            {
                // Messages that are asked for do not say where they are.
                let message = Box::new(RawMessage { guild: Some(cursor.guild), ..message });
                self.tell(Heard::Fetched { as_of, message, is_new: true });
            }
        }
        // A channel whose history the bot may not read looks empty: nothing is taken for gone that was not asked for.
        for &message in plan.missing.iter().chain(plan.unseen.iter().take(SINGLES)) {
            self.single(MessageKey { channel: cursor.channel, message }, cursor.guild, true).await?;
        }
        Ok(pages.messages.len())
    }

    /// Messages that commands asked about, wherever they are; answers how many there were.
    async fn asked(&self) -> Result<usize, Trouble> {
        let since = self.app.pipeline.now() - LOOK_BACK;
        let messages = self.app.pipeline.asked_since(since, REACTED).await?;
        for &(guild, message) in &messages {
            if let Err(error) = self.single(message, guild, false).await {
                tracing::debug!(%message, %error, "a message that was asked about could not be looked up");
            }
        }
        Ok(messages.len())
    }

    async fn single(&self, key: MessageKey, guild: u64, is_new: bool) -> Result<(), Trouble> {
        let as_of = Instant::now();
        self.throttle().await;
        match fetch_message(&self.app.rest.http(), &self.app.calls, key).await {
            Ok(value) => {
                if let Some(message) = RawMessage::read(&value) {
                    self.tell(Heard::Fetched {
                        as_of,
                        message: Box::new(RawMessage { guild: Some(guild), ..message }),
                        is_new,
                    });
                }
            }
            Err(error) if error.is_gone() => self.tell(Heard::Missing { as_of, message: key }),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Newest first, until a page's worth before the cursor and the oldest known message are reached.
    async fn pages(&self, cursor: &Cursor, oldest_known: Option<u64>) -> Result<Pages, Trouble> {
        let mut pages = Pages::default();
        let mut before: Option<u64> = None;
        let reach = oldest_known.unwrap_or(cursor.message).min(cursor.message);
        for _ in 0..PAGES {
            self.throttle().await;
            let mut params = vec![("limit", PAGE.to_string())];
            params.extend(before.map(|id| ("before", id.to_string())));
            let route = Route::ChannelMessages { channel_id: ChannelId::new(cursor.channel) };
            let request = Request::new(route, LightMethod::Get).params(Some(params));
            let place = Some((cursor.channel, Act::Read));
            let page: Vec<Value> = self.ask(place, request).await?;
            let length = page.len();
            let messages = page.into_iter().filter_map(|m| Some((raw::id(m.get("id")?)?, m)));
            pages.messages.extend(messages);
            before = pages.messages.keys().next().copied();
            if length < PAGE {
                pages.is_whole = true;
                break;
            }
            let earlier = pages.messages.range(..=cursor.message).count();
            if before.is_some_and(|oldest| oldest <= reach) && earlier >= PAGE {
                break;
            }
        }
        Ok(pages)
    }

    /// Reads the reactions of the last messages over; answers how many messages there were.
    async fn reactions(&self) -> Result<usize, Trouble> {
        let since = self.app.pipeline.now() - LOOK_BACK;
        let messages = self.app.pipeline.reactable_since(since, REACTED).await?;
        for &(_, message) in &messages {
            match self.standing(message).await {
                Ok(()) => {}
                // Gone, or not to be seen any more: its channel was read over already.
                Err(error) if error.is_gone() || error.is_forbidden() => {}
                Err(error) => tracing::warn!(%message, %error, "the reactions of a message could not be read over"),
            }
        }
        Ok(messages.len())
    }

    /// What stands on a message; asked again when somebody reacted meanwhile.
    async fn standing(&self, message: MessageKey) -> Result<(), CallError> {
        for _ in 0..TRIES {
            let as_of = Instant::now();
            self.throttle().await;
            let found = fetch_message(&self.app.rest.http(), &self.app.calls, message).await?;
            let reactions = found.get("reactions").and_then(Value::as_array).into_iter().flatten();
            let mut standing = Vec::new();
            for reaction in reactions {
                let emoji = reaction.get("emoji").and_then(|e| serde_json::from_value(e.clone()).ok());
                let Some(emoji): Option<ReactionType> = emoji else { continue };
                let people = self.people(message, &emoji, &kinds(reaction)).await?;
                standing.extend(people.into_iter().map(|person| (person, emoji_name(&emoji))));
            }
            let taken = Arc::new(AtomicBool::new(false));
            self.tell(Heard::ReactionsFetched { as_of, message, standing, taken: Arc::clone(&taken) });
            // Until the queue has come to it: a last holder is left when it is dealt with.
            while Arc::strong_count(&taken) > 1 {
                self.throttle().await;
            }
            if taken.load(Ordering::Acquire) {
                return Ok(());
            }
        }
        tracing::debug!(%message, "reactions come faster than they can be read over; what is heard of them counts");
        Ok(())
    }

    /// Who stands behind an emoji, bots left out, oldest first by their ids.
    async fn people(&self, message: MessageKey, emoji: &ReactionType, kinds: &[u8]) -> Result<Vec<u64>, CallError> {
        let (channel_id, message_id) = (ChannelId::new(message.channel), MessageId::new(message.message));
        let reaction = emoji.as_data();
        let mut people = Vec::new();
        let mut after: Option<u64> = None;
        for _ in 0..PAGES {
            self.throttle().await;
            let mut both = Vec::new();
            let mut reached = None;
            for kind in kinds {
                let mut params = vec![("limit", PAGE.to_string()), ("type", kind.to_string())];
                params.extend(after.map(|id| ("after", id.to_string())));
                let route = Route::ChannelMessageReactionEmoji { channel_id, message_id, reaction: &reaction };
                let request = Request::new(route, LightMethod::Get).params(Some(params));
                let place = Some((message.channel, Act::Read));
                let page: Vec<Value> = self.ask(place, request).await?;
                if page.len() == PAGE {
                    let last = page.last().and_then(|u| raw::id(u.get("id")?));
                    // Both go on from the one that came less far; who comes twice is one.
                    reached = [reached, last].into_iter().flatten().min();
                }
                both.extend(page);
            }
            let is_bot = |u: &Value| u.get("bot").and_then(Value::as_bool).unwrap_or_default();
            people.extend(both.iter().filter(|u| !is_bot(u)).filter_map(|u| raw::id(u.get("id")?)));
            after = reached;
            if after.is_none() {
                break;
            }
        }
        people.sort_unstable();
        people.dedup();
        Ok(people)
    }

    async fn throttle(&self) {
        tokio::time::sleep(THROTTLE).await;
    }

    fn tell(&self, heard: Heard) {
        // Closed at a stop.
        let _ = self.queue.send(heard);
    }
}

/// The lists that people of a reaction are on: plain ones, and super reactions.
fn kinds(reaction: &Value) -> Vec<u8> {
    let count = |name: &str| reaction.get("count_details")?.get(name)?.as_u64();
    // Asked for where it is not said that there are none.
    [(0, "normal"), (1, "burst")].into_iter().filter(|(_, name)| count(name) != Some(0)).map(|(kind, _)| kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_with_somebody_on_them_are_asked_for() {
        let of = |counts: &Value| kinds(&serde_json::json!({"count": 1, "count_details": counts}));
        assert_eq!(of(&serde_json::json!({"normal": 1, "burst": 0})), [0]);
        assert_eq!(of(&serde_json::json!({"normal": 0, "burst": 2})), [1]);
        assert_eq!(of(&serde_json::json!({"normal": 1, "burst": 1})), [0, 1]);
        assert_eq!(of(&Value::Null), [0, 1]);
    }
}
