//! A picture, and the post it was seen in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 of the picture's bytes: what a picture *is*. Links expire; this does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureId(pub [u8; 32]);

impl PictureId {
    /// The identity of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PictureId({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a picture id: expected 64 hexadecimal digits")]
pub struct BadPictureId;

impl FromStr for PictureId {
    type Err = BadPictureId;

    fn from_str(s: &str) -> Result<Self, BadPictureId> {
        let mut id = [0; 32];
        hex::decode_to_slice(s, &mut id).map_err(|_| BadPictureId)?;
        Ok(Self(id))
    }
}

impl TryFrom<String> for PictureId {
    type Error = BadPictureId;

    fn try_from(s: String) -> Result<Self, BadPictureId> {
        s.parse()
    }
}

impl From<PictureId> for String {
    fn from(id: PictureId) -> Self {
        id.to_string()
    }
}

/// Row of a post: one place where a picture was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostId(pub i64);

/// 64-bit difference hash of the grey 9×8 thumbnail; near-duplicates differ in few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerceptualHash(pub u64);

impl PerceptualHash {
    /// Pictures whose hashes differ in at most this many of the 64 bits count as the same picture.
    pub const NEAR: u32 = 6;

    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    pub fn is_near(self, other: Self) -> bool {
        self.distance(other) <= Self::NEAR
    }
}

/// What the age gate needs: probabilities of the picture's kind, each 0.0–1.0, summing to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    pub drawing: f32,
    pub explicit_drawing: f32,
    pub neutral: f32,
    pub explicit_photo: f32,
    pub suggestive: f32,
}

impl Safety {
    /// Above this sum of explicit and suggestive probabilities a picture is treated as age-restricted.
    pub const GATE: f32 = 0.5;

    pub fn restricted_probability(&self) -> f32 {
        self.explicit_drawing + self.explicit_photo + self.suggestive
    }

    pub fn is_restricted(&self) -> bool {
        self.restricted_probability() > Self::GATE
    }
}

/// Who made or posted the picture, as far as the source tells. Credited wherever the picture is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Author {
    pub name: Option<String>,
    pub link: Option<String>,
}
