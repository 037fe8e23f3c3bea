//! What a reaction on a message means.

use super::{GuildSettings, Judgement, MessageKey, Rater, Scope, Stars};

/// What happened to the reactions on a message. Each may come twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReactionChange {
    Add { message: MessageKey, person: u64, emoji: String },
    Remove { message: MessageKey, person: u64, emoji: String },
    Clear { message: MessageKey },
    ClearEmoji { message: MessageKey, emoji: String },
}

impl ReactionChange {
    pub fn message(&self) -> MessageKey {
        match self {
            Self::Add { message, .. }
            | Self::Remove { message, .. }
            | Self::Clear { message }
            | Self::ClearEmoji { message, .. } => *message,
        }
    }
}

/// One spelling for an emoji as a character, or as `name:id`: Discord leaves the mark for colour out at times, and a
/// guild's emoji keeps its id when its name changes.
pub fn emoji_key(emoji: &str) -> String {
    match emoji.rsplit_once(':') {
        Some((_, id)) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => format!("emoji:{id}"),
        _ => emoji.chars().filter(|&c| c != '\u{FE0F}').collect(),
    }
}

/// Hearts, in each colour and number; all but the broken one.
const HEARTS: [&str; 24] = [
    "❤",
    "♥",
    "❣",
    "🧡",
    "💛",
    "💚",
    "💙",
    "💜",
    "🤎",
    "🖤",
    "🤍",
    "🩷",
    "🩵",
    "🩶",
    "💖",
    "💗",
    "💓",
    "💕",
    "💞",
    "💘",
    "💝",
    "💟",
    "❤\u{200D}🔥",
    "❤\u{200D}🩹",
];

/// What an emoji says of a picture in this guild, if anything: its own 👍 and 👎, the usual ones in any skin tone, hearts
/// for 5, and the digits 1️⃣–5️⃣.
pub fn meaning(emoji: &str, guild: &GuildSettings) -> Option<Judgement> {
    let emoji = emoji_key(emoji);
    if emoji == emoji_key(&guild.up) {
        return Some(Judgement::Up);
    }
    if emoji == emoji_key(&guild.down) {
        return Some(Judgement::Down);
    }
    let plain: String = emoji.chars().filter(|c| !('\u{1F3FB}'..='\u{1F3FF}').contains(c)).collect();
    let stars = |n: u8| Stars::try_from(n).ok().map(Judgement::Stars);
    match plain.as_str() {
        "👍" => Some(Judgement::Up),
        "👎" => Some(Judgement::Down),
        heart if HEARTS.contains(&heart) => stars(5),
        other => stars(other.strip_suffix('\u{20E3}')?.parse().ok()?),
    }
}

/// Whose taste a vote on a post goes to: the poster's own counts for themselves alone.
pub fn vote_scope(post: Scope, author: Option<&Rater>, person: u64) -> Scope {
    let own = author.and_then(Rater::discord_id) == Some(person);
    match post {
        Scope::Guild(_) if own => Scope::User(person),
        // Asked for in private: a vote of somebody else's does not make it theirs to teach.
        Scope::User(_) => Scope::User(person),
        shared => shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(emoji: &str) -> Option<String> {
        let guild = GuildSettings { up: "good:11".into(), down: "💩".into(), ..GuildSettings::default() };
        meaning(emoji, &guild).map(|j| j.to_string())
    }

    #[test]
    fn thumbs_hearts_and_digits_are_judgements_and_nothing_else_is() {
        let table = [
            ("up", ["👍", "👍🏻", "👍🏿", "good:11", "renamed:11"].as_slice()),
            ("down", &["👎", "👎🏽", "💩"]),
            ("5", &["❤️", "❤", "♥️", "❣️", "🧡", "💜", "🩷", "💖", "❤️\u{200D}🔥", "5️⃣", "5⃣"]),
            ("1", &["1️⃣"]),
            ("2", &["2️⃣"]),
            ("3", &["3️⃣"]),
            ("4", &["4️⃣"]),
        ];
        for (expected, emoji) in table {
            for emoji in emoji {
                assert_eq!(says(emoji).as_deref(), Some(expected), "{emoji}");
            }
        }
        for emoji in ["💔", "0️⃣", "6️⃣", "🔟", "#️⃣", "*️⃣", "😀", "11", "good:12", "good:", "", "1", "👍👎", "🇫🇷", "15⃣"]
        {
            assert_eq!(says(emoji), None, "{emoji}");
        }
    }

    #[test]
    fn a_guilds_own_emoji_come_first() {
        let guild = GuildSettings { up: "❤️".into(), down: "👍".into(), ..GuildSettings::default() };
        assert_eq!(meaning("❤", &guild), Some(Judgement::Up));
        assert_eq!(meaning("👍", &guild), Some(Judgement::Down));
    }

    #[test]
    fn a_posters_vote_is_for_themselves() {
        let author = Rater::discord(5);
        let guild = Scope::Guild(1);
        assert_eq!(vote_scope(guild, Some(&author), 5), Scope::User(5));
        assert_eq!(vote_scope(guild, Some(&author), 6), guild);
        assert_eq!(vote_scope(guild, None, 6), guild);
        assert_eq!(vote_scope(Scope::User(5), Some(&author), 5), Scope::User(5));
        assert_eq!(vote_scope(Scope::User(5), Some(&author), 6), Scope::User(6));
        assert_eq!(vote_scope(Scope::Local, Some(&author), 5), Scope::Local);
    }
}
