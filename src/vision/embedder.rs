//! The embedder: 224×224 crops in, features and the kind of picture out.

use image::RgbImage;
use ort::session::Session;
use ort::value::TensorRef;

use super::colour::colour_histogram;
use super::crop::CROP_SIDE;
use crate::domain::{Features, PICTURE_DIMS, Safety, VIEW_DIMS};

/// What one pass gives for one view: a crop or a whole picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// `[256] f32`
    pub view: Vec<f32>,
    /// `[192] f32`
    pub colour: Vec<f32>,
    pub safety: Safety,
}

impl Embedded {
    /// What a taste sees of this view in the picture `whole`; of a whole picture in itself.
    pub fn features(&self, whole: &Self) -> Features {
        Features { embedding: [&self.view[..], &whole.view[..PICTURE_DIMS]].concat(), colour: self.colour.clone() }
    }
}

/// Owns the session of `embed-v2.onnx`: `image [N, 3, 224, 224] f32`, RGB, 0–1 → `feat [N, 256] f32`,
/// `probs [N, 5] f32` (drawing, hentai, neutral, porn, sexy).
#[derive(Debug)]
pub struct Embedder {
    session: Session,
}

impl Embedder {
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// Embeds each 224×224 crop. Batch size is the caller's choice: it bounds the memory.
    pub fn embed(&mut self, crops: &[&RgbImage]) -> ort::Result<Vec<Embedded>> {
        if crops.is_empty() {
            return Ok(Vec::new());
        }
        let side = CROP_SIDE as usize;
        assert!(crops.iter().all(|c| c.dimensions() == (CROP_SIDE, CROP_SIDE)), "crops are 224×224");
        let mut data = vec![0f32; crops.len() * 3 * side * side];
        for (planes, crop) in data.chunks_exact_mut(3 * side * side).zip(crops) {
            for (channel, plane) in planes.chunks_exact_mut(side * side).enumerate() {
                for (value, pixel) in plane.iter_mut().zip(crop.chunks_exact(3)) {
                    *value = f32::from(pixel[channel]) / 255.0;
                }
            }
        }
        let shape = [crops.len(), 3, side, side];
        let outputs = self.session.run(ort::inputs!["image" => TensorRef::from_array_view((shape, &data[..]))?])?;
        let (_, embeddings) = outputs["feat"].try_extract_tensor::<f32>()?;
        let (_, probabilities) = outputs["probs"].try_extract_tensor::<f32>()?;
        Ok(embeddings
            .chunks_exact(VIEW_DIMS)
            .zip(probabilities.as_chunks::<5>().0)
            .zip(crops)
            .map(|((embedding, &[drawing, explicit_drawing, neutral, explicit_photo, suggestive]), crop)| Embedded {
                view: embedding.to_vec(),
                colour: colour_histogram(crop),
                safety: Safety { drawing, explicit_drawing, neutral, explicit_photo, suggestive },
            })
            .collect())
    }
}
