//! Followed timelines: accounts, what they post, and what is read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::UnknownName;

/// An account as its service names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Stays when the handle changes: a DID, a number, a feed's address.
    pub id: String,
    /// As people write it, without `@`: `name.bsky.social`, `name@server.example`, `name`.
    pub handle: String,
    pub name: Option<String>,
    /// Of its page, `https`.
    pub link: String,
    /// Marked as automated by its owner.
    pub bot: bool,
    /// Shows its posts to those it accepted only: never picked.
    pub protected: bool,
    /// Asked not to be shown elsewhere (`noindex`, `indexable: false`, `!no-unauthenticated`): never picked.
    pub unlisted: bool,
}

impl Account {
    /// As people know it: its name, else its handle.
    pub fn shown(&self) -> &str {
        self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(&self.handle)
    }
}

/// One picture of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelinePicture {
    /// Names it within its post for good.
    pub key: String,
    /// The largest that the service has.
    pub url: String,
    /// What the poster says it shows.
    pub alt: Option<String>,
}

/// A post with its own pictures: a boost or repost stands for the original, credited to its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelinePost {
    /// Of the original, as its service names it.
    pub id: String,
    pub author: Account,
    /// Who brought it into the timeline, when that was not the author.
    pub by: Option<Account>,
    pub link: String,
    pub posted_at: OffsetDateTime,
    /// Age-restricted by the post's or the author's own word, or by a label.
    pub restricted: bool,
    /// Scored, but shown nowhere else: why, in a word that does not change (`unlisted`, `protected`, `hidden`).
    pub held: Option<&'static str>,
    pub pictures: Vec<TimelinePicture>,
}

/// What is read. As text: `home`, `author:ID`, `list:ID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Feed {
    /// The home timeline of the account that the bot signs in with.
    Home,
    /// One account, by its id.
    Author(String),
    /// A list of that service, by its id.
    List(String),
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("home"),
            Self::Author(id) => write!(f, "author:{id}"),
            Self::List(id) => write!(f, "list:{id}"),
        }
    }
}

impl FromStr for Feed {
    type Err = UnknownName;

    fn from_str(s: &str) -> Result<Self, UnknownName> {
        match s.split_once(':') {
            None if s == "home" => Ok(Self::Home),
            Some(("author", id)) => Ok(Self::Author(id.to_owned())),
            Some(("list", id)) => Ok(Self::List(id.to_owned())),
            _ => Err(UnknownName::of(s)),
        }
    }
}

/// Row of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedId(pub i64);

/// Why a picture is scored, and shown nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Its author asked not to be shown elsewhere.
    Unlisted,
    /// Its author shows it to those they accepted only.
    Protected,
    /// Its service hides it.
    Hidden,
}

impl Held {
    pub const ALL: [Self; 3] = [Self::Unlisted, Self::Protected, Self::Hidden];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unlisted => "unlisted",
            Self::Protected => "protected",
            Self::Hidden => "hidden",
        }
    }

    /// Of a post: its own word first, then its author's. A word that is not known hides, too.
    pub fn of(post: &TimelinePost) -> Option<Self> {
        if let Some(word) = post.held {
            return Some(word.parse().unwrap_or(Self::Hidden));
        }
        if post.author.protected {
            return Some(Self::Protected);
        }
        post.author.unlisted.then_some(Self::Unlisted)
    }
}

impl FromStr for Held {
    type Err = UnknownName;

    fn from_str(s: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| UnknownName::of(s))
    }
}

/// What a scope settled about the pictures of one account.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AccountRules {
    /// Nothing of it is taken.
    pub muted: bool,
    /// Only so much of its pictures, the best, may be picks: over 0.0, below 1.0.
    pub share: Option<f32>,
    /// Its owner agreed that whole pictures are shown.
    pub whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_reads_what_it_writes() {
        for feed in [Feed::Home, Feed::Author("did:plc:x".into()), Feed::List("at://did:plc:x/l/1".into())] {
            assert_eq!(feed.to_string().parse(), Ok(feed));
        }
        assert!("author".parse::<Feed>().is_err() && "".parse::<Feed>().is_err());
    }

    #[test]
    fn a_posts_own_word_holds_before_its_authors() {
        let author = Account {
            id: "1".into(),
            handle: "ada".into(),
            name: Some(" ".into()),
            link: "https://x.example/ada".into(),
            bot: false,
            protected: false,
            unlisted: true,
        };
        assert_eq!(author.shown(), "ada");
        let post = TimelinePost {
            id: "9".into(),
            author,
            by: None,
            link: "https://x.example/ada/9".into(),
            posted_at: OffsetDateTime::UNIX_EPOCH,
            restricted: false,
            held: None,
            pictures: Vec::new(),
        };
        assert_eq!(Held::of(&post), Some(Held::Unlisted));
        assert_eq!(Held::of(&TimelinePost { held: Some("protected"), ..post.clone() }), Some(Held::Protected));
        assert_eq!(Held::of(&TimelinePost { held: Some("a new word"), ..post.clone() }), Some(Held::Hidden));
        let open = Account { unlisted: false, ..post.author.clone() };
        assert_eq!(Held::of(&TimelinePost { author: open, ..post }), None);
    }
}
