//! What a Discord server has settled with the bot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// A message on Discord. As text: `CHANNEL/MESSAGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey {
    pub channel: u64,
    pub message: u64,
}

/// Discord's ids count milliseconds from here.
const EPOCH: OffsetDateTime = datetime!(2015-01-01 00:00 UTC);

impl MessageKey {
    /// The smallest id that a message posted then can have.
    pub fn first_at(at: OffsetDateTime) -> u64 {
        ((at - EPOCH).whole_milliseconds().max(1) as u64) << 22
    }

    /// When it was posted: Discord's ids carry their time.
    pub fn posted_at(self) -> OffsetDateTime {
        EPOCH + Duration::milliseconds((self.message >> 22).cast_signed())
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.message)
    }
}

/// The text is not `CHANNEL/MESSAGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is named CHANNEL/MESSAGE")]
pub struct BadMessageKey;

impl FromStr for MessageKey {
    type Err = BadMessageKey;

    fn from_str(s: &str) -> Result<Self, BadMessageKey> {
        let (channel, message) = s.split_once('/').ok_or(BadMessageKey)?;
        let id = |s: &str| s.parse().map_err(|_| BadMessageKey);
        Ok(Self { channel: id(channel)?, message: id(message)? })
    }
}

/// How a pick is shown in the curated channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickStyle {
    Forward,
    /// The faces' crops and a link.
    #[default]
    Crop,
    /// The whole picture.
    Picture,
}

/// Only the best pictures of a time are picks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TopShare {
    /// Over 0.0 up to 1.0.
    pub share: f32,
    pub days: u16,
}

/// A guild's settings. Kept as JSON: what is missing has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a settings panel, independent of each other")]
pub struct GuildSettings {
    /// The channel that picks go to; `None`: nothing is picked.
    pub curated: Option<u64>,
    /// The curated channel is age-restricted: pictures over the age gate may go there.
    pub curated_restricted: bool,
    /// The curated channel is an announcement channel: picks are published to those who follow it.
    pub curated_announces: bool,
    /// Best face's mean score from which a picture is a pick, 1.0–5.0.
    pub threshold: f32,
    pub top_share: Option<TopShare>,
    pub picks_per_hour: u32,
    pub style: PickStyle,
    /// Hold pictures back that the models find explicit or suggestive.
    pub age_gate: bool,
    /// A moderator agreed that reactions in watched channels are learnt from.
    pub learn_from_reactions: bool,
    /// Answer posts in watched channels with a score card.
    pub replies: bool,
    /// Emoji (character, or `name:id`) that mean 👍 and 👎 here.
    pub up: String,
    pub down: String,
    /// Role that `/subscribe` gives and that a pick mentions.
    pub subscribers: Option<u64>,
}

impl Default for GuildSettings {
    fn default() -> Self {
        Self {
            curated: None,
            curated_restricted: false,
            curated_announces: false,
            threshold: 4.0,
            top_share: None,
            picks_per_hour: 10,
            style: PickStyle::default(),
            age_gate: true,
            learn_from_reactions: false,
            replies: true,
            up: "👍".into(),
            down: "👎".into(),
            subscribers: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_key_reads_what_it_writes() {
        let key = MessageKey { channel: 20, message: 1_234_567_890_123 };
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!("20".parse::<MessageKey>(), Err(BadMessageKey));
        assert_eq!("20/x".parse::<MessageKey>(), Err(BadMessageKey));
    }

    #[test]
    fn a_message_knows_when_it_was_posted() {
        let key = MessageKey { channel: 1, message: 175_928_847_299_117_063 };
        assert_eq!(key.posted_at(), datetime!(2016-04-30 11:18:25.796 UTC));
        let first = MessageKey::first_at(key.posted_at());
        assert!(first <= key.message && key.message - first < 1 << 22);
    }

    #[test]
    fn settings_of_an_older_version_keep_their_values_and_get_defaults_for_the_rest() {
        let settings: GuildSettings = serde_json::from_str(r#"{"threshold": 3.5, "gone": true}"#).unwrap();
        assert_eq!(settings, GuildSettings { threshold: 3.5, ..GuildSettings::default() });
    }
}
