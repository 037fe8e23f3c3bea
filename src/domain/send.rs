//! What goes out to Discord: claimed once, then sent, then followed when its source changes.

use std::str::FromStr;

use super::UnknownName;

/// Row of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SendId(pub i64);

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendKind {
    /// Under a watched message: one for all its pictures.
    Reply,
    /// To the curated channel: one a picture.
    Pick,
    /// To somebody who asked; sent by the command itself, kept so that reactions and deletions find it.
    Answer,
    /// Picks collected where publishing them one by one would be too often.
    Digest,
}

/// How far a send has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendState {
    /// Claimed; goes out when its posts are done.
    Waiting,
    /// The request may have left: after a kill, look before sending again.
    Sending,
    Sent,
    /// There was nothing to say: no face in a watched post.
    Silent,
    /// Given up; `error` says why.
    Failed,
    /// Its source is gone: to be removed.
    Deleting,
    Gone,
}

/// Why a send was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendFailure {
    /// The bot is not shown the channel.
    CannotSee,
    /// Another permission is missing there.
    Permission,
    /// It is age-restricted, and the channel is not.
    AgeGate,
    /// Discord does not accept it: our mistake.
    NotTaken,
    /// It did not go through, however often it was tried.
    GivenUp,
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(s: &str) -> Result<Self, UnknownName> {
                Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| UnknownName::of(s))
            }
        }
    };
}

names!(SendKind { Reply = "reply", Pick = "pick", Answer = "answer", Digest = "digest" });
names!(SendFailure {
    CannotSee = "cannot_see",
    Permission = "permission",
    AgeGate = "age_gate",
    NotTaken = "not_taken",
    GivenUp = "given_up",
});
names!(SendState {
    Waiting = "waiting",
    Sending = "sending",
    Sent = "sent",
    Silent = "silent",
    Failed = "failed",
    Deleting = "deleting",
    Gone = "gone",
});
