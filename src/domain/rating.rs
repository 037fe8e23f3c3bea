//! Ratings: who judged what, how, where, when, and whether the score was in sight.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{FaceId, PictureId};

/// 1 to 5 stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Stars(u8);

impl Stars {
    pub fn get(self) -> u8 {
        self.0
    }
}

/// The number is not 1, 2, 3, 4 or 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rating is 1 to 5, 'up' or 'down'")]
pub struct BadJudgement;

impl TryFrom<u8> for Stars {
    type Error = BadJudgement;

    fn try_from(n: u8) -> Result<Self, BadJudgement> {
        if (1..=5).contains(&n) { Ok(Self(n)) } else { Err(BadJudgement) }
    }
}

impl From<Stars> for u8 {
    fn from(s: Stars) -> Self {
        s.0
    }
}

/// What was said: 👍, 👎, or 1–5. As text: `up`, `down`, `1` … `5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Judgement {
    Up,
    Down,
    Stars(Stars),
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Down => f.write_str("down"),
            Self::Stars(s) => write!(f, "{}", s.0),
        }
    }
}

impl FromStr for Judgement {
    type Err = BadJudgement;

    fn from_str(s: &str) -> Result<Self, BadJudgement> {
        match s {
            "up" => Ok(Self::Up),
            "down" => Ok(Self::Down),
            _ => s.parse::<u8>().map_err(|_| BadJudgement)?.try_into().map(Self::Stars),
        }
    }
}

impl TryFrom<String> for Judgement {
    type Error = BadJudgement;

    fn try_from(s: String) -> Result<Self, BadJudgement> {
        s.parse()
    }
}

impl From<Judgement> for String {
    fn from(j: Judgement) -> Self {
        j.to_string()
    }
}

/// What was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Face(FaceId),
    Picture(PictureId),
}

/// Whose taste. As text: `local`, `guild:ID`, `user:ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Local,
    Guild(u64),
    User(u64),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Guild(id) => write!(f, "guild:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

/// The text is none of `local`, `guild:ID`, `user:ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is 'local', 'guild:ID' or 'user:ID'")]
pub struct BadScope;

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(s: &str) -> Result<Self, BadScope> {
        let id = |s: &str| s.parse().map_err(|_| BadScope);
        match s.split_once(':') {
            None if s == "local" => Ok(Self::Local),
            Some(("guild", n)) => id(n).map(Self::Guild),
            Some(("user", n)) => id(n).map(Self::User),
            _ => Err(BadScope),
        }
    }
}

/// Who judged: an opaque name, unique within its source (`owner` on the local page, `discord:ID` …).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rater(pub String);

impl Rater {
    /// The person at the local page or the command line.
    pub fn owner() -> Self {
        Self("owner".into())
    }

    /// A person of Discord.
    pub fn discord(id: u64) -> Self {
        Self(format!("discord:{id}"))
    }

    /// The person's id on Discord, if that is where they are from.
    pub fn discord_id(&self) -> Option<u64> {
        self.0.strip_prefix("discord:")?.parse().ok()
    }
}

/// Where the judgement was made. Decides whether it may be trained on (`LEARN_FROM`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatingSource {
    /// The local page or the command line.
    Local,
    /// A button or command that addressed the bot.
    Interaction,
    /// A reaction seen in a watched channel.
    Channel,
    /// A picture from a followed timeline.
    Timeline,
}

impl RatingSource {
    pub const ALL: [Self; 4] = [Self::Local, Self::Interaction, Self::Channel, Self::Timeline];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Interaction => "interaction",
            Self::Channel => "channel",
            Self::Timeline => "timeline",
        }
    }
}

/// The text names no rating source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rating source is one of local, interaction, channel, timeline")]
pub struct BadRatingSource;

impl FromStr for RatingSource {
    type Err = BadRatingSource;

    fn from_str(s: &str) -> Result<Self, BadRatingSource> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or(BadRatingSource)
    }
}

/// One line of the rating ledger. `judgement: None` takes an earlier one back.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    pub scope: Scope,
    pub rater: Rater,
    pub target: Target,
    pub judgement: Option<Judgement>,
    pub source: RatingSource,
    pub at: OffsetDateTime,
    /// Whether the rater saw the score before judging: such rows herd.
    pub score_visible: bool,
}
