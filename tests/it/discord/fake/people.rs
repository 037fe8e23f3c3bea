//! What people do: post, edit, delete, forward, react.

use std::sync::Arc;

use serde_json::json;

use super::rest::snapshot;
use super::world::{Message, Reaction, World};
use super::{At, Discord, Picture};

/// A message to be.
#[derive(Clone, Default)]
pub(crate) struct Draft {
    author: u64,
    content: String,
    pictures: Vec<Picture>,
    reply_to: Option<u64>,
    forward: Option<At>,
    webhook: bool,
}

impl Draft {
    pub(crate) fn by(author: u64) -> Self {
        Self { author, ..Self::default() }
    }

    pub(crate) fn says(self, content: impl Into<String>) -> Self {
        Self { content: content.into(), ..self }
    }

    pub(crate) fn shows(mut self, picture: Picture) -> Self {
        self.pictures.push(picture);
        self
    }

    pub(crate) fn scenes(self, seeds: &[u64]) -> Self {
        seeds.iter().fold(self, |draft, &seed| draft.shows(Picture::scene(seed)))
    }

    pub(crate) fn replying(self, message: u64) -> Self {
        Self { reply_to: Some(message), ..self }
    }

    pub(crate) fn forwarding(self, message: At) -> Self {
        Self { forward: Some(message), ..self }
    }

    pub(crate) fn through_a_webhook(self) -> Self {
        Self { webhook: true, ..self }
    }
}

fn compose(world: &mut World, channel: u64, draft: Draft) -> Message {
    let webhook = draft.webhook.then(|| world.ids.next());
    let mentioned: Vec<u64> =
        world.users.keys().copied().filter(|user| draft.content.contains(&format!("<@{user}>"))).collect();
    let mut said = json!({
        "content": draft.content, "type": 0, "tts": false, "pinned": false, "flags": 0, "edited_timestamp": null,
        "mention_everyone": false, "components": [], "embeds": [], "sticker_items": [], "mention_roles": [],
        "mentions": mentioned.iter().map(|&user| world.user_json(user)).collect::<Vec<_>>(),
    });
    let guild = |channel: u64| world.channel(channel).guild.map(|guild| guild.to_string());
    if let Some(source) = draft.reply_to {
        said["type"] = json!(19);
        said["message_reference"] = json!({
            "type": 0, "message_id": source.to_string(), "channel_id": channel.to_string(), "guild_id": guild(channel),
        });
    }
    let mut forwarded = None;
    if let Some((from, source)) = draft.forward {
        said["message_reference"] = json!({
            "type": 1, "message_id": source.to_string(), "channel_id": from.to_string(), "guild_id": guild(from),
        });
        said["flags"] = json!(1 << 14);
        forwarded = Some(snapshot(world.message(from, source).expect("the message to forward")));
    }
    let files = add_files(world, channel, draft.pictures);
    Message {
        author: draft.author,
        webhook,
        said,
        files,
        forwarded,
        reactions: Vec::new(),
        ephemeral: false,
        pings: mentioned,
    }
}

fn add_files(world: &mut World, channel: u64, pictures: Vec<Picture>) -> Vec<u64> {
    pictures.into_iter().map(|picture| world.add_file(channel, &picture.name, picture.bytes, None)).collect()
}

impl Discord {
    /// Somebody posts.
    pub(crate) fn post(&self, channel: u64, draft: Draft) -> At {
        self.world(|world| {
            let id = world.ids.next();
            let message = compose(world, channel, draft);
            world.insert(channel, id, message);
            (channel, id)
        })
    }

    /// Somebody posts a link to a picture elsewhere; Discord looks it up a moment later and tells of the embed.
    pub(crate) fn post_link(&self, channel: u64, draft: Draft, picture: &Picture) -> At {
        let url = self.elsewhere(picture);
        let at = self.world(|world| {
            let id = world.ids.next();
            let message = compose(world, channel, draft.says(url));
            world.insert(channel, id, message);
            (channel, id)
        });
        self.world(|world| {
            let message = world.message_mut(channel, at.1).expect("just posted");
            let url = message.content().to_owned();
            message.said["embeds"] = json!([{
                "type": "image", "url": url, "thumbnail": { "url": url, "proxy_url": url, "width": 640, "height": 480 },
            }]);
            world.tell_changed(channel, at.1);
        });
        at
    }

    /// A link to a picture that is no file of Discord's.
    pub(crate) fn elsewhere(&self, picture: &Picture) -> String {
        self.world(|world| {
            let path = format!("/elsewhere/{}/{}", world.ids.next(), picture.name);
            world.elsewhere.insert(path.clone(), Arc::clone(&picture.bytes));
            format!("{}{path}", world.base)
        })
    }

    /// The author changes the text.
    pub(crate) fn edit_text(&self, (channel, message): At, content: &str) {
        self.world(|world| {
            world.message_mut(channel, message).expect("the message").said["content"] = json!(content);
            world.edited(channel, message);
        });
    }

    /// The author puts these pictures in the place of those before.
    pub(crate) fn edit_pictures(&self, (channel, message): At, pictures: Vec<Picture>) {
        self.world(|world| {
            let files = add_files(world, channel, pictures);
            let found = world.message_mut(channel, message).expect("the message");
            let old = std::mem::replace(&mut found.files, files);
            for file in old {
                world.files.remove(&file);
            }
            world.edited(channel, message);
        });
    }

    /// The author removes one picture of several.
    pub(crate) fn drop_picture(&self, (channel, message): At, part: usize) {
        self.world(|world| {
            let file = world.message_mut(channel, message).expect("the message").files.remove(part);
            world.files.remove(&file);
            world.edited(channel, message);
        });
    }

    pub(crate) fn delete(&self, (channel, message): At) {
        self.world(|world| world.remove(channel, &[message], false));
    }

    pub(crate) fn bulk_delete(&self, channel: u64, messages: &[u64]) {
        self.world(|world| world.remove(channel, messages, true));
    }

    pub(crate) fn react(&self, (channel, message): At, user: u64, emoji: &str) {
        let reaction = Reaction { user, emoji: emoji.into(), burst: false };
        self.world(|world| world.set_reaction(channel, message, &reaction, true));
    }

    pub(crate) fn super_react(&self, (channel, message): At, user: u64, emoji: &str) {
        let reaction = Reaction { user, emoji: emoji.into(), burst: true };
        self.world(|world| world.set_reaction(channel, message, &reaction, true));
    }

    pub(crate) fn unreact(&self, (channel, message): At, user: u64, emoji: &str) {
        let reaction = Reaction { user, emoji: emoji.into(), burst: false };
        self.world(|world| world.set_reaction(channel, message, &reaction, false));
    }

    /// All reactions go, or all of one emoji.
    pub(crate) fn clear(&self, (channel, message): At, only: Option<&str>) {
        self.world(|world| world.clear_reactions(channel, message, only));
    }

    /// The bot's messages in a channel, oldest first.
    pub(crate) fn said(&self, channel: u64) -> Vec<(u64, Message)> {
        self.world(|world| world.said(channel))
    }

    /// Waits for the bot's reply to a message.
    pub(crate) async fn reply_to(&self, at: At) -> (u64, Message) {
        self.wait("a reply", |world| world.replies_to(at).into_iter().next()).await
    }
}

impl World {
    /// The bot's messages in a channel, oldest first; none that only one person sees.
    pub(crate) fn said(&self, channel: u64) -> Vec<(u64, Message)> {
        let mine = |(_, message): &(&u64, &Message)| message.author == self.bot && !message.ephemeral;
        self.channel(channel).messages.iter().filter(mine).map(|(id, message)| (*id, message.clone())).collect()
    }

    /// The bot's replies to a message.
    pub(crate) fn replies_to(&self, (channel, message): At) -> Vec<(u64, Message)> {
        let mut said = self.said(channel);
        said.retain(|(_, reply)| reply.replies_to() == Some(message));
        said
    }

    /// The bytes of the files that a message shows, with their alternative text.
    pub(crate) fn shown(&self, message: &Message) -> Vec<(Arc<Vec<u8>>, Option<String>)> {
        message.files.iter().map(|id| &self.files[id]).map(|f| (Arc::clone(&f.bytes), f.description.clone())).collect()
    }

    /// Lets go of the bytes of a message's files and of those in its replies; nobody will ask for them again.
    pub(crate) fn forget_bytes(&mut self, (channel, message): At) {
        let replies = self.replies_to((channel, message));
        let source = self.message(channel, message).map(|message| message.files.clone()).unwrap_or_default();
        for id in source.into_iter().chain(replies.into_iter().flat_map(|(_, reply)| reply.files)) {
            if let Some(file) = self.files.get_mut(&id) {
                file.bytes = Arc::default();
            }
        }
    }

    /// Reactions of people that stand on a message.
    pub(crate) fn standing(&self, (channel, message): At) -> Vec<Reaction> {
        self.message(channel, message).map(|message| message.reactions.clone()).unwrap_or_default()
    }
}
