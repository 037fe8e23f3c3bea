//! Where a message's picture is today: the message is fetched again.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use serenity::all::{ChannelId, MessageId};
use serenity::http::{Http, LightMethod, Request, Route};

use super::breaker::{Act, Breaker, CallError};
use super::pictures;
use super::raw::RawMessage;
use super::rest::Rest;
use crate::domain::MessageKey;
use crate::pipeline::{Fresh, FreshLinks};

/// Asks Discord.
#[derive(Debug)]
pub struct MessageLinks {
    pub rest: Arc<Rest>,
    pub calls: Arc<Breaker>,
}

impl FreshLinks for MessageLinks {
    fn fresh<'a>(
        &'a self,
        message: MessageKey,
        key: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Fresh, String>> + Send + 'a>> {
        Box::pin(async move {
            match fetch_message(&self.rest.http(), &self.calls, message).await {
                Ok(value) => Ok(find(&value, key)),
                Err(error) if error.is_gone() => Ok(Fresh::MessageGone),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

fn find(message: &Value, key: &str) -> Fresh {
    let pictures = RawMessage::read(message).map(|m| pictures::of(&m)).unwrap_or_default();
    pictures.into_iter().find(|p| p.key == key).map_or(Fresh::PictureGone, |p| Fresh::Link(p.url))
}

/// The message as Discord wrote it: what serenity would make of it can fail for one odd field.
pub(super) async fn fetch_message(http: &Http, calls: &Breaker, key: MessageKey) -> Result<Value, CallError> {
    let (channel_id, message_id) = (ChannelId::new(key.channel), MessageId::new(key.message));
    let request = Request::new(Route::ChannelMessage { channel_id, message_id }, LightMethod::Get);
    calls.call(Some((key.channel, Act::Read)), http.fire(request)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_picture_is_found_by_its_key() {
        let message = json!({
            "id": "50", "channel_id": "20", "embeds": [],
            "attachments": [{"id": "70", "filename": "a.png", "url": "https://cdn.discordapp.com/a.png?ex=2"}]
        });
        assert_eq!(find(&message, "70"), Fresh::Link("https://cdn.discordapp.com/a.png?ex=2".into()));
        assert_eq!(find(&message, "71"), Fresh::PictureGone);
    }
}
