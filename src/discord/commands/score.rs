//! `/score`, `!score`, the context menu, a mention or a picture in a direct message: pictures that somebody asks about.

use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::{Attachment, ChannelId, GuildId, Message, MessageId, MessagePagination, MessageReferenceKind, UserId};

use super::links::{Link, Linked, NotALink};
use super::sight::{is_restricted, may_see};
use super::{Answer, App, Context, Error, Lang, is_refusal, joined_guild, lang, say};
use crate::discord::message::ScoreMessage;
use crate::discord::telling::Telling;
use crate::discord::{pictures_of, places};
use crate::domain::{Author, MessageKey, PostId, Rater, Scope};
use crate::pipeline::{Ask, MessagePicture, NewAnswer, Pipeline, SubmitError};

/// Messages looked through for the last picture.
const LOOK_BACK: u8 = 50;
/// How long an answer may take; after that it says that it is still at work.
const PATIENCE: Duration = Duration::from_mins(2);

/// Who asks, and where.
pub(super) struct Asker<'a> {
    ctx: &'a serenity::Context,
    app: &'a App,
    pub(super) lang: Lang,
    person: UserId,
    /// The bot is in it.
    guild: Option<GuildId>,
    channel: ChannelId,
}

/// What to score; or why there is nothing, in words.
pub(super) type Found = Result<Ask, String>;

/// The answer about what was found.
struct Scored {
    /// The message it speaks of, and what of it.
    source: MessageKey,
    posts: Vec<PostId>,
    answer: ScoreMessage,
}

#[poise::command(
    slash_command,
    prefix_command,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn score(
    ctx: Context<'_>,
    image: Option<Attachment>,
    #[rest]
    #[max_length = 2000]
    link: Option<String>,
) -> Result<(), Error> {
    let asker = Asker::of(ctx);
    let found = match ctx {
        poise::Context::Prefix(prefix) => asker.by_message(prefix.msg, link.as_deref()).await?,
        poise::Context::Application(slash) => match (image, link) {
            (None, None) => asker.last_picture(None).await?,
            // Until the answer is sent, the interaction stands for the message that these pictures are in.
            (Some(image), _) => Ok(asker.uploaded(slash.interaction.id.get().into(), &image)),
            (None, Some(link)) => asker.linked(slash.interaction.id.get().into(), &link).await?,
        },
    };
    answer(ctx, &asker, found).await
}

#[poise::command(
    context_menu_command = "Score",
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn score_menu(ctx: Context<'_>, message: Message) -> Result<(), Error> {
    let asker = Asker::of(ctx);
    let found = asker.shown_in(&message).ok_or_else(|| tr!(asker.lang, "discord.ask.no_picture").into_owned());
    answer(ctx, &asker, found).await
}

async fn answer(ctx: Context<'_>, asker: &Asker<'_>, found: Found) -> Result<(), Error> {
    match asker.scored(found).await? {
        Err(words) => say(ctx, words).await,
        Ok(Scored { source, posts, answer }) => {
            let sent = ctx.send(Answer::from(answer).into()).await?.into_message().await?;
            let source = if source.message == ctx.id() && matches!(ctx, poise::Context::Application(_)) {
                let shown = MessageKey { channel: sent.channel_id.get(), message: sent.id.get() };
                asker.app.pipeline.move_posts(source, shown).await?;
                shown
            } else {
                source
            };
            asker.keep(source, &posts, &sent).await
        }
    }
}

/// The answer to a message that is no command to poise.
pub(super) async fn send(asker: &Asker<'_>, message: &Message, found: Found) -> Result<(), Error> {
    let ctx = asker.ctx;
    let reply = |answer: Answer| answer.message().reference_message(message);
    match asker.scored(found).await? {
        Err(words) => {
            message.channel_id.send_message(ctx, reply(words.into())).await?;
            Ok(())
        }
        Ok(Scored { source, posts, answer }) => {
            let sent = message.channel_id.send_message(ctx, reply(answer.into())).await?;
            asker.keep(source, &posts, &sent).await
        }
    }
}

impl<'a> Asker<'a> {
    fn of(ctx: Context<'a>) -> Self {
        Self {
            ctx: ctx.serenity_context(),
            app: ctx.data(),
            lang: lang(ctx),
            person: ctx.author().id,
            guild: joined_guild(ctx),
            channel: ctx.channel_id(),
        }
    }

    /// Of a message that is no command to poise.
    pub(super) fn of_message(ctx: &'a serenity::Context, app: &'a App, message: &Message) -> Self {
        let guild = message.guild_id.filter(|id| ctx.cache.guild(*id).is_some());
        let locale = guild.and_then(|id| ctx.cache.guild(id).map(|guild| guild.preferred_locale.clone()));
        let lang = Lang::of_person(None, locale.as_deref());
        Self { ctx, app, lang, person: message.author.id, guild, channel: message.channel_id }
    }

    fn scope(&self) -> Scope {
        Pipeline::scope_of(self.guild.map(GuildId::get), self.person.get())
    }

    /// The message's own pictures, those behind the link, of the message it answers, or the last ones before it.
    pub(super) async fn by_message(&self, message: &Message, link: Option<&str>) -> Result<Found, Error> {
        let replied = message.referenced_message.as_deref();
        // A link's preview may not be there yet: the link itself is, and it may name a message.
        if message.attachments.is_empty()
            && let Some(link) = link
        {
            return self.linked(message.id, link).await;
        }
        if let Some(ask) = self.shown_in(message) {
            return Ok(Ok(ask));
        }
        match replied {
            Some(replied) => {
                Ok(self.shown_in(replied).ok_or_else(|| tr!(self.lang, "discord.ask.no_picture").into_owned()))
            }
            None => self.last_picture(Some(message.id)).await,
        }
    }

    /// The pictures that a message shows, or the one that it answers.
    pub(super) fn shown_in_or_before(&self, message: &Message) -> Option<Ask> {
        let replied = message.referenced_message.as_deref();
        self.shown_in(message).or_else(|| replied.and_then(|replied| self.shown_in(replied)))
    }

    /// The pictures that a message shows.
    fn shown_in(&self, message: &Message) -> Option<Ask> {
        let pictures = pictures_of(message);
        if pictures.is_empty() {
            return None;
        }
        let place = message.guild_id.or(self.guild).map_or("@me".to_owned(), |id| id.to_string());
        let link = format!("https://discord.com/channels/{place}/{}/{}", message.channel_id, message.id);
        let author = &message.author;
        let profile = message.webhook_id.is_none().then(|| format!("https://discord.com/users/{}", author.id));
        Some(Ask {
            author: Author { name: Some(author.display_name().to_owned()), link: profile },
            author_id: Rater::discord(author.id.get()),
            link: Some(link),
            marked_restricted: self.is_restricted(message.channel_id) || self.forwards_restricted(message),
            ..self.ask(message.channel_id, message.id, pictures)
        })
    }

    /// Of pictures that the one who asks has brought.
    fn ask(&self, channel: ChannelId, message: MessageId, pictures: Vec<MessagePicture>) -> Ask {
        // In a guild one answer serves all; elsewhere each has their own taste.
        let id = match self.scope() {
            Scope::User(person) => format!("ask:{message}:{person}"),
            _ => format!("ask:{message}"),
        };
        Ask {
            external_id: id,
            scope: self.scope(),
            message: MessageKey { channel: channel.get(), message: message.get() },
            author: Author { name: None, link: None },
            author_id: Rater::discord(self.person.get()),
            link: None,
            posted_at: self.app.pipeline.now(),
            marked_restricted: self.is_restricted(self.channel),
            pictures,
        }
    }

    fn uploaded(&self, answer: MessageId, image: &Attachment) -> Ask {
        let picture = MessagePicture { key: image.id.to_string(), url: image.url.clone(), title: None };
        self.ask(self.channel, answer, vec![picture])
    }

    /// What a link leads to. `within`: the message that it stands in.
    async fn linked(&self, within: MessageId, link: &str) -> Result<Found, Error> {
        match Link::of(link) {
            Err(NotALink) => Ok(Err(tr!(self.lang, "discord.ask.not_a_link").into_owned())),
            Ok(Link { key, to: Linked::Picture(url) }) => {
                let picture = MessagePicture { key, url: url.clone(), title: None };
                Ok(Ok(Ask { link: Some(url), ..self.ask(self.channel, within, vec![picture]) }))
            }
            Ok(Link { to: Linked::Message { channel, message }, .. }) => {
                self.in_message(ChannelId::new(channel), MessageId::new(message)).await
            }
        }
    }

    /// A message named by its link: only if the one who asks may read it, too.
    async fn in_message(&self, channel: ChannelId, message: MessageId) -> Result<Found, Error> {
        let refused = || Ok(Err(tr!(self.lang, "discord.ask.no_such_message").into_owned()));
        if channel != self.channel && !self.may_read(channel).await? {
            return refused();
        }
        match self.ctx.http.get_message(channel, message).await {
            Ok(found) => Ok(self.shown_in(&found).ok_or_else(|| tr!(self.lang, "discord.ask.no_picture").into_owned())),
            Err(error) if is_refusal(&error) => refused(),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the one who asks may read what was posted in a channel of this guild.
    async fn may_read(&self, channel: ChannelId) -> Result<bool, Error> {
        let Some(guild) = self.guild else { return Ok(false) };
        let member = guild.member(self.ctx, self.person).await?;
        let Some(guild) = self.ctx.cache.guild(guild) else { return Ok(false) };
        Ok(may_see(&guild, channel, &member))
    }

    /// The newest picture of the channel, before a message or at all; the bot's own cards are none.
    async fn last_picture(&self, before: Option<MessageId>) -> Result<Found, Error> {
        let page = before.map(MessagePagination::Before);
        let messages = match self.ctx.http.get_messages(self.channel, page, Some(LOOK_BACK)).await {
            Ok(messages) => messages,
            Err(error) if is_refusal(&error) => {
                return Ok(Err(tr!(self.lang, "discord.ask.may_not_look").into_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        let me = self.ctx.cache.current_user().id;
        let found = messages.iter().filter(|m| m.author.id != me).find_map(|m| self.shown_in(m));
        Ok(found.ok_or_else(|| tr!(self.lang, "discord.ask.nothing_here", n = LOOK_BACK).into_owned()))
    }

    fn is_restricted(&self, channel: ChannelId) -> bool {
        is_restricted(self.ctx, self.guild, channel)
    }

    /// It shows what was posted in an age-restricted channel, or where nobody here can tell.
    fn forwards_restricted(&self, message: &Message) -> bool {
        let reference = message.message_reference.as_ref().filter(|r| r.kind == MessageReferenceKind::Forward);
        reference.is_some_and(|origin| {
            places::cached(&self.ctx.cache, None, origin.channel_id.get()).is_none_or(|place| place.restricted)
        })
    }

    /// The answer; or why there is none, in words.
    async fn scored(&self, found: Found) -> Result<Result<Scored, String>, Error> {
        let ask = match found {
            Ok(ask) => ask,
            Err(words) => return Ok(Err(words)),
        };
        let pipeline = &self.app.pipeline;
        let own = ask.author_id == Rater::discord(self.person.get());
        let links: Vec<&str> =
            ask.pictures.iter().map(|picture| picture.url.as_str()).chain(ask.link.as_deref()).collect();
        if pipeline.is_opted_out(Some(&ask.author_id).filter(|_| !own), &links).await? {
            return Ok(Err(tr!(self.lang, "discord.ask.opted_out").into_owned()));
        }
        let posts = match self.posts(&ask).await {
            Ok(posts) => posts,
            Err(SubmitError::Busy) => return Ok(Err(tr!(self.lang, "discord.ask.busy").into_owned())),
            Err(error) => return Err(error.into()),
        };
        pipeline.wait_done(&posts, PATIENCE).await?;
        let telling = Telling::new(ask.scope, &posts, self.lang)
            .asked_by(self.person.get())
            .in_restricted_channel(self.is_restricted(self.channel));
        match telling.message(pipeline).await? {
            Some(answer) => Ok(Ok(Scored { source: ask.message, posts, answer })),
            None => Ok(Err(tr!(self.lang, "discord.score.no_face").into_owned())),
        }
    }

    /// Those of the message if it is watched, else new ones.
    async fn posts(&self, ask: &Ask) -> Result<Vec<PostId>, SubmitError> {
        let known = self.app.pipeline.message_posts(ask.message, false).await?;
        if matches!(ask.scope, Scope::Guild(_)) && known.len() == ask.pictures.len() {
            return Ok(known);
        }
        self.app.pipeline.claim_asked(ask).await
    }

    /// Reactions, buttons, edits and deletions find the answer.
    async fn keep(&self, source: MessageKey, posts: &[PostId], sent: &Message) -> Result<(), Error> {
        let sent = MessageKey { channel: sent.channel_id.get(), message: sent.id.get() };
        let (scope, asker, lang) = (self.scope(), self.person.get(), self.lang);
        self.app.pipeline.record_answer(&NewAnswer { scope, source, sent, asker, lang }, posts).await?;
        Ok(())
    }
}

impl From<ScoreMessage> for Answer {
    fn from(message: ScoreMessage) -> Self {
        let files = message.attachment().into_iter().collect();
        Self { text: message.text, rows: message.components, files }
    }
}
