//! Any bytes at all into the decoder.
//!
//! ```text
//! cargo install cargo-fuzz --locked                              # once; needs a nightly toolchain
//! cargo test --test it write_the_fuzz_corpus -- --ignored        # seeds: the hostile inputs of the tests
//! cargo +nightly fuzz run decode -- -max_total_time=300 -rss_limit_mb=512 -max_len=16384
//! ```
//!
//! The decoder is taken in by its path, not through the crate: the model runtime, the database and the web server need
//! no sanitizers. A panic that `decode` catches counts as a crash here all the same: libFuzzer's own hook aborts on it.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/vision/decode/mod.rs"]
#[allow(dead_code, reason = "the fuzzer calls only a part of it")]
mod decode;

use decode::{DecodeError, DecodeLimits};

/// Small enough for thousands of runs a second; a header that claims more must be refused, not tried.
const LIMITS: DecodeLimits = DecodeLimits { max_bytes: 1 << 20, max_pixels: 1 << 20, max_alloc: 64 << 20 };

fuzz_target!(|bytes: &[u8]| {
    match decode::decode(bytes, &LIMITS) {
        Ok(decoded) => {
            let (width, height) = decoded.image.dimensions();
            assert!(u64::from(width) * u64::from(height) <= LIMITS.max_pixels);
            assert!(width.min(height) >= decode::MIN_SIDE);
        }
        Err(DecodeError::Crashed { format }) => panic!("the {} decoder panicked", format.as_str()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
