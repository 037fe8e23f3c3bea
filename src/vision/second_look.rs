//! Where a picture is looked at a second time, larger, and how both looks become one answer.

use super::detector::{Detection, suppressed};
use crate::domain::{Confidence, PictureBox, Size};

/// Faces shorter than this in the first look's input are small: there the network sees few of their pixels.
const SMALL: f32 = 40.0;
/// From here on a small box is worth a second look.
const HINT: Confidence = Confidence(0.05);
/// How much larger the second input is: 576 where the first is 448.
const LARGER: (u32, u32) = (9, 7);
/// Inputs are multiples of this.
const STEP: u32 = 32;
/// Boxes of two looks that overlap by this or more are of the same face.
const SAME_IOU: f32 = 0.5;
/// What a look that did not see a face says of it.
const UNSEEN: Confidence = Confidence(0.003);

/// Whether to look again, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecondLook {
    /// Nothing small was seen, not even doubtfully: large faces are found at the first look.
    Needless,
    /// So many boxes are small; the next input's long side is `side`.
    Worthwhile { small: usize, side: u32 },
}

/// Decides from what the first look found, doubtful boxes included, in a picture of `picture` pixels that was scaled so that its
/// long side became `side`.
pub(super) fn second_look(picture: Size, side: u32, found: &[Detection]) -> SecondLook {
    let scale = side as f32 / picture.long_side().max(1) as f32;
    let longer = |b: &PictureBox| b.width().max(b.height()) * scale;
    match found.iter().filter(|d| d.confidence >= HINT && longer(&d.bounds) < SMALL).count() {
        0 => SecondLook::Needless,
        small => SecondLook::Worthwhile { small, side: larger(side) },
    }
}

fn larger(side: u32) -> u32 {
    (side * LARGER.0 / LARGER.1).next_multiple_of(STEP)
}

/// Both looks' boxes as one, surest first. A face is as sure as the mean of both looks' log-odds says, and lies where both say on
/// average, each by its confidence.
pub(super) fn merged(first: &[Detection], second: &[Detection]) -> Vec<Detection> {
    let mut all: Vec<Detection> =
        first.iter().map(|d| agreed(d, second)).chain(second.iter().map(|d| agreed(d, first))).collect();
    all.sort_by(|a, b| b.confidence.0.total_cmp(&a.confidence.0));
    suppressed(&all)
}

/// One look's box with what the other look says of it.
fn agreed(one: &Detection, other: &[Detection]) -> Detection {
    let overlaps = other.iter().map(|d| (d, d.bounds.iou(&one.bounds)));
    let like = overlaps.filter(|&(_, iou)| iou >= SAME_IOU).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(d, _)| d);
    let confidence = mean(one.confidence, like.map_or(UNSEEN, |d| d.confidence));
    let bounds = like.map_or(one.bounds, |like| between(one, like));
    Detection { bounds, confidence }
}

/// The confidence whose log-odds are the mean of two.
fn mean(a: Confidence, b: Confidence) -> Confidence {
    // Certainty has no odds.
    let odds = |c: Confidence| f64::from(c.0).clamp(1e-5, 1.0 - 1e-5).recip() - 1.0;
    Confidence((1.0 / (1.0 + (odds(a) * odds(b)).sqrt())) as f32)
}

fn between(a: &Detection, b: &Detection) -> PictureBox {
    let (wa, wb) = (a.confidence.0, b.confidence.0);
    if wa + wb <= 0.0 {
        return a.bounds;
    }
    let (a, b) = (<[f32; 4]>::from(a.bounds), <[f32; 4]>::from(b.bounds));
    let mut sides = [0.0; 4];
    for (side, (a, b)) in sides.iter_mut().zip(a.into_iter().zip(b)) {
        *side = (wa * a + wb * b) / (wa + wb);
    }
    sides.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PICTURE: Size = Size { width: 896, height: 500 };

    fn detection(x: f32, side: f32, confidence: f32) -> Detection {
        Detection { bounds: PictureBox::new(x, 0.0, x + side, side), confidence: Confidence(confidence) }
    }

    #[test]
    fn small_boxes_are_worth_a_second_look_even_when_doubtful() {
        let look = |found: &[Detection]| second_look(PICTURE, 448, found);
        assert_eq!(look(&[]), SecondLook::Needless);
        // 80 pixels of a picture of 896 are 40 of the input.
        assert_eq!(look(&[detection(0.0, 80.0, 0.9)]), SecondLook::Needless);
        assert_eq!(look(&[detection(0.0, 78.0, 0.04)]), SecondLook::Needless);
        let found = [detection(0.0, 300.0, 0.9), detection(400.0, 78.0, 0.06), detection(600.0, 20.0, 0.7)];
        assert_eq!(look(&found), SecondLook::Worthwhile { small: 2, side: 576 });
        assert_eq!(second_look(PICTURE, 224, &found), SecondLook::Worthwhile { small: 2, side: 288 });
    }

    #[test]
    fn both_looks_have_a_say_in_how_sure_a_face_is_and_where_it_lies() {
        let found = merged(&[detection(0.0, 10.0, 0.9)], &[detection(1.0, 10.0, 0.9)]);
        assert_eq!(found.len(), 1);
        assert!((found[0].confidence.0 - 0.9).abs() < 1e-6 && (found[0].bounds.x1 - 0.5).abs() < 1e-6, "{found:?}");
        // Log-odds ln 9 and ln(1/9).
        let found = merged(&[detection(0.0, 10.0, 0.9)], &[detection(0.0, 10.0, 0.1)]);
        assert!((found[0].confidence.0 - 0.5).abs() < 1e-6);
    }

    #[test]
    fn what_only_one_look_saw_is_doubted() {
        let found = merged(&[detection(0.0, 10.0, 0.9)], &[detection(50.0, 10.0, 0.99)]);
        assert_eq!(found.iter().map(|d| d.bounds.x1).collect::<Vec<_>>(), [50.0, 0.0]);
        assert!(found.iter().all(|d| d.confidence.0 < 0.5), "{found:?}");
    }

    fn looks() -> impl Strategy<Value = Vec<Detection>> {
        let one = (0.0f32..500.0, 1.0f32..200.0, 0.0f32..=1.0).prop_map(|(x, side, c)| detection(x, side, c));
        proptest::collection::vec(one, 0..20)
    }

    proptest! {
        #[test]
        fn a_merged_box_is_no_surer_than_the_surest_and_lies_within_what_was_found(first in looks(), second in looks()) {
            let all: Vec<Detection> = first.iter().chain(&second).copied().collect();
            let found = merged(&first, &second);
            prop_assert_eq!(found.is_empty(), all.is_empty());
            prop_assert!(found.is_sorted_by(|a, b| a.confidence >= b.confidence));
            let most = all.iter().map(|d| d.confidence.0.clamp(UNSEEN.0, 1.0)).fold(0.0, f32::max);
            for (n, d) in found.iter().enumerate() {
                prop_assert!(d.confidence.0 <= most + 1e-5 && d.confidence.0 >= 0.0);
                prop_assert!(all.iter().any(|a| a.bounds.iou(&d.bounds) >= SAME_IOU));
                prop_assert!(found[..n].iter().all(|k| k.bounds.iou(&d.bounds) < SAME_IOU));
            }
        }

        #[test]
        fn the_order_of_the_looks_does_not_matter(first in looks(), second in looks()) {
            let sorted = |mut found: Vec<Detection>| {
                found.sort_by(|a, b| a.bounds.x1.total_cmp(&b.bounds.x1).then(a.bounds.x2.total_cmp(&b.bounds.x2)));
                found.iter().map(|d| d.confidence.0).collect::<Vec<_>>()
            };
            let total = |found: &[f32]| found.iter().sum::<f32>();
            let (one, other) = (sorted(merged(&first, &second)), sorted(merged(&second, &first)));
            // Equally sure boxes may be suppressed in either order; with random confidences there are none.
            prop_assert!((total(&one) - total(&other)).abs() < 1e-3);
        }

        #[test]
        fn a_second_look_is_larger_and_only_where_something_is_small(found in looks(), side in 7u32..40) {
            let side = side * 32;
            if let SecondLook::Worthwhile { small, side: next } = second_look(PICTURE, side, &found) {
                prop_assert!(next > side && next.is_multiple_of(STEP) && small >= 1 && small <= found.len());
            }
        }
    }
}
