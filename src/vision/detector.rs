//! The drawn-face detector: letterboxed pictures in, boxes in the pictures' own pixels out.

use ort::session::Session;
use ort::value::TensorRef;

use super::letterbox::LetterboxedPicture;
use crate::domain::{Confidence, ModelBox, PictureBox};

/// Long side of the letterboxed input the shipped detector wants.
pub const DEFAULT_SIDE: u32 = 448;
/// Boxes that overlap a surer one by more than this are the same face.
const NMS_IOU: f32 = 0.5;
/// More faces than this in one picture are not looked at: the surest are kept.
const MAX_FACES: usize = 100;

/// One found face, before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub bounds: PictureBox,
    pub confidence: Confidence,
}

/// Owns the session of `face-v0.onnx`: `image [N, 3, H, W] f32` → `boxes [N, A, 4] f32` in input pixels,
/// `scores [N, A] f32`, 0–1.
#[derive(Debug)]
pub struct Detector {
    session: Session,
}

impl Detector {
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// Faces of each picture with confidence at least `floor`, surest first. All pictures must have the same input
    /// size: padding them to one would change what the network sees at the border.
    pub fn detect(&mut self, batch: &[&LetterboxedPicture], floor: Confidence) -> ort::Result<Vec<Vec<Detection>>> {
        let Some(first) = batch.first() else { return Ok(Vec::new()) };
        let input = first.letterbox.input();
        assert!(batch.iter().all(|p| p.letterbox.input() == input), "one batch has one input size");
        let shape = [batch.len(), 3, input.height as usize, input.width as usize];
        let joined: Vec<f32>;
        let data = if let [only] = batch {
            &only.tensor
        } else {
            joined = batch.iter().flat_map(|p| p.tensor.iter().copied()).collect();
            &joined
        };
        let outputs = self.session.run(ort::inputs!["image" => TensorRef::from_array_view((shape, &data[..]))?])?;
        let (_, boxes) = outputs["boxes"].try_extract_tensor::<f32>()?;
        let (_, scores) = outputs["scores"].try_extract_tensor::<f32>()?;
        let anchors = scores.len() / batch.len();
        Ok(batch
            .iter()
            .zip(boxes.chunks_exact(anchors * 4).zip(scores.chunks_exact(anchors)))
            .map(|(picture, (boxes, scores))| {
                non_maximum_suppression(boxes, scores, floor)
                    .into_iter()
                    .map(|(b, confidence)| Detection { bounds: picture.letterbox.to_picture(b), confidence })
                    .filter(|d| d.bounds.area() > 0.0)
                    .collect()
            })
            .collect())
    }
}

/// Greedy: the surest box stays, what overlaps it goes. `boxes [A · 4]` xyxy, `scores [A]`.
fn non_maximum_suppression(boxes: &[f32], scores: &[f32], floor: Confidence) -> Vec<(ModelBox, Confidence)> {
    let mut candidates: Vec<(ModelBox, f32)> = boxes
        .as_chunks::<4>()
        .0
        .iter()
        .zip(scores)
        .filter(|&(_, &score)| score >= floor.0)
        .map(|(&b, &score)| (ModelBox::from(b), score))
        .filter(|(b, _)| b.is_finite())
        .collect();
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<(ModelBox, Confidence)> = Vec::new();
    for (candidate, score) in candidates {
        if kept.len() == MAX_FACES {
            break;
        }
        if kept.iter().all(|(k, _)| k.iou(&candidate) < NMS_IOU) {
            kept.push((candidate, Confidence(score)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn overlapping_boxes_leave_the_surest() {
        let boxes = [0.0, 0.0, 10.0, 10.0, 1.0, 0.0, 11.0, 10.0, 20.0, 0.0, 30.0, 10.0, 0.0, 0.0, 4.0, 4.0];
        let kept = non_maximum_suppression(&boxes, &[0.5, 0.9, 0.3, 0.1], Confidence(0.2));
        assert_eq!(
            kept,
            [
                (ModelBox::new(1.0, 0.0, 11.0, 10.0), Confidence(0.9)),
                (ModelBox::new(20.0, 0.0, 30.0, 10.0), Confidence(0.3)),
            ]
        );
    }

    #[test]
    fn what_is_not_a_number_is_dropped() {
        let boxes = [f32::NAN, 0.0, 10.0, 10.0, 0.0, 0.0, f32::INFINITY, 1.0];
        assert!(non_maximum_suppression(&boxes, &[0.9, 0.9], Confidence(0.1)).is_empty());
        assert!(non_maximum_suppression(&[0.0, 0.0, 1.0, 1.0], &[f32::NAN], Confidence(0.1)).is_empty());
    }

    proptest! {
        #[test]
        fn kept_boxes_do_not_overlap(raw in proptest::collection::vec((0.0f32..100.0, 0.0f32..100.0, 1.0f32..60.0, 0.0f32..1.0), 0..60)) {
            let boxes: Vec<f32> = raw.iter().flat_map(|&(x, y, s, _)| [x, y, x + s, y + s]).collect();
            let scores: Vec<f32> = raw.iter().map(|r| r.3).collect();
            let kept = non_maximum_suppression(&boxes, &scores, Confidence(0.3));
            for (i, (a, ca)) in kept.iter().enumerate() {
                prop_assert!(ca.0 >= 0.3);
                for (b, cb) in &kept[i + 1..] {
                    prop_assert!(a.iou(b) < NMS_IOU && ca >= cb);
                }
            }
            // Nothing is lost: each box above the floor overlaps a kept one.
            for (b, s) in boxes.as_chunks::<4>().0.iter().zip(&scores) {
                let b = ModelBox::from(*b);
                prop_assert!(*s < 0.3 || kept.iter().any(|(k, _)| k.iou(&b) >= NMS_IOU));
            }
        }
    }
}
