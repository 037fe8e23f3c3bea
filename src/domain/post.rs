//! A post: one place where a picture was seen, and how far it has come.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Author, MessageKey, PictureId, Rater, Scope};

/// How far a post has come. Each state is durable: what is claimed survives a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostState {
    Claimed,
    Fetched,
    Analysed,
    Decided,
    Published,
    /// Gave up for good; the post's `error` says why and what to do.
    Failed,
}

impl PostState {
    pub const ALL: [Self; 6] =
        [Self::Claimed, Self::Fetched, Self::Analysed, Self::Decided, Self::Published, Self::Failed];

    pub fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Failed)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Fetched => "fetched",
            Self::Analysed => "analysed",
            Self::Decided => "decided",
            Self::Published => "published",
            Self::Failed => "failed",
        }
    }
}

/// Where a post was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostSource {
    /// Uploaded on the page.
    Upload,
    /// One of the drawn samples.
    Sample,
    /// Given on the command line or imported.
    File,
    /// Posted in a Discord message, or asked about there.
    Discord,
    /// Posted by a followed account there.
    X,
    Bluesky,
    Mastodon,
    /// In a followed RSS or Atom feed.
    Rss,
}

impl PostSource {
    pub const ALL: [Self; 8] =
        [Self::Upload, Self::Sample, Self::File, Self::Discord, Self::X, Self::Bluesky, Self::Mastodon, Self::Rss];

    /// Those that can be followed.
    pub const TIMELINES: [Self; 4] = [Self::X, Self::Bluesky, Self::Mastodon, Self::Rss];

    pub fn is_timeline(self) -> bool {
        Self::TIMELINES.contains(&self)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Sample => "sample",
            Self::File => "file",
            Self::Discord => "discord",
            Self::X => "x",
            Self::Bluesky => "bluesky",
            Self::Mastodon => "mastodon",
            Self::Rss => "rss",
        }
    }
}

/// The text names none of the known values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not known here")]
pub struct UnknownName(String);

impl UnknownName {
    pub(super) fn of(name: &str) -> Self {
        Self(name.into())
    }
}

impl FromStr for PostState {
    type Err = UnknownName;

    fn from_str(s: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| UnknownName(s.into()))
    }
}

impl FromStr for PostSource {
    type Err = UnknownName;

    fn from_str(s: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| UnknownName(s.into()))
    }
}

/// Where the bytes of a claimed post are to be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// In the spool on disk, under the hash of the bytes: uploads and files.
    Spool { picture: PictureId },
    /// To be drawn from a seed.
    Drawing { seed: u64 },
    /// Behind a link that may age: its source is asked for a fresh one when it has died.
    Link { url: String },
}

impl Origin {
    /// Its poster covered it: Discord shows such a file only to who clicks on it.
    pub fn is_spoilered(&self) -> bool {
        let Self::Link { url } = self else { return false };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().is_some_and(|name| name.starts_with(Self::SPOILER))
    }

    /// What the names of covered files begin with.
    pub const SPOILER: &str = "SPOILER_";
}

/// What a source hands in. `(source, external_id)` is claimed once, ever.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPost {
    pub source: PostSource,
    pub external_id: String,
    pub origin: Origin,
    pub title: Option<String>,
    pub author: Author,
    pub link: Option<String>,
    pub posted_at: OffsetDateTime,
    /// The source says that the post is age-restricted.
    pub marked_restricted: bool,
    /// Whose taste decides.
    pub scope: Scope,
    pub place: Option<Place>,
}

/// Where in Discord a post was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Posts of one message share a reply.
    pub message: MessageKey,
    /// Its place among the message's pictures.
    pub part: u32,
    /// The poster.
    pub author: Rater,
    /// A command asked for it: it is answered, and never picked.
    pub asked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covered_file_is_told_by_its_name() {
        let covered = |url: &str| Origin::Link { url: url.into() }.is_spoilered();
        assert!(covered("https://cdn.discordapp.com/attachments/1/2/SPOILER_a.png?ex=1&hm=/2"));
        assert!(!covered("https://cdn.discordapp.com/attachments/1/2/a_SPOILER_.png"));
        assert!(!covered("https://a.example/SPOILER_/a.png"));
        assert!(!Origin::Drawing { seed: 1 }.is_spoilered());
    }
}
