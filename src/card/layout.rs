//! Where things are on the card, in pixels. Discord shows a picture at most some 550 × 350 wide and high.

/// Faces that a card shows.
pub(super) const SHOWN: usize = 6;

const MARGIN: f32 = 20.0;
const GAP: f32 = 18.0;
const CROP: f32 = 224.0;
/// Score and stars below a crop.
const CAPTION: f32 = 92.0;
/// Score and stars beside a single crop.
const BESIDE: f32 = 228.0;
const PILL: f32 = 44.0;

/// A square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Square {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) side: f32,
}

/// Where one face is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub(super) crop: Square,
    /// Left end of the score's baseline, and its size.
    pub(super) score: (f32, f32, f32),
    /// The spread's baseline: its right end beside the score, or its left end below it.
    pub(super) spread: Spread,
    /// Upper left of the stars, and the width of each.
    pub(super) stars: (f32, f32, f32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Spread {
    EndsAt(f32, f32),
    StartsAt(f32, f32),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) spots: Vec<Spot>,
    /// Right end and top of the count of faces besides.
    pub(super) besides: Option<(f32, f32)>,
}

impl Layout {
    pub(super) fn new(faces: usize, besides: bool) -> Self {
        assert!(faces > 0, "a card has a face");
        if faces == 1 {
            return Self::single(besides);
        }
        // Four in a row are as large on Discord as two rows of two; more are larger in two rows.
        let columns = if faces <= 4 { faces } else { 3 };
        let rows = faces.div_ceil(columns);
        let width = 2.0 * MARGIN + columns as f32 * (CROP + GAP) - GAP;
        let row_height = CROP + CAPTION;
        let below = MARGIN + rows as f32 * (row_height + GAP) - GAP;
        let spots = (0..faces)
            .map(|i| {
                let (row, column) = (i / columns, i % columns);
                let in_row = columns.min(faces - row * columns);
                let indent = (columns - in_row) as f32 * (CROP + GAP) / 2.0;
                let x = MARGIN + indent + column as f32 * (CROP + GAP);
                let y = MARGIN + row as f32 * (row_height + GAP);
                Spot {
                    crop: Square { x, y, side: CROP },
                    score: (x + 2.0, y + CROP + 45.0, 44.0),
                    spread: Spread::EndsAt(x + CROP - 2.0, y + CROP + 45.0),
                    stars: (x + 2.0, y + CROP + 58.0, 27.0),
                }
            })
            .collect();
        let height = below + if besides { PILL } else { 0.0 } + MARGIN - 8.0;
        Self {
            width: width as u32,
            height: height as u32,
            spots,
            besides: besides.then_some((width - MARGIN, below + 6.0)),
        }
    }

    /// One face has its score beside it.
    fn single(besides: bool) -> Self {
        let x = MARGIN + CROP + GAP + 10.0;
        let (width, height) = (x + BESIDE, 2.0 * MARGIN + CROP);
        Self {
            width: width as u32,
            height: height as u32,
            spots: vec![Spot {
                crop: Square { x: MARGIN, y: MARGIN, side: CROP },
                score: (x - 3.0, MARGIN + 100.0, 92.0),
                spread: Spread::StartsAt(x, MARGIN + 148.0),
                stars: (x, MARGIN + 170.0, 34.0),
            }],
            besides: besides.then_some((width - MARGIN, MARGIN)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_or_leaves_the_card() {
        for faces in 1..=SHOWN {
            let layout = Layout::new(faces, true);
            assert_eq!(layout.spots.len(), faces);
            let inside = |x: f32, y: f32| x <= layout.width as f32 - 10.0 && y <= layout.height as f32 - 8.0;
            for (i, spot) in layout.spots.iter().enumerate() {
                assert!(inside(spot.crop.x + CROP, spot.crop.y + CROP), "{faces}: {spot:?}");
                assert!(inside(spot.stars.0 + 5.0 * spot.stars.2, spot.stars.1 + spot.stars.2), "{faces}: {spot:?}");
                for other in &layout.spots[..i] {
                    let apart = (spot.crop.x - other.crop.x).abs() >= CROP + GAP
                        || spot.crop.y - other.crop.y >= CROP + CAPTION;
                    assert!(apart, "{faces}: {spot:?} and {other:?}");
                }
            }
        }
    }
}
