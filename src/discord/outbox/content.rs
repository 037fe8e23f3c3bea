//! What each kind of send says. Made anew for every try and every change, from what is known then.

use serenity::builder::{CreateMessage, EditMessage};
use serenity::model::channel::{MessageReference, MessageReferenceKind};
use serenity::model::id::{ChannelId, MessageId, RoleId};

use super::Outbox;
use super::trouble::Trouble;
use crate::discord::Telling;
use crate::discord::markup::link;
use crate::discord::message::{Credit, ScoreMessage, covered, described, nobody, pick_line};
use crate::domain::{GuildSettings, MessageKey, PickStyle, PostId, Rater, Scope, SendKind};
use crate::pipeline::{Follows, PostView, SendRow};

/// Picks that a digest names; more are counted.
const LISTED: usize = 15;

pub(super) enum Content {
    Message {
        create: Box<CreateMessage>,
        edit: Box<EditMessage>,
        follows: Follows,
    },
    /// There is no face, and nobody asked.
    Nothing,
    /// What it was about is no longer here.
    Gone,
}

impl Outbox {
    pub(super) async fn content(&self, row: &SendRow) -> Result<Content, Trouble> {
        match row.kind {
            SendKind::Reply => self.reply(row).await,
            SendKind::Pick => self.pick(row).await,
            SendKind::Digest => self.digest(row).await,
            SendKind::Answer => self.answer(row).await,
        }
    }

    /// What is to be done once this send is there.
    pub(super) async fn follows(&self, row: &SendRow) -> Result<Follows, Trouble> {
        let settings = self.settings(row.scope).await?;
        Ok(match row.kind {
            SendKind::Pick => Follows {
                announce: settings.curated_announces && settings.curated == Some(row.channel),
                // What no message here showed cannot be forwarded.
                forward: settings.style == PickStyle::Forward && row.source.is_some(),
            },
            SendKind::Digest => Follows { announce: true, forward: false },
            SendKind::Reply | SendKind::Answer => Follows::default(),
        })
    }

    async fn settings(&self, scope: Scope) -> Result<GuildSettings, Trouble> {
        match scope {
            Scope::Guild(guild) => Ok(self.pipeline.guild(guild).await?),
            Scope::Local | Scope::User(_) => Ok(GuildSettings::default()),
        }
    }

    async fn reply(&self, row: &SendRow) -> Result<Content, Trouble> {
        let Some(source) = row.source else { return Ok(Content::Gone) };
        let posts = self.pipeline.message_posts(source, false).await?;
        if posts.is_empty() {
            return Ok(Content::Nothing);
        }
        let restricted = self.may_be_restricted(row, &posts).await?;
        let telling = Telling::new(row.scope, &posts, self.lang(row.scope)).in_restricted_channel(restricted);
        let Some(message) = telling.message(&self.pipeline).await? else { return Ok(Content::Nothing) };
        let create = message.create_quietly().reference_message(reply_to(source));
        Ok(Content::Message { create: Box::new(create), edit: Box::new(message.edit()), follows: Follows::default() })
    }

    /// Sent by its command; this is how it follows what it speaks of.
    async fn answer(&self, row: &SendRow) -> Result<Content, Trouble> {
        let Some(source) = row.source else { return Ok(Content::Gone) };
        let posts = self.pipeline.answer_posts(source, row.scope).await?;
        if posts.is_empty() {
            return Ok(Content::Gone);
        }
        let lang = row.lang.unwrap_or_else(|| self.lang(row.scope));
        let mut telling = Telling::new(row.scope, &posts, lang);
        if let Some(asker) = row.asker {
            telling = telling.asked_by(asker);
        }
        // Outside of guilds no channel is known to be age-restricted.
        if matches!(row.scope, Scope::Guild(_)) {
            telling = telling.in_restricted_channel(self.may_be_restricted(row, &posts).await?);
        }
        let Some(message) = telling.message(&self.pipeline).await? else { return Ok(Content::Nothing) };
        let (create, edit) = (Box::new(message.create_quietly()), Box::new(message.edit()));
        Ok(Content::Message { create, edit, follows: Follows::default() })
    }

    /// Whether the channel is one where age-restricted pictures may be shown; asked only when there is one.
    async fn may_be_restricted(&self, row: &SendRow, posts: &[PostId]) -> Result<bool, Trouble> {
        for &post in posts {
            if self.pipeline.is_age_restricted(post).await? {
                return Ok(self.channels.info(row.scope, row.channel).await?.restricted);
            }
        }
        Ok(false)
    }

    async fn pick(&self, row: &SendRow) -> Result<Content, Trouble> {
        let Some(post) = row.post else { return Ok(Content::Gone) };
        let Some(view) = self.pipeline.post_view(row.scope, &Rater::owner(), post).await? else {
            return Ok(Content::Gone);
        };
        // Looked at once more: channel and picture may have been marked since the desk decided.
        let gated = self.pipeline.is_age_restricted(post).await?;
        if gated && !self.channels.info(row.scope, row.channel).await?.restricted {
            return Err(Trouble::AgeGate);
        }
        let settings = self.settings(row.scope).await?;
        let lang = self.lang(row.scope);
        let posts = [post];
        let telling = Telling::new(row.scope, &posts, lang).in_restricted_channel(gated);
        let Some(told) = telling.message(&self.pipeline).await? else { return Ok(Content::Nothing) };
        let text = pick_line(lang, score(&view), &credit(&view));
        let mut message = ScoreMessage { text, ..told };
        // From a timeline the whole picture is shown only where its author agreed, and there is nothing to forward.
        let style = match (settings.style, row.source) {
            (PickStyle::Picture, None) if !self.pipeline.may_show_whole(row.scope, post).await? => PickStyle::Crop,
            (PickStyle::Forward, None) => PickStyle::Crop,
            (style, _) => style,
        };
        if style != PickStyle::Crop {
            message.card = None;
        }
        let mut create = message.create();
        if style == PickStyle::Picture
            && let Some(picture) = &view.picture
            && let Some(preview) = self.pipeline.preview(picture.id).await?
        {
            create = create.add_file(described(preview, &covered("picture.jpg", message.spoilered), &message.alt));
        }
        if let Some(role) = settings.subscribers {
            let mentions = nobody().roles([RoleId::new(role)]);
            create = create.content(format!("<@&{role}> {}", message.text)).allowed_mentions(mentions);
        }
        let follows = self.follows(row).await?;
        Ok(Content::Message { create: Box::new(create), edit: Box::new(message.edit()), follows })
    }

    /// The pick's text can hold no forward beside it, so it comes as a message of its own.
    pub(super) async fn forward_owed(&self, row: &SendRow) -> Result<(), Trouble> {
        let store = self.pipeline.store();
        let Some(source) = row.source else { return Ok(store.set_companion(row.id, None).await?) };
        let message = match self.find_forward(row).await? {
            Some(message) => message,
            None => match self.post(row.channel, forward(source).nonce(super::nonce(row, "f"))).await {
                Ok(message) => message.id.get(),
                // Discord does not let it be forwarded, or the bot: the pick stands with its link.
                Err(trouble @ (Trouble::Refused(_) | Trouble::Missing | Trouble::Bad(_))) => {
                    tracing::warn!(send = row.id.0, %trouble, "a pick's post cannot be forwarded");
                    return Ok(store.set_companion(row.id, None).await?);
                }
                Err(trouble) => return Err(trouble),
            },
        };
        Ok(store.set_companion(row.id, Some(message)).await?)
    }

    async fn digest(&self, row: &SendRow) -> Result<Content, Trouble> {
        let (Scope::Guild(guild), Some(last)) = (row.scope, row.source) else { return Ok(Content::Gone) };
        let lang = self.lang(row.scope);
        let picks = self.pipeline.store().digest_picks(row.id).await?;
        let mut lines = Vec::new();
        for pick in picks.iter().take(LISTED) {
            let Some((post, key)) = pick.post.zip(pick.key()) else { continue };
            let Some(view) = self.pipeline.post_view(row.scope, &Rater::owner(), post).await? else { continue };
            // The pick in this channel, which has the card, rather than the post.
            let credit = Credit { link: Some(address(guild, key)), ..credit(&view) };
            lines.push(format!("- {}", pick_line(lang, score(&view), &credit)));
        }
        if lines.is_empty() {
            return Ok(Content::Nothing);
        }
        if picks.len() > lines.len() {
            lines.push(tr!(lang, "discord.digest.more", picks = picks.len() - lines.len()).into_owned());
        }
        let title = tr!(lang, "discord.digest.title", picks = picks.len());
        // Names the last pick, too, which is how it is found again: the list may have been cut.
        let all = link(&tr!(lang, "discord.digest.all"), &address(guild, last)).unwrap_or_default();
        let message = ScoreMessage::words(format!("**{title}**\n{}\n-# {all}", lines.join("\n")));
        Ok(Content::Message {
            create: Box::new(message.create()),
            edit: Box::new(message.edit()),
            follows: Follows { announce: true, forward: false },
        })
    }
}

/// A message's address, as Discord's clients open it.
pub(super) fn address(guild: u64, key: MessageKey) -> String {
    format!("https://discord.com/channels/{guild}/{}/{}", key.channel, key.message)
}

/// Fails where the message is no more: what was deleted is not replied to.
fn reply_to(source: MessageKey) -> MessageReference {
    MessageReference::from((ChannelId::new(source.channel), MessageId::new(source.message))).fail_if_not_exists(true)
}

fn forward(source: MessageKey) -> CreateMessage {
    let reference = MessageReference::new(MessageReferenceKind::Forward, ChannelId::new(source.channel));
    CreateMessage::new().reference_message(reference.message_id(MessageId::new(source.message)))
}

/// That of the moment it was picked.
fn score(view: &PostView) -> f32 {
    let best = view.faces.first().and_then(|face| face.score);
    view.picked_score.or(best.map(|s| s.mean())).unwrap_or(3.0)
}

fn credit(view: &PostView) -> Credit {
    Credit { author: view.author.name.clone(), author_link: view.author.link.clone(), link: view.link.clone() }
}
