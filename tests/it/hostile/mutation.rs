//! Whatever is done to a valid file: no panic, and never more memory than allowed.

use allocation_counter::measure;
use mekiki::vision::decode::{DecodeError, DecodeLimits, Format, decode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::samples;

/// One change of a file.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    /// The largest number where a length or a size may stand.
    Fill(Index),
    Cut(Index),
    Remove(Index, u8),
    Repeat(Index, u8),
    Insert(Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, v)| Change::Set(at, v)),
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => any::<Index>().prop_map(Change::Fill),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => (any::<Index>(), 1..40_u8).prop_map(|(at, n)| Change::Remove(at, n)),
        1 => (any::<Index>(), 1..40_u8).prop_map(|(at, n)| Change::Repeat(at, n)),
        1 => (any::<Index>(), vec(any::<u8>(), 1..20)).prop_map(|(at, new)| Change::Insert(at, new)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let end = |at: usize, n: u8| (at + usize::from(n)).min(bytes.len());
    match change {
        Change::Set(at, v) => *at.get_mut(bytes) = *v,
        Change::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
        Change::Fill(at) => {
            let at = at.index(bytes.len());
            let end = end(at, 4);
            bytes[at..end].fill(0xff);
        }
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Change::Remove(at, n) => {
            let at = at.index(bytes.len());
            bytes.drain(at..end(at, *n));
        }
        Change::Repeat(at, n) => {
            let at = at.index(bytes.len());
            let again = bytes[at..end(at, *n)].to_vec();
            bytes.splice(at..at, again);
        }
        Change::Insert(at, new) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, new.iter().copied());
        }
    }
}

/// Decodes under a cap and checks what must hold for any bytes at all.
pub(crate) fn check(bytes: &[u8], limits: &DecodeLimits) -> Result<(), TestCaseError> {
    let mut outcome = None;
    let memory = measure(|| outcome = Some(decode(bytes, limits)));
    let format = mekiki::vision::decode::Format::of(bytes);
    prop_assert!(memory.bytes_max <= limits.max_alloc, "{format:?}: {} bytes at one time", memory.bytes_max);
    match outcome.unwrap() {
        Ok(decoded) => {
            let (w, h) = decoded.image.dimensions();
            prop_assert!(u64::from(w) * u64::from(h) <= limits.max_pixels, "{w}×{h}");
        }
        Err(DecodeError::Crashed { format }) => {
            return Err(TestCaseError::fail(format!("the {} decoder panicked", format.as_str())));
        }
        Err(e) => prop_assert!(!e.to_string().contains('\n') && e.to_string().len() < 400, "{e}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn mutated_files_neither_panic_nor_take_more_memory_than_allowed(
        file in any::<Index>(),
        changes in vec(change(), 1..6),
        cap in prop_oneof![Just(2_u64 << 20), Just(16 << 20), Just(64 << 20)],
    ) {
        let files = files();
        let (_, mut bytes) = file.get(files).clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        // Fewer pixels than by default: what is slow is not what is tried here.
        check(&bytes, &DecodeLimits { max_pixels: 4_000_000, max_alloc: cap, ..DecodeLimits::default() })?;
    }

    #[test]
    fn random_bytes_after_a_magic_do_neither(
        magic in prop::sample::select(MAGICS.to_vec()),
        rest in vec(any::<u8>(), 0..400),
    ) {
        let bytes = [magic, &rest].concat();
        check(&bytes, &DecodeLimits { max_pixels: 4_000_000, max_alloc: 32 << 20, ..DecodeLimits::default() })?;
    }
}

/// How each format's files begin, up to where numbers follow.
pub(crate) const MAGICS: [&[u8]; 7] = [
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"RIFF\x80\0\0\0WEBPVP8 ",
    b"RIFF\x80\0\0\0WEBPVP8X\x0a\0\0\0",
    b"BM",
];

fn files() -> &'static [(String, Vec<u8>)] {
    static FILES: std::sync::LazyLock<Vec<(String, Vec<u8>)>> = std::sync::LazyLock::new(samples);
    &FILES
}

#[test]
fn every_format_is_mutated() {
    for format in Format::ALL {
        assert!(files().iter().any(|(_, bytes)| Format::of(bytes) == Some(format)), "{}", format.as_str());
    }
}
