//! Bytes ─▶ faces with features: decode, letterbox, detector, crops, embedder, and the engine that owns the sessions.

mod analyse;
mod colour;
mod crop;
mod detector;
mod embedder;
mod engine;
mod letterbox;
mod resize;

pub use analyse::{Analysis, Prepared, Stages};
pub use colour::colour_histogram;
pub use crop::{CROP_SIDE, crop_face};
pub use detector::{DEFAULT_SIDE, Detection, Detector};
pub use embedder::{Embedded, Embedder};
pub use engine::{Engine, EngineError, EngineOptions};
pub use letterbox::{Letterbox, LetterboxedPicture};
