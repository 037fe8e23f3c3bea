//! Looks in a channel whether a send that was cut off has arrived.

use serenity::http::MessagePagination;
use serenity::model::application::{ActionRowComponent, ButtonKind};
use serenity::model::channel::{Message, MessageReferenceKind};
use serenity::model::id::{ChannelId, MessageId};
use time::OffsetDateTime;

use super::Outbox;
use super::trouble::Trouble;
use crate::domain::{MessageKey, SendKind};
use crate::pipeline::SendRow;

/// Messages a page.
const PAGE: u8 = 100;
/// Pages looked at: a send follows its source within minutes, and a channel rarely has more in that time.
const PAGES: u32 = 50;

impl Outbox {
    /// The message of this send, if it is there.
    pub(super) async fn find(&self, row: &SendRow) -> Result<Option<u64>, Trouble> {
        self.look(row, |message| is_send(row, message)).await
    }

    /// The forward that goes with this pick, if it is there.
    pub(super) async fn find_forward(&self, row: &SendRow) -> Result<Option<u64>, Trouble> {
        self.look(row, |message| refers(message, row, MessageReferenceKind::Forward)).await
    }

    /// Reads the channel from the source on: a send is newer than what it is about, in whichever channel.
    async fn look(&self, row: &SendRow, is_it: impl Fn(&Message) -> bool) -> Result<Option<u64>, Trouble> {
        let me = self.me().await?;
        let channel = ChannelId::new(row.channel);
        let mut after = MessageId::new(row.source.map_or_else(|| since(row.claimed_at), |source| source.message));
        for _ in 0..PAGES {
            let asked = self.http.get_messages(channel, Some(MessagePagination::After(after)), Some(PAGE));
            let page = match self.request(asked, row.channel).await {
                // Without the channel there is no message.
                Err(Trouble::Missing) => return Ok(None),
                page => page?,
            };
            if let Some(found) = page.iter().find(|message| message.author.id == me && is_it(message)) {
                return Ok(Some(found.id.get()));
            }
            let newest = page.iter().map(|message| message.id).max();
            match newest.filter(|_| page.len() == usize::from(PAGE)) {
                Some(newest) => after = newest,
                None => return Ok(None),
            }
        }
        tracing::warn!(send = row.id.0, channel = row.channel, "too many messages since; taken as not sent");
        Ok(None)
    }
}

fn is_send(row: &SendRow, message: &Message) -> bool {
    match row.kind {
        SendKind::Reply | SendKind::Answer => refers(message, row, MessageReferenceKind::Default),
        SendKind::Pick => row.post.is_some_and(|post| has_button(message, &format!("up:{}", post.0))),
        // It links to its last pick; a reply's button row tells the two apart.
        SendKind::Digest => {
            message.components.is_empty() && {
                row.source.is_some_and(|last| message.content.contains(&format!("/{last}>)")))
            }
        }
    }
}

/// The smallest id of a message sent since then, or a little before: clocks differ.
fn since(at: OffsetDateTime) -> u64 {
    MessageKey::first_at(at - time::Duration::minutes(10))
}

fn refers(message: &Message, row: &SendRow, kind: MessageReferenceKind) -> bool {
    message
        .message_reference
        .as_ref()
        .is_some_and(|to| to.kind == kind && to.message_id.map(MessageId::get) == row.source.map(|s| s.message))
}

fn has_button(message: &Message, wanted: &str) -> bool {
    message.components.iter().flat_map(|row| &row.components).any(|component| match component {
        ActionRowComponent::Button(button) => {
            matches!(&button.data, ButtonKind::NonLink { custom_id, .. } if custom_id == wanted)
        }
        _ => false,
    })
}
