//! The languages that people are spoken to in.

use std::str::FromStr;

/// A language of ours. As text: `en`, `ja`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    En,
    Ja,
}

/// The text names no language of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the languages are 'en' and 'ja'")]
pub struct BadLang;

impl FromStr for Lang {
    type Err = BadLang;

    fn from_str(s: &str) -> Result<Self, BadLang> {
        Self::ALL.into_iter().find(|l| l.code() == s).ok_or(BadLang)
    }
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::En, Self::Ja];

    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }
}
