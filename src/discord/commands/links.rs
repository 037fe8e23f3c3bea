//! Links that people give: to a picture, or to a message that has one.

use sha2::{Digest, Sha256};
use url::Url;

use crate::pipeline::MessagePicture;

/// A link that can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Names it for good.
    pub(super) key: String,
    pub(super) to: Linked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Linked {
    Picture(String),
    Message { channel: u64, message: u64 },
}

/// It is no link to something on the web. Whether one may be followed, `fetch` decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotALink;

impl Link {
    /// The first word; `<…>`, which hides a preview, is taken off.
    pub(super) fn of(text: &str) -> Result<Self, NotALink> {
        let word = text.split_whitespace().next().unwrap_or_default();
        let word = word.strip_prefix('<').and_then(|w| w.strip_suffix('>')).unwrap_or(word);
        let url = Url::parse(word).map_err(|_| NotALink)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(NotALink);
        }
        let key = hex::encode(&Sha256::digest(url.as_str().as_bytes())[..8]);
        let to = message(&url).unwrap_or_else(|| Linked::Picture(url.into()));
        Ok(Self { key: format!("l{key}"), to })
    }
}

/// The pictures that a text names by their links.
pub(in crate::discord) fn linked_pictures(text: &str) -> Vec<MessagePicture> {
    let mut pictures: Vec<MessagePicture> = Vec::new();
    for link in text.split_whitespace().filter_map(|word| Link::of(word).ok()) {
        if let Linked::Picture(url) = link.to
            && !pictures.iter().any(|picture| picture.key == link.key)
        {
            pictures.push(MessagePicture { key: link.key, url, title: None });
        }
    }
    pictures
}

/// `https://discord.com/channels/GUILD/CHANNEL/MESSAGE`, also of the test clients.
fn message(url: &Url) -> Option<Linked> {
    let hosts = ["discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"];
    if !hosts.contains(&url.host_str()?) {
        return None;
    }
    let mut path = url.path_segments()?;
    if path.next()? != "channels" {
        return None;
    }
    let mut id = || path.next()?.parse::<u64>().ok().filter(|id| *id > 0);
    // In direct messages the guild is `@me`.
    let _guild = id();
    Some(Linked::Message { channel: id()?, message: id()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(text: &str) -> Result<Linked, NotALink> {
        Link::of(text).map(|link| link.to)
    }

    #[test]
    fn messages_and_pictures_are_told_apart() {
        let message = Ok(Linked::Message { channel: 20, message: 30 });
        assert_eq!(to("https://discord.com/channels/10/20/30"), message);
        assert_eq!(to("<https://canary.discord.com/channels/@me/20/30> please"), message);
        let picture = |url: &str| Ok(Linked::Picture(url.into()));
        assert_eq!(to("https://a.example/b.png"), picture("https://a.example/b.png"));
        assert_eq!(to("https://discord.com/channels/10/20"), picture("https://discord.com/channels/10/20"));
        assert_eq!(
            to("https://discord.com.example/channels/1/2/3").unwrap(),
            Linked::Picture("https://discord.com.example/channels/1/2/3".into())
        );
    }

    #[test]
    fn what_is_no_link_is_told() {
        assert_eq!(to("that one"), Err(NotALink));
        assert_eq!(to(""), Err(NotALink));
        assert_eq!(to("file:///etc/passwd"), Err(NotALink));
    }

    #[test]
    fn a_link_has_one_key() {
        let key = |text: &str| Link::of(text).unwrap().key;
        assert_eq!(key("https://a.example/b.png"), key("<https://a.example/b.png>"));
        assert_ne!(key("https://a.example/b.png"), key("https://a.example/c.png"));
    }
}
