//! Bytes ─▶ faces with features: decode, letterbox, detector, crops, embedder, and the engine that owns the sessions.

mod analyse;
mod colour;
mod crop;
pub mod decode;
mod detector;
mod embedder;
mod engine;
mod jpeg;
mod letterbox;
mod phash;
mod pillow;
mod resize;
pub mod runtime;
mod second_look;

pub use analyse::{Analysis, Models, Prepared, RunSizes, Stages};
pub use colour::colour_histogram;
pub use crop::{CROP_SIDE, crop_face};
pub use detector::{DEFAULT_FLOOR, DEFAULT_SIDE, Detection, Detector, NOISE, Seen};
pub use embedder::{Embedded, Embedder};
pub use engine::{Engine, EngineError, EngineOptions};
pub use jpeg::jpeg;
pub use letterbox::{Letterbox, LetterboxedPicture};
pub use phash::perceptual_hash;
pub use resize::{squash, thumbnail};
