//! Links that people give: to a picture, or to a message that has one.

use sha2::{Digest, Sha256};
use url::Url;

use super::Lang;

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

/// Why a link cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadLink {
    NotALink,
    NotHttps,
}

impl BadLink {
    pub(super) fn words(self, lang: Lang) -> String {
        match self {
            Self::NotALink => tr!(lang, "discord.ask.not_a_link"),
            Self::NotHttps => tr!(lang, "discord.ask.not_https"),
        }
        .into_owned()
    }
}

impl Link {
    /// The first word; `<…>`, which hides a preview, is taken off.
    pub(super) fn of(text: &str) -> Result<Self, BadLink> {
        let word = text.split_whitespace().next().unwrap_or_default();
        let word = word.strip_prefix('<').and_then(|w| w.strip_suffix('>')).unwrap_or(word);
        let url = Url::parse(word).map_err(|_| BadLink::NotALink)?;
        match url.scheme() {
            "https" => {}
            "http" => return Err(BadLink::NotHttps),
            _ => return Err(BadLink::NotALink),
        }
        let key = hex::encode(&Sha256::digest(url.as_str().as_bytes())[..8]);
        let to = message(&url).unwrap_or_else(|| Linked::Picture(url.into()));
        Ok(Self { key: format!("l{key}"), to })
    }
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

    fn to(text: &str) -> Result<Linked, BadLink> {
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
    fn what_cannot_be_followed_is_said() {
        assert_eq!(to("that one"), Err(BadLink::NotALink));
        assert_eq!(to(""), Err(BadLink::NotALink));
        assert_eq!(to("file:///etc/passwd"), Err(BadLink::NotALink));
        assert_eq!(to("http://a.example/b.png"), Err(BadLink::NotHttps));
    }

    #[test]
    fn a_link_has_one_key() {
        let key = |text: &str| Link::of(text).unwrap().key;
        assert_eq!(key("https://a.example/b.png"), key("<https://a.example/b.png>"));
        assert_ne!(key("https://a.example/b.png"), key("https://a.example/c.png"));
    }
}
