//! The drawn-face detector: letterboxed pictures in, boxes in the pictures' own pixels out.

use ort::session::Session;
use ort::value::TensorRef;

use image::RgbImage;

use super::letterbox::{Letterbox, LetterboxedPicture};
use super::second_look::{SecondLook, merged, second_look};
use crate::domain::{Confidence, ModelBox, PictureBox, Size};

/// Long side of the letterboxed input the shipped detector wants.
pub const DEFAULT_SIDE: u32 = 448;
/// From here on a box is a face unless the configuration says otherwise. Confidences are calibrated: of the boxes with this
/// one, about half are right.
pub const DEFAULT_FLOOR: Confidence = Confidence(0.5);
/// Boxes that overlap a surer one by this or more are the same face.
const NMS_IOU: f32 = 0.5;
/// Boxes that overlap a kept one by this or more have a say in where it lies.
const FUSED_IOU: f32 = 0.6;
/// Boxes below this are noise, whatever floor is asked for: they have no say.
pub const NOISE: Confidence = Confidence(0.001);

/// One found face, before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub bounds: PictureBox,
    pub confidence: Confidence,
}

/// A picture, and the input of the first look at it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub picture: &'a RgbImage,
    pub letterboxed: &'a LetterboxedPicture,
}

impl Seen<'_> {
    fn second_look(&self, found: &[Detection]) -> SecondLook {
        let size = Size::new(self.picture.width(), self.picture.height());
        second_look(size, self.letterboxed.letterbox.side(), found)
    }
}

/// Owns the session of `face-v2.onnx`: `image [N, 3, H, W] f32` → `boxes [N, A, 4] f32` in input pixels,
/// `scores [N, A] f32`, 0–1.
#[derive(Debug)]
pub struct Detector {
    session: Session,
}

impl Detector {
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// Faces of each picture with confidence at least `floor`, surest first, after a second, larger look where the first saw
    /// small faces. Pictures may have any sizes; up to `run` inputs of one size go through the network at once.
    pub fn find(&mut self, pictures: &[Seen<'_>], floor: Confidence, run: usize) -> ort::Result<Vec<Vec<Detection>>> {
        let inputs: Vec<&LetterboxedPicture> = pictures.iter().map(|seen| seen.letterboxed).collect();
        let mut found = self.detect_any(&inputs, NOISE, run)?;
        let again: Vec<(usize, LetterboxedPicture)> = pictures
            .iter()
            .enumerate()
            .filter_map(|(i, seen)| match seen.second_look(&found[i]) {
                SecondLook::Needless => None,
                SecondLook::Worthwhile { small, side } => {
                    tracing::debug!(small, side, "small faces: looking again");
                    Some((i, LetterboxedPicture::new(seen.picture, side)))
                }
            })
            .collect();
        metrics::counter!("mekiki_second_looks_total").increment(again.len() as u64);
        let inputs: Vec<&LetterboxedPicture> = again.iter().map(|(_, input)| input).collect();
        for (&(i, _), second) in again.iter().zip(self.detect_any(&inputs, NOISE, run)?) {
            found[i] = merged(&found[i], &second);
        }
        for faces in &mut found {
            faces.retain(|face| face.confidence >= floor);
        }
        Ok(found)
    }

    /// One look at pictures of any sizes: those of one size together, up to `run` at once.
    fn detect_any(
        &mut self,
        inputs: &[&LetterboxedPicture],
        floor: Confidence,
        run: usize,
    ) -> ort::Result<Vec<Vec<Detection>>> {
        let size = |i: usize| inputs[i].letterbox.input();
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|&i| (size(i).width, size(i).height));
        let mut found = vec![Vec::new(); inputs.len()];
        for same in order.chunk_by(|&a, &b| size(a) == size(b)) {
            for chunk in same.chunks(run.max(1)) {
                let batch: Vec<_> = chunk.iter().map(|&i| inputs[i]).collect();
                for (&i, faces) in chunk.iter().zip(self.detect(&batch, floor)?) {
                    found[i] = faces;
                }
            }
        }
        Ok(found)
    }

    /// One look: faces of each picture with confidence at least `floor`, surest first. All pictures must have the same input
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
                let candidates = candidates(&picture.letterbox, boxes, scores, Confidence(floor.0.min(NOISE.0)));
                weighted_suppression(candidates, floor)
            })
            .collect())
    }
}

/// What the network says of one picture, in the picture's pixels: `boxes [A · 4]` xyxy, `scores [A]`.
fn candidates(letterbox: &Letterbox, boxes: &[f32], scores: &[f32], floor: Confidence) -> Vec<Detection> {
    boxes
        .as_chunks::<4>()
        .0
        .iter()
        .zip(scores)
        .filter(|&(_, &score)| score >= floor.0)
        .map(|(&b, &score)| (ModelBox::from(b), Confidence(score)))
        .filter(|(b, _)| b.is_finite())
        .map(|(b, confidence)| Detection { bounds: letterbox.to_picture(b), confidence })
        .filter(|d| d.bounds.area() > 0.0)
        .collect()
}

/// Weighted non-maximum suppression: of boxes that overlap, the surest stays, if it is at least as sure as `floor`, and lies
/// where all that say much the same say on average, each by its confidence. Which boxes are found and how sure they are does
/// not depend on the floor.
fn weighted_suppression(mut candidates: Vec<Detection>, floor: Confidence) -> Vec<Detection> {
    candidates.sort_by(|a, b| b.confidence.0.total_cmp(&a.confidence.0));
    let kept = suppressed(&candidates);
    kept.into_iter().take_while(|k| k.confidence >= floor).map(|k| fused(k, &candidates)).collect()
}

/// Greedy: the surest box stays, what overlaps it goes. Surest first; boxes are compared as they end up, clipped to the
/// picture.
pub(super) fn suppressed(candidates: &[Detection]) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::new();
    for &candidate in candidates {
        if kept.iter().all(|k| k.bounds.iou(&candidate.bounds) < NMS_IOU) {
            kept.push(candidate);
        }
    }
    kept
}

fn fused(kept: Detection, candidates: &[Detection]) -> Detection {
    let (mut sum, mut weights) = ([0.0_f32; 4], 0.0);
    for candidate in candidates.iter().filter(|c| c.bounds.iou(&kept.bounds) >= FUSED_IOU) {
        let weight = candidate.confidence.0;
        weights += weight;
        for (total, side) in sum.iter_mut().zip(<[f32; 4]>::from(candidate.bounds)) {
            *total += weight * side;
        }
    }
    // A box of confidence 0 has no weight, not even its own.
    if weights > 0.0 { Detection { bounds: sum.map(|total| total / weights).into(), ..kept } } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Size;
    use proptest::prelude::*;

    fn detection(x: f32, y: f32, side: f32, confidence: f32) -> Detection {
        Detection { bounds: PictureBox::new(x, y, x + side, y + side), confidence: Confidence(confidence) }
    }

    #[test]
    fn overlapping_boxes_leave_the_surest() {
        let found = [
            detection(0.0, 0.0, 10.0, 0.9),
            detection(1.0, 0.0, 10.0, 0.5),
            detection(0.0, 0.0, 4.0, 0.4),
            detection(20.0, 0.0, 10.0, 0.3),
        ];
        assert_eq!(suppressed(&found), [found[0], found[2], found[3]]);
    }

    #[test]
    fn what_overlaps_much_has_a_say_in_where_the_box_lies_and_the_floor_has_none() {
        let found = [
            detection(1.0, 0.0, 10.0, 0.25),
            detection(0.0, 0.0, 10.0, 0.75),
            detection(0.0, 5.0, 10.0, 0.7),
            detection(40.0, 0.0, 10.0, 0.4),
        ];
        let box_at = |x: f32, confidence| detection(x, 0.0, 10.0, confidence);
        let all = [box_at(0.25, 0.75), found[2], box_at(40.0, 0.4)];
        assert_eq!(weighted_suppression(found.to_vec(), NOISE), all);
        assert_eq!(weighted_suppression(found.to_vec(), Confidence(0.5)), all[..2]);
    }

    #[test]
    fn what_is_not_a_number_is_dropped() {
        let letterbox = Letterbox::new(Size::new(100, 100), 448);
        let found = |boxes: [f32; 4], score| candidates(&letterbox, &boxes, &[score], Confidence(0.1));
        assert_eq!(found([0.0, 0.0, 448.0, 224.0], 0.9)[0].bounds, PictureBox::new(0.0, 0.0, 100.0, 50.0));
        assert!(found([f32::NAN, 0.0, 10.0, 10.0], 0.9).is_empty());
        assert!(found([0.0, 0.0, f32::INFINITY, 1.0], 0.9).is_empty());
        assert!(found([0.0, 0.0, 1.0, 1.0], f32::NAN).is_empty());
    }

    proptest! {
        #[test]
        fn kept_boxes_do_not_overlap(raw in proptest::collection::vec((0.0f32..100.0, 0.0f32..100.0, 1.0f32..60.0, 0.0f32..1.0), 0..60)) {
            let found: Vec<Detection> = raw.iter().map(|&(x, y, side, c)| detection(x, y, side, c)).collect();
            let found = { let mut found = found; found.sort_by(|a, b| b.confidence.0.total_cmp(&a.confidence.0)); found };
            let kept = suppressed(&found);
            for (i, a) in kept.iter().enumerate() {
                for b in &kept[i + 1..] {
                    prop_assert!(a.bounds.iou(&b.bounds) < NMS_IOU && a.confidence >= b.confidence);
                }
            }
            // Nothing is lost: each box overlaps a kept one that is as sure.
            for f in &found {
                prop_assert!(kept.iter().any(|k| k.bounds.iou(&f.bounds) >= NMS_IOU && k.confidence >= f.confidence));
            }
        }
    }
}
