//! A face: where it is, how sure the detector is, and what the taste reads of it.

use serde::{Deserialize, Serialize};

use super::PictureBox;

/// Length of the embedder's output for one view, a crop or a whole picture; principal directions, the strongest first.
pub const VIEW_DIMS: usize = 256;
/// How many of them are kept of the picture around a face.
pub const PICTURE_DIMS: usize = 128;
/// Length of an embedding: the crop's view, then the start of its whole picture's.
pub const EMBEDDING_DIMS: usize = VIEW_DIMS + PICTURE_DIMS;
/// Length of the colour histogram: hue 12 × saturation 4 × value 4.
pub const COLOUR_DIMS: usize = 12 * 4 * 4;

/// Row of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaceId(pub i64);

/// The detector's confidence, 0.0–1.0. Not yet a probability: see the model's card.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(pub f32);

/// What a taste sees of a face, with the picture around it, or of a whole picture, with itself around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// `[384] f32`, the frozen embedder's output: 256 of the crop, 128 of the whole picture. About 1 long each.
    pub embedding: Vec<f32>,
    /// `[192] f32`, HSV histogram, index `(hue · 4 + saturation) · 4 + value`; sums to 1.
    pub colour: Vec<f32>,
}

/// A face found in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    pub bounds: PictureBox,
    pub confidence: Confidence,
    pub features: Features,
}
