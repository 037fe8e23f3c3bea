//! How scores and ratings go together: for each rating that was given, where the scores of the faces rated so lie. No
//! words, as on the score card.

use super::pen::{EDGE, GOLD, Pen, QUIET, TEXT, UNLIT};
use crate::domain::Judgement;

/// Bins of a row: a quarter each from 1.0 to 5.0.
const BINS: usize = 16;

/// The faces that were given one rating.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub judgement: Judgement,
    /// Faces by the score that they have now.
    pub bins: [u32; 16],
}

impl Row {
    pub fn new(judgement: Judgement) -> Self {
        Self { judgement, bins: [0; BINS] }
    }

    /// Counts a face with this score, 1.0–5.0.
    pub fn add(&mut self, mean: f32) {
        self.bins[(((mean - 1.0) * 4.0).max(0.0) as usize).min(BINS - 1)] += 1;
    }
}

const LEFT: f32 = 78.0;
const RIGHT: f32 = 30.0;
const TOP: f32 = 26.0;
const ROW: f32 = 74.0;
const BAR: f32 = 58.0;
const STEP: f32 = 30.0;
const FOOT: f32 = 52.0;
const DIGIT: f32 = 27.0;

/// Draws the rows from top to bottom: bars for the faces, each row by its own tallest, and a mark where the rating itself
/// is. PNG.
///
/// # Panics
///
/// Without a row there is no picture.
pub fn calibration(rows: &[Row]) -> Vec<u8> {
    assert!(!rows.is_empty(), "without a row there is no picture");
    let width = LEFT + STEP * BINS as f32 + RIGHT;
    let floor = TOP + ROW * rows.len() as f32;
    let mut pen = Pen::new(width as u32, (floor + FOOT) as u32);
    let at = |score: f32| LEFT + STEP * 4.0 * (score - 1.0);
    for n in 1..=5u8 {
        let x = at(f32::from(n));
        pen.stroke(&[(x, TOP - 8.0), (x, floor)], EDGE, 1.5);
        pen.centred(&n.to_string(), (x, floor + 36.0), DIGIT, QUIET);
    }
    for (i, row) in rows.iter().enumerate() {
        let base = TOP + ROW * (i + 1) as f32;
        pen.stroke(&[(LEFT, base), (width - RIGHT, base)], UNLIT, 2.0);
        pen.centred(&label(row.judgement), (LEFT / 2.0, base - 10.0), DIGIT, TEXT);
        let most = row.bins.iter().copied().max().unwrap_or(0).max(1);
        for (bin, &n) in row.bins.iter().enumerate().filter(|(_, n)| **n > 0) {
            let height = (BAR * n as f32 / most as f32).max(4.0);
            pen.block((LEFT + STEP * bin as f32 + 3.0, base - height - 1.0), (STEP - 6.0, height), GOLD);
        }
        if let Judgement::Stars(stars) = row.judgement {
            pen.stroke(
                &[(at(f32::from(stars.get())), base - 12.0), (at(f32::from(stars.get())), base + 4.0)],
                TEXT,
                4.0,
            );
        }
    }
    pen.png()
}

fn label(judgement: Judgement) -> String {
    match judgement {
        Judgement::Up => "+".into(),
        Judgement::Down => "–".into(),
        Judgement::Stars(stars) => stars.get().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let stars = |n: u8| Judgement::Stars(n.try_into().unwrap());
        let mut rows: Vec<Row> = (1..=5).rev().map(|n| Row::new(stars(n))).collect();
        rows.extend([Row::new(Judgement::Up), Row::new(Judgement::Down)]);
        for (row, centre) in rows.iter_mut().zip([4.4, 3.8, 3.1, 2.4, 1.6, 4.0, 2.0]) {
            for n in -6..=6_i8 {
                for _ in 0..(8 - n.abs()) {
                    row.add(centre + f32::from(n) / 5.0);
                }
            }
        }
        rows
    }

    #[test]
    fn a_face_is_counted_where_its_score_lies() {
        let mut row = Row::new(Judgement::Up);
        for mean in [1.0, 1.24, 1.25, 4.99, 5.0, 0.3] {
            row.add(mean);
        }
        assert_eq!((row.bins[0], row.bins[1], row.bins[15]), (3, 1, 2));
    }

    #[test]
    fn the_bars_are_there() {
        let png = calibration(&rows());
        if let Some(folder) = std::env::var_os("MEKIKI_CARDS") {
            std::fs::write(std::path::Path::new(&folder).join("calibration.png"), &png).expect("writes");
        }
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        let gold = |p: &&image::Rgb<u8>| p.0 == [0xFF, 0xC4, 0x45];
        let full = image.pixels().filter(gold).count();
        assert!(full > 20_000, "{full} pixels of bars");
        let empty = calibration(&[Row::new(Judgement::Up)]);
        let none = image::load_from_memory(&empty).unwrap().to_rgb8().pixels().filter(gold).count();
        assert_eq!(none, 0);
    }
}
