//! Face boxes by hand: what the detector is taught with and measured by.

use serde::{Deserialize, Serialize};

use super::{PictureBox, Size};

/// The boxes of one picture, by convention from the chin to just above the brows, cheek to cheek.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BoxLabels {
    pub boxes: Vec<PictureBox>,
    /// Faces cut, hidden or too doubtful: neither to train on nor to be measured by.
    #[serde(default)]
    pub ignore: Vec<PictureBox>,
}

/// Boxes that one picture may have.
const MOST: usize = 300;
/// Shortest side of a box, in pixels.
const LEAST_SIDE: f32 = 2.0;

/// Why boxes were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBoxes {
    #[error("a picture has at most {MOST} boxes")]
    TooMany,
    #[error("a box has no number, or lies outside of the picture, or is less than {LEAST_SIDE} pixels wide or high")]
    NoBox,
}

impl BoxLabels {
    /// The same boxes cut to the picture, or why they cannot be its labels.
    pub fn checked(&self, size: Size) -> Result<Self, BadBoxes> {
        if self.boxes.len() + self.ignore.len() > MOST {
            return Err(BadBoxes::TooMany);
        }
        let check = |boxes: &[PictureBox]| -> Result<Vec<PictureBox>, BadBoxes> {
            boxes
                .iter()
                .map(|b| {
                    let inside = b.clamp_to(size);
                    let large = inside.width() >= LEAST_SIDE && inside.height() >= LEAST_SIDE;
                    if b.is_finite() && large { Ok(inside) } else { Err(BadBoxes::NoBox) }
                })
                .collect()
        };
        Ok(Self { boxes: check(&self.boxes)?, ignore: check(&self.ignore)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(200, 100);

    fn labels(boxes: &[[f32; 4]]) -> BoxLabels {
        BoxLabels { boxes: boxes.iter().copied().map(PictureBox::from).collect(), ignore: vec![] }
    }

    #[test]
    fn boxes_are_cut_to_the_picture() {
        let given = labels(&[[-5.0, 10.0, 50.0, 120.0], [150.0, 0.0, 260.0, 40.0]]);
        let kept = labels(&[[0.0, 10.0, 50.0, 100.0], [150.0, 0.0, 200.0, 40.0]]);
        assert_eq!(given.checked(SIZE), Ok(kept));
        assert_eq!(BoxLabels::default().checked(SIZE), Ok(BoxLabels::default()), "a picture may hold no face");
    }

    #[test]
    fn what_is_no_box_in_the_picture_is_refused() {
        for bad in [
            [210.0, 0.0, 260.0, 40.0],
            [10.0, 10.0, 11.0, 50.0],
            [50.0, 10.0, 10.0, 50.0],
            [f32::NAN, 0.0, 10.0, 10.0],
            [0.0, 0.0, f32::INFINITY, 10.0],
        ] {
            assert_eq!(labels(&[bad]).checked(SIZE), Err(BadBoxes::NoBox), "{bad:?}");
            let ignored = BoxLabels { boxes: vec![], ignore: vec![bad.into()] };
            assert_eq!(ignored.checked(SIZE), Err(BadBoxes::NoBox), "{bad:?}");
        }
        assert_eq!(labels(&[[0.0, 0.0, 9.0, 9.0]; MOST + 1]).checked(SIZE), Err(BadBoxes::TooMany));
    }
}
