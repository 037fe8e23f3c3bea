//! Why a file could not be decoded, in words for the person who posted it.

use std::error::Error;

use super::{Format, MIN_SIDE};

/// Each variant's text says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    #[error("the file is empty; send it again")]
    Empty,
    #[error("the file has {} MiB and the limit is {} MiB; save it smaller", mib_up(*bytes as u64), limit >> 20)]
    TooManyBytes { bytes: usize, limit: usize },
    /// A picture in a format that we know and do not decode.
    #[error("{name} is not supported; save it as PNG, JPEG or WebP")]
    NotSupported { name: &'static str },
    /// Something else that we recognise: a web page, a video, an archive.
    #[error("this is {what}, not a picture; send the picture itself as PNG, JPEG or WebP")]
    NotAPicture { what: &'static str },
    #[error("this is no picture that can be read; send a PNG, JPEG, WebP, GIF or BMP file")]
    Unknown,
    #[error("{width}×{height} pixels are too few; each side must have at least {MIN_SIDE}")]
    TooSmall { width: u32, height: u32 },
    #[error("{width}×{height} pixels are too many; the limit is {} megapixels, so scale it down", limit / 1_000_000)]
    TooManyPixels { width: u32, height: u32, limit: u64 },
    #[error(
        "decoding {width}×{height} pixels of this kind would take {} MiB of memory and the limit is {} MiB; \
         scale it down or save it as an 8-bit PNG or a baseline JPEG",
        mib_up(*needed), limit >> 20
    )]
    TooMuchMemory { width: u32, height: u32, needed: u64, limit: u64 },
    #[error("the {} file is cut off; download it again or send it again", format.as_str())]
    CutOff { format: Format },
    #[error("the {} file is damaged ({why}); open it in a picture editor and save it again", format.as_str())]
    Damaged { format: Format, why: String },
    /// The format is decoded, but not this corner of it.
    #[error("this kind of {} is not supported ({what}); save it as a plain PNG, JPEG or WebP", format.as_str())]
    UnsupportedKind { format: Format, what: String },
    /// A bug in a decoder, caught.
    #[error("this {} file crashed the decoder; please report it, with the file", format.as_str())]
    Crashed { format: Format },
}

impl DecodeError {
    /// A name that does not change with the wording: for metrics and translations (`error.…` in `locales/`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::NotSupported { .. } => "not_supported",
            Self::NotAPicture { .. } => "not_a_picture",
            Self::Unknown => "unknown",
            Self::TooSmall { .. } => "too_small",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooMuchMemory { .. } => "too_much_memory",
            Self::CutOff { .. } => "cut_off",
            Self::Damaged { .. } => "damaged",
            Self::UnsupportedKind { .. } => "unsupported_kind",
            Self::Crashed { .. } => "crashed",
        }
    }

    /// Damage in the decoder's own words: those of the innermost error, since the outer ones only say whose it is.
    pub(super) fn from_codec(format: Format, error: &(dyn Error + 'static)) -> Self {
        let mut root = error;
        while let Some(cause) = root.source() {
            root = cause;
        }
        Self::damaged(format, root)
    }

    pub(super) fn damaged(format: Format, why: &(impl ToString + ?Sized)) -> Self {
        Self::Damaged { format, why: shorten(&why.to_string()) }
    }
}

/// Decoders' messages may quote the file; keep them to one short line.
fn shorten(text: &str) -> String {
    const MOST: usize = 120;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    if line.len() < text.len() { line + "…" } else { line }
}

fn mib_up(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_is_wrong_and_what_to_do() {
        let say = |e: DecodeError| e.to_string();
        assert_eq!(
            say(DecodeError::NotSupported { name: "AVIF" }),
            "AVIF is not supported; save it as PNG, JPEG or WebP"
        );
        assert_eq!(
            say(DecodeError::TooManyBytes { bytes: (64 << 20) + 1, limit: 64 << 20 }),
            "the file has 65 MiB and the limit is 64 MiB; save it smaller"
        );
        assert_eq!(
            say(DecodeError::TooManyPixels { width: 65_535, height: 65_535, limit: 100_000_000 }),
            "65535×65535 pixels are too many; the limit is 100 megapixels, so scale it down"
        );
        assert_eq!(
            say(DecodeError::CutOff { format: Format::Jpeg }),
            "the JPEG file is cut off; download it again or send it again"
        );
        assert_eq!(
            say(DecodeError::TooSmall { width: 1, height: 20_000 }),
            "1×20000 pixels are too few; each side must have at least 8"
        );
    }

    #[test]
    fn a_decoders_words_are_kept_short_and_on_one_line() {
        let long = DecodeError::damaged(Format::Png, &("a\nb".to_owned() + &"é".repeat(1000))).to_string();
        assert!(long.chars().count() < 220 && !long.contains('\n'), "{long}");
    }
}
