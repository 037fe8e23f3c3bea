//! Deals with what was heard, one after the other: the order of the events is the order of what is kept.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serenity::all::ApplicationId;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::App;
use super::asked;
use super::breaker::CallError;
use super::client::CurrentOutbox;
use super::events::{Heard, Session};
use super::later;
use super::links::fetch_message;
use super::pictures;
use super::places::{Place, Places};
use super::raw::RawMessage;
use super::recent::Recent;
use super::watch::{self, Decision, Leave, Look};
use crate::domain::{Author, MessageKey, Rater, ReactionChange};
use crate::pipeline::{IncomingMessage, StoreError};

/// How often the channels' newest messages are written down.
const FLUSH: Duration = Duration::from_secs(30);
/// How long a stop waits for what was heard before it.
const DRAIN: Duration = Duration::from_secs(10);
/// Reactions written down at once.
const AT_ONCE: usize = 200;
/// Tries to write one thing down, and the pause between them.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Why something that was heard was not dealt with.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Trouble {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Call(error) => error.is_retryable(),
        }
    }
}

/// What others are told.
pub(super) struct Notices {
    /// Something may have been missed.
    pub(super) missed: Arc<Notify>,
    /// A message is to be looked up again.
    pub(super) kept: Arc<Notify>,
}

pub(super) struct Listener {
    app: App,
    places: Places,
    notices: Notices,
    outbox: CurrentOutbox,
    /// Channel → newest message, not yet written down.
    newest: HashMap<u64, u64>,
    deleted: Recent<MessageKey>,
    touched: Recent<Touch>,
}

/// What an event was about: what was looked up before it is older than it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Touch {
    Message(MessageKey),
    Reactions(MessageKey),
}

impl Listener {
    pub(super) fn new(app: App, notices: Notices, outbox: CurrentOutbox) -> Self {
        Self {
            app,
            places: Places::default(),
            notices,
            outbox,
            newest: HashMap::new(),
            deleted: Recent::default(),
            touched: Recent::default(),
        }
    }

    /// Until stopped; then what was heard before is dealt with still, for some seconds.
    pub(super) async fn run(mut self, mut queue: UnboundedReceiver<Heard>, stop: CancellationToken) {
        let mut flush = tokio::time::interval(FLUSH);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                heard = queue.recv() => match heard {
                    Some(heard) => self.deal_with(heard, &mut queue).await,
                    None => break,
                },
                _ = flush.tick() => self.flush().await,
            }
        }
        queue.close();
        let rest = async {
            while let Some(heard) = queue.recv().await {
                self.deal_with(heard, &mut queue).await;
            }
        };
        if tokio::time::timeout(DRAIN, rest).await.is_err() {
            tracing::warn!("stopped before all that was heard was dealt with; it is looked up at the next start");
        }
        self.flush().await;
    }

    /// Reactions that wait one after the other are written down together.
    async fn deal_with(&mut self, heard: Heard, queue: &mut UnboundedReceiver<Heard>) {
        let Heard::Reactions(mut changes) = heard else { return self.deal(heard).await };
        let mut next = None;
        while changes.len() < AT_ONCE {
            match queue.try_recv() {
                Ok(Heard::Reactions(more)) => changes.extend(more),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        self.deal(Heard::Reactions(changes)).await;
        if let Some(next) = next {
            self.deal(next).await;
        }
    }

    async fn deal(&mut self, heard: Heard) {
        let mut tries = 1;
        while let Err(error) = self.try_deal(&heard).await {
            if !error.is_retryable() || tries == TRIES {
                tracing::error!(%error, ?heard, "an event was not dealt with; what it changed is looked up later");
                return self.look_up_later(&heard).await;
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look_up_later(&self, heard: &Heard) {
        let (pipeline, notices) = (&self.app.pipeline, &self.notices);
        let Some((key, guild)) = later::message_of(heard) else { return notices.missed.notify_one() };
        // Reading the channels over may not find it: where it is may be unknown, or newer ones have been seen there.
        match pipeline.store().keep_unheard(key, guild, pipeline.now() + later::pause(0)).await {
            Ok(()) => notices.kept.notify_one(),
            Err(error) => {
                tracing::error!(%error, message = %key, "a message cannot be kept for later");
                notices.missed.notify_one();
            }
        }
    }

    async fn try_deal(&mut self, heard: &Heard) -> Result<(), Trouble> {
        let pipeline = Arc::clone(&self.app.pipeline);
        match heard {
            Heard::Session(session) => self.begin(session).await?,
            Heard::Resumed => self.notices.missed.notify_one(),
            Heard::Passed(key) => self.saw(*key),
            Heard::Created(message) => {
                if !self.deleted.has(&message.key) {
                    self.take(message, true).await?;
                }
            }
            Heard::Edited(message) => {
                self.touched.add(Touch::Message(message.key), Instant::now());
                if !self.deleted.has(&message.key) {
                    self.edit(message).await?;
                }
            }
            Heard::Fetched { as_of, message, is_new } => {
                let touch = Touch::Message(message.key);
                if !self.deleted.has(&message.key) && !self.touched.since(&touch, *as_of) {
                    self.take(message, *is_new).await?;
                    asked::follow(&self.app, message).await?;
                }
                pipeline.store().drop_unheard(message.key.message).await?;
            }
            Heard::Deleted(channel, messages) => {
                for &message in messages {
                    let key = MessageKey { channel: *channel, message };
                    self.deleted.add(key, Instant::now());
                    pipeline.source_deleted(key).await?;
                    // One of the bot's own that somebody took away.
                    if let Some(send) = pipeline.send_by_message(message).await? {
                        pipeline.withdraw_send(send.id).await?;
                    }
                }
            }
            Heard::Missing { as_of, message } => {
                if !self.touched.since(&Touch::Message(*message), *as_of) {
                    self.deleted.add(*message, Instant::now());
                    pipeline.source_deleted(*message).await?;
                }
                pipeline.store().drop_unheard(message.message).await?;
            }
            Heard::ChannelDeleted { guild, channel, is_thread } => {
                self.channel_deleted(*guild, *channel, *is_thread).await?;
            }
            Heard::PermissionsChanged(channel) => self.permissions_changed(*channel),
            Heard::GuildJoined(guild) => {
                pipeline.guild_joined(*guild).await?;
                self.permissions_changed(None);
            }
            Heard::GuildLeft(guild) => {
                tracing::info!(guild, "the bot was removed from a guild");
                pipeline.guild_left(*guild).await?;
            }
            Heard::Reactions(changes) => {
                for change in changes {
                    self.touched.add(Touch::Reactions(change.message()), Instant::now());
                }
                self.react(changes).await?;
            }
            Heard::ReactionsFetched { as_of, message, standing, taken } => {
                let is_older = self.touched.since(&Touch::Reactions(*message), *as_of);
                if !is_older {
                    pipeline.sync_reactions(*message, standing).await?;
                }
                taken.store(!is_older, Ordering::Release);
            }
        }
        Ok(())
    }

    async fn begin(&mut self, session: &Session) -> Result<(), Trouble> {
        let (status, pipeline) = (&self.app.status, &self.app.pipeline);
        status.set_me(session.me);
        status.set_connected(true);
        self.app.rest.http().set_application_id(ApplicationId::new(session.application));
        self.places.use_cache(Arc::clone(&session.cache));
        let here: HashSet<u64> = session.guilds.iter().copied().collect();
        for guild in pipeline.guilds().await? {
            // Removed while nobody listened.
            if session.shard.has_guild(guild) && !here.contains(&guild) {
                tracing::info!(guild, "the bot had been removed from a guild");
                pipeline.guild_left(guild).await?;
            }
        }
        pipeline.forget_left_guilds().await?;
        self.notices.missed.notify_one();
        Ok(())
    }

    /// What was refused is tried again.
    fn permissions_changed(&self, channel: Option<u64>) {
        self.places.forget();
        self.app.calls.forgive(channel);
        if let Some(outbox) = &*self.outbox.lock().unwrap_or_else(PoisonError::into_inner) {
            outbox.forget_refusals(channel);
        }
    }

    /// Looks at a message: all of it is in `message`.
    async fn take(&mut self, message: &RawMessage, is_new: bool) -> Result<(), Trouble> {
        match self.decide(message, is_new).await? {
            Decision::Look(look) => self.claim(message, look).await?,
            Decision::Leave(why) => {
                tracing::trace!(message = %message.key, ?why, "a message is left alone");
            }
        }
        self.saw(message.key);
        Ok(())
    }

    /// A change: one that does not say what the message shows now is looked up where something of it is kept.
    async fn edit(&mut self, message: &RawMessage) -> Result<(), Trouble> {
        if pictures::says_what_it_shows(message) && message.author.is_some() {
            self.take(message, false).await?;
            return Ok(asked::follow(&self.app, message).await?);
        }
        let pipeline = &self.app.pipeline;
        // What was forwarded cannot be changed.
        if message.forward.is_some()
            || !(pipeline.is_message_known(message.key).await? || pipeline.is_asked_about(message.key).await?)
        {
            return Ok(());
        }
        match fetch_message(&self.app.rest.http(), &self.app.calls, message.key).await {
            Ok(value) => match RawMessage::read(&value) {
                Some(whole) => {
                    let whole = RawMessage { guild: message.guild, ..whole };
                    self.take(&whole, false).await?;
                    Ok(asked::follow(&self.app, &whole).await?)
                }
                None => Ok(()),
            },
            Err(error) if error.is_gone() => {
                self.app.pipeline.source_deleted(message.key).await?;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn decide(&self, message: &RawMessage, is_new: bool) -> Result<Decision, Trouble> {
        let (app, pipeline) = (&self.app, &self.app.pipeline);
        let Some(me) = app.status.me() else { return Ok(Decision::Leave(Leave::NotWatched)) };
        let watched = pipeline.watched_all().await?;
        if !message.guild.is_some_and(|guild| watched.values().any(|&g| g == guild)) {
            return Ok(Decision::Leave(Leave::NotWatched));
        }
        let channel = message.key.channel;
        let Some(place) = self.places.of(app, message.guild, channel).await? else {
            return Ok(Decision::Leave(Leave::NotWatched));
        };
        let parent = place.parent.filter(|p| watched.contains_key(p));
        let origin = message.forward.as_ref().map(|f| f.channel);
        let forward_restricted = match origin {
            None => false,
            Some(None) => true,
            Some(Some(origin)) => self.origin_restricted(origin).await?,
        };
        let post = watch::Post {
            watched: watched.contains_key(&channel).then_some(channel).or(parent),
            restricted: place.restricted,
            forward_restricted,
            known: pipeline.is_message_known(message.key).await?,
            is_new,
        };
        Ok(watch::decide(message, &post, me, app.settings.policy, pipeline.now()))
    }

    /// What cannot be seen counts as restricted.
    async fn origin_restricted(&self, channel: u64) -> Result<bool, Trouble> {
        match self.places.of(&self.app, None, channel).await {
            Ok(place) => Ok(place.is_none_or(|p: Place| p.restricted)),
            Err(error) if error.is_retryable() => Err(error.into()),
            Err(_) => Ok(true),
        }
    }

    async fn claim(&self, message: &RawMessage, look: Look) -> Result<(), Trouble> {
        let pipeline = &self.app.pipeline;
        let (Some(author), Some(guild)) = (&message.author, message.guild) else { return Ok(()) };
        let author_id = Rater::discord(author.id);
        if pipeline.is_opted_out(Some(&author_id), &pictures::links(message)).await? {
            tracing::debug!(message = %message.key, "left alone: the poster or the artist wants to be");
            return Ok(());
        }
        let MessageKey { channel, message: id } = message.key;
        let incoming = IncomingMessage {
            message: message.key,
            guild,
            watched: look.watched,
            author: Author {
                name: Some(author.name.clone()).filter(|n| !n.is_empty()),
                link: message.webhook.is_none().then(|| format!("https://discord.com/users/{}", author.id)),
            },
            author_id,
            link: format!("https://discord.com/channels/{guild}/{channel}/{id}"),
            posted_at: message.posted_at,
            marked_restricted: look.marked_restricted,
            pictures: look.pictures,
            // A command answers itself.
            reply: !self.is_asked(message) && pipeline.guild(guild).await?.replies,
        };
        let posts = pipeline.claim_message(&incoming).await?;
        tracing::debug!(message = %message.key, pictures = posts.len(), "message claimed");
        Ok(())
    }

    /// The message asks for a score by prefix or mention.
    fn is_asked(&self, message: &RawMessage) -> bool {
        let app = &self.app;
        app.status.me().is_some_and(|me| super::commands::is_asked(&message.text, &app.settings.prefix, me))
    }

    async fn channel_deleted(&self, guild: u64, channel: u64, is_thread: bool) -> Result<(), Trouble> {
        let pipeline = &self.app.pipeline;
        if !is_thread {
            let threads = pipeline.cursors().await?.into_iter().filter(|c| c.parent == channel && c.channel != channel);
            for thread in threads {
                pipeline.channel_deleted(thread.channel).await?;
            }
            pipeline.unwatch(guild, channel).await?;
        }
        let messages = pipeline.channel_deleted(channel).await?;
        if messages > 0 {
            tracing::info!(guild, channel, messages, "a channel was deleted, and what was kept of it");
        }
        Ok(())
    }

    async fn react(&self, changes: &[ReactionChange]) -> Result<(), Trouble> {
        let me = self.app.status.me();
        let is_own = |change: &ReactionChange| match change {
            ReactionChange::Add { person, .. } | ReactionChange::Remove { person, .. } => Some(*person) == me,
            ReactionChange::Clear { .. } | ReactionChange::ClearEmoji { .. } => false,
        };
        let others: Vec<ReactionChange> = changes.iter().filter(|c| !is_own(c)).cloned().collect();
        Ok(self.app.pipeline.react(&others).await?)
    }

    fn saw(&mut self, key: MessageKey) {
        let newest = self.newest.entry(key.channel).or_default();
        *newest = key.message.max(*newest);
    }

    async fn flush(&mut self) {
        let heard: Vec<(u64, u64)> = self.newest.drain().collect();
        if heard.is_empty() {
            return;
        }
        if let Err(error) = self.app.pipeline.advance_known_cursors(&heard).await {
            tracing::error!(%error, "cannot write down which messages were seen; more are looked up at the next start");
        }
    }
}
