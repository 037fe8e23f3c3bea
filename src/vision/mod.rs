//! Bytes ─▶ faces with their features.

pub mod decode;
mod phash;

pub use phash::perceptual_hash;
