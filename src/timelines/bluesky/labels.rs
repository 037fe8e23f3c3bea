//! What labels say: of moderators and of people themselves.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Age-restricted, whoever says so. Those of the protocol, those of Bluesky's own moderation, and their older names.
const RESTRICTED: [&str; 11] = [
    "!warn",
    "porn",
    "sexual",
    "sexual-figurative",
    "nudity",
    "graphic-media",
    "gore",
    "self-harm",
    "nsfl",
    "suggestive",
    "corpse",
];
const HIDDEN: [&str; 2] = ["!hide", "!takedown"];

/// What a post's or an account's labels come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each label says its own, in any combination")]
pub(super) struct Labels {
    pub(super) restricted: bool,
    pub(super) hidden: bool,
    /// Not to be shown to those who are not signed in.
    pub(super) unlisted: bool,
    pub(super) bot: bool,
}

impl Labels {
    /// Of `labels` of a post or profile.
    pub(super) fn of(labels: &Value, now: OffsetDateTime) -> Self {
        match labels {
            Value::Null => Self::default(),
            Value::Array(labels) => Self::sum(labels.iter().map(|label| Self::one(label, now))),
            // What they say cannot be read: better too careful.
            _ => Self { restricted: true, ..Self::default() },
        }
    }

    /// Of `labels` in a record: the author's own.
    pub(super) fn own(labels: &Value, now: OffsetDateTime) -> Self {
        match labels {
            Value::Null => Self::default(),
            // Of another kind: those values are not known here, but the author did warn.
            Value::Object(own) => own
                .get("values")
                .filter(|values| values.is_array())
                .map_or(Self { restricted: true, ..Self::default() }, |values| Self::of(values, now)),
            _ => Self { restricted: true, ..Self::default() },
        }
    }

    fn one(label: &Value, now: OffsetDateTime) -> Self {
        let expired = label["exp"].as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        if label["neg"] == true || expired.is_some_and(|at| at <= now) {
            return Self::default();
        }
        let value = label["val"].as_str().unwrap_or_default();
        Self {
            restricted: RESTRICTED.contains(&value),
            hidden: HIDDEN.contains(&value),
            unlisted: value == "!no-unauthenticated",
            bot: value == "bot",
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            restricted: self.restricted || other.restricted,
            hidden: self.hidden || other.hidden,
            unlisted: self.unlisted || other.unlisted,
            bot: self.bot || other.bot,
        }
    }

    fn sum(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), Self::and)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn of(labels: &Value) -> Labels {
        Labels::of(labels, NOW)
    }

    #[test]
    fn each_label_says_its_own() {
        let none = Labels::default();
        for value in ["porn", "sexual", "nudity", "graphic-media", "sexual-figurative", "!warn"] {
            assert_eq!(
                of(&json!([{ "val": "spam" }, { "val": value }])),
                Labels { restricted: true, ..none },
                "{value}"
            );
        }
        assert_eq!(of(&json!([{ "val": "!hide" }])), Labels { hidden: true, ..none });
        assert_eq!(of(&json!([{ "val": "!no-unauthenticated" }])), Labels { unlisted: true, ..none });
        assert_eq!(of(&json!([{ "val": "bot" }])), Labels { bot: true, ..none });
        assert_eq!(of(&json!([{ "val": "spam" }, { "val": 7 }, 7, null])), none);
    }

    #[test]
    fn a_label_can_be_taken_back_and_can_expire() {
        assert_eq!(of(&json!([{ "val": "porn", "neg": true }])), Labels::default());
        assert_eq!(of(&json!([{ "val": "porn", "exp": "2026-11-24T11:59:59Z" }])), Labels::default());
        assert!(of(&json!([{ "val": "porn", "exp": "2026-11-24T12:00:01Z" }])).restricted);
        assert!(of(&json!([{ "val": "porn", "neg": false, "exp": "some day" }])).restricted);
    }

    #[test]
    fn labels_that_cannot_be_read_restrict() {
        assert!(of(&json!("porn")).restricted && of(&json!({ "val": "x" })).restricted);
        let own = |labels| Labels::own(&labels, NOW);
        assert!(own(json!({ "$type": "com.example.newLabels", "level": 9 })).restricted);
        assert!(own(json!(["nudity"])).restricted);
        assert!(
            own(json!({ "$type": "com.atproto.label.defs#selfLabels", "values": [{ "val": "nudity" }] })).restricted
        );
        assert_eq!(own(json!({ "values": [] })), Labels::default());
        assert_eq!(own(Value::Null), Labels::default());
    }
}
