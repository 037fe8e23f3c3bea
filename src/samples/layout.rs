//! Size of the picture, and who stands where in it.

use super::attributes::Framing;
use super::character::Place;
use super::dice::Dice;
use crate::domain::Size;

/// Free width a character needs so that hair does not cover a neighbour's face, in head units.
const ELBOW_ROOM: f64 = 320.0;
/// From a back row's heads to the heads in front of them, in head units.
const ROW_STEP: f64 = 350.0;

/// One character's spot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub framing: Framing,
    pub place: Place,
    /// Someone stands behind: nothing tall may be worn on the head.
    pub in_front: bool,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub size: Size,
    /// From the back to the front.
    pub spots: Vec<Spot>,
}

pub(super) fn arrange(dice: &mut Dice) -> Layout {
    let count = dice.weighted(&[(1, 46), (2, 24), (3, 13), (4, 8), (5, 5), (6, 4)]);
    let size = picture_size(dice, count);
    let spots = match count {
        1 => vec![single(dice, size)],
        2 | 3 => one_row(dice, size, count),
        4 if size.width > size.height * 5 / 4 => one_row(dice, size, count),
        _ => two_rows(dice, size, count),
    };
    Layout { size, spots }
}

/// Long side 480–1400 px, in portrait, landscape or square.
fn picture_size(dice: &mut Dice, count: u32) -> Size {
    let long = dice.range(480.0, 1400.0);
    let ratio: f64 = dice.pick(&[0.6667, 0.75, std::f64::consts::FRAC_1_SQRT_2, 0.8, 0.5625]);
    let (portrait, landscape, square) = match count {
        1 => (6, 2, 2),
        2 => (3, 5, 2),
        _ => (1, 6, 2),
    };
    let (w, h) = dice.weighted(&[
        ((ratio.max(0.66), 1.0), portrait),
        ((1.0, if count > 3 { ratio.max(0.66) } else { ratio }), landscape),
        ((1.0, 1.0), square),
    ]);
    Size::new((w * long).round() as u32, (h * long).round() as u32)
}

fn single(dice: &mut Dice, size: Size) -> Spot {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let framing =
        dice.weighted(&[(Framing::CloseUp, 20), (Framing::Bust, 42), (Framing::HalfBody, 26), (Framing::Chibi, 12)]);
    let aside = if w > h { w * 0.14 } else { w * 0.03 };
    let x = w / 2.0 + dice.jitter(aside);
    let (scale, y) = match framing {
        Framing::CloseUp => {
            let scale = w.min(h) * dice.range(0.42, 0.6) / 200.0;
            (scale, h * 0.5 + dice.range(-10.0, 30.0) * scale)
        }
        Framing::Bust => {
            let scale = (w / 440.0).min(h / 520.0) * dice.range(0.84, 1.06);
            (scale, (h - dice.range(225.0, 300.0) * scale).min(h * 0.66))
        }
        Framing::HalfBody => {
            let scale = (w / 500.0).min(h / 680.0) * dice.range(0.78, 1.02);
            (scale, (dice.range(225.0, 290.0) * scale).max(h - 560.0 * scale))
        }
        Framing::Chibi => {
            let scale = (w / 440.0).min(h / 600.0) * dice.range(0.6, 0.95);
            (scale, h / 2.0 - 50.0 * scale)
        }
    };
    Spot { framing, place: Place { at: (x, y), scale }, in_front: false }
}

/// Side by side.
fn one_row(dice: &mut Dice, size: Size, count: u32) -> Vec<Spot> {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let framing = dice.weighted(&[(Framing::Bust, 45), (Framing::HalfBody, 35), (Framing::Chibi, 20)]);
    let slot = w / f64::from(count);
    let tall = match framing {
        Framing::Chibi => 600.0,
        Framing::HalfBody => 660.0,
        _ => 490.0,
    };
    // Smaller people leave more of the scenery to see.
    let scale = (slot / ELBOW_ROOM).min(h / tall) * dice.range(0.7, 0.98);
    let spread = (scale * ELBOW_ROOM * dice.range(1.05, 1.5)).clamp(scale * ELBOW_ROOM, slot.max(scale * ELBOW_ROOM));
    let left = (w - spread * f64::from(count)) / 2.0;
    let y = match framing {
        Framing::Chibi => (h / 2.0 - 50.0 * scale).max(h - 420.0 * scale),
        Framing::HalfBody => (250.0 * scale).max(h - 500.0 * scale),
        _ => (h - 270.0 * scale).max(215.0 * scale),
    };
    (0..count)
        .map(|i| {
            let sway = if framing == Framing::Chibi { 14.0 } else { 30.0 };
            let at = (left + spread * (f64::from(i) + 0.5), y + dice.jitter(sway) * scale);
            Spot { framing, place: Place { at, scale: scale * dice.range(0.94, 1.0) }, in_front: false }
        })
        .collect()
}

/// A back row and a front row, staggered.
fn two_rows(dice: &mut Dice, size: Size, count: u32) -> Vec<Spot> {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let back = count / 2;
    let front = count - back;
    let scale = (w / f64::from(front) / ELBOW_ROOM).min(h / (215.0 + ROW_STEP + 240.0)) * dice.range(0.86, 1.0);
    let y = h - (ROW_STEP + dice.range(215.0, 250.0)) * scale;
    let mut spots = Vec::new();
    for (row, people) in [(0.0, back), (1.0, front)] {
        let room = (w / f64::from(front)).min(scale * ELBOW_ROOM * 1.35);
        let shift = if back == front { (row - 0.5) * room * 0.4 } else { 0.0 };
        let room = if back == front { (w - room * 0.4) / f64::from(front) } else { room };
        let left = w / 2.0 + shift - room * f64::from(people) / 2.0;
        for i in 0..people {
            let at = (left + room * (f64::from(i) + 0.5), y + (row * ROW_STEP + dice.jitter(10.0)) * scale);
            spots.push(Spot { framing: Framing::Bust, place: Place { at, scale }, in_front: row > 0.5 });
        }
    }
    spots
}
