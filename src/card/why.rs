//! What a score rests on, without words: the face with its score, the liked and the disliked face most like it with what
//! they were given and how alike they are, and a scale with the range in which ratings to come should lie.

use image::RgbImage;

use super::layout::{Layout, Spot};
use super::pen::{EDGE, GOLD, PALE, Pen, QUIET, TEXT, UNLIT};
use super::{CardFace, draw};
use crate::domain::{Judgement, Score};

/// Frames of what is liked and what is not: told apart also by those who do not see red and green as others do, since one
/// is lighter.
const LIKED: u32 = 0x0063_D69A;
const DISLIKED: u32 = 0x00D6_4550;
/// The scale below the faces.
const SCALE: f32 = 84.0;
/// Four in five of a normal distribution lie within so many deviations.
const FOUR_IN_FIVE: f32 = 1.28;

/// A rated face beside the one asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// `None` when it is no longer kept.
    pub crop: Option<RgbImage>,
    /// What it was given.
    pub judgement: Judgement,
    /// 0–1.
    pub likeness: f32,
    pub liked: bool,
}

/// Draws the face as number 1, its neighbours after it, and the scale; `threshold`: what a pick needs, marked on the scale.
/// PNG.
pub fn why(face: &CardFace, neighbours: &[Neighbour], threshold: Option<f32>) -> Vec<u8> {
    let layout = Layout::new(1 + neighbours.len(), false);
    let below = if face.score.is_some() { SCALE as u32 } else { 0 };
    let mut pen = Pen::new(layout.width, layout.height + below);
    draw(&mut pen, face, &layout.spots[0], false);
    for (number, (neighbour, spot)) in (2..).zip(neighbours.iter().zip(&layout.spots[1..])) {
        beside(&mut pen, neighbour, number, spot);
    }
    if let Some(score) = &face.score {
        scale(&mut pen, score, threshold, (layout.width as f32, layout.height as f32));
    }
    pen.png()
}

fn beside(pen: &mut Pen, neighbour: &Neighbour, number: usize, spot: &Spot) {
    let colour = if neighbour.liked { LIKED } else { DISLIKED };
    pen.crop(spot.crop, neighbour.crop.as_ref(), false);
    pen.frame(spot.crop, colour);
    pen.badge(spot.crop, number, false);
    let (x, below) = (spot.crop.x + 2.0, spot.crop.y + spot.crop.side);
    match neighbour.judgement {
        Judgement::Stars(stars) => {
            let given = Spot { stars: (x, below + 18.0, 27.0), ..*spot };
            pen.stars(&given, f32::from(stars.get()), true);
        }
        Judgement::Up => pen.sign('👍', (x, below + 46.0), 38.0, TEXT),
        Judgement::Down => pen.sign('👎', (x, below + 46.0), 38.0, TEXT),
    }
    let percent = format!("{:.0}%", neighbour.likeness.clamp(0.0, 1.0) * 100.0);
    let (size, room) = (24.0, 64.0);
    let (top, whole) = (below + 66.0, spot.crop.side - 4.0 - room);
    pen.block((x, top), (whole, 10.0), UNLIT);
    pen.block((x, top), ((whole * neighbour.likeness.clamp(0.0, 1.0)).max(10.0), 10.0), colour);
    let left = x + spot.crop.side - 4.0 - pen.width(&percent, size);
    pen.note(&percent, (left, top + 13.0), size, QUIET);
}

/// From 1 to 5: the range, the mean, and what a pick needs.
fn scale(pen: &mut Pen, score: &Score, threshold: Option<f32>, (width, top): (f32, f32)) {
    let (left, right, line) = (40.0, width - 40.0, top + 26.0);
    let at = |stars: f32| left + (right - left) * (stars.clamp(1.0, 5.0) - 1.0) / 4.0;
    pen.stroke(&[(left, line), (right, line)], UNLIT, 3.0);
    for n in 1..=5u8 {
        let x = at(f32::from(n));
        pen.stroke(&[(x, line - 6.0), (x, line + 6.0)], EDGE, 2.0);
        pen.centred(&n.to_string(), (x, line + 40.0), 24.0, QUIET);
    }
    let reach = FOUR_IN_FIVE * score.spread();
    let (low, high) = (at(score.mean() - reach), at(score.mean() + reach));
    let colour = if score.calibration().is_calibrated() { GOLD } else { PALE };
    pen.block((low, line - 7.0), ((high - low).max(4.0), 14.0), colour);
    let mean = at(score.mean());
    pen.stroke(&[(mean, line - 13.0), (mean, line + 13.0)], TEXT, 5.0);
    if let Some(needed) = threshold {
        // A triangle that points down at the line.
        let (x, y) = (at(needed), line - 12.0);
        pen.stroke(&[(x - 9.0, y - 14.0), (x + 9.0, y - 14.0), (x, y), (x - 9.0, y - 14.0)], LIKED, 4.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Calibration;
    use crate::samples::Scene;

    fn crops() -> Vec<RgbImage> {
        let crops = (3..).flat_map(|seed| {
            let scene = Scene::new(seed);
            let picture = scene.render().expect("a scene can be painted");
            scene.faces.iter().map(|f| crate::vision::crop_face(&picture, f.bounds)).collect::<Vec<_>>()
        });
        crops.take(3).collect()
    }

    fn decoded(png: &[u8]) -> image::RgbaImage {
        image::load_from_memory_with_format(png, image::ImageFormat::Png).expect("is a PNG").to_rgba8()
    }

    #[test]
    fn cards_with_both_one_and_no_neighbours() {
        let crops = crops();
        let face = |ratings| CardFace {
            number: 1,
            crop: Some(crops[0].clone()),
            score: Some(Score::new(4.2, 0.6, Calibration::from_ratings(ratings))),
        };
        let neighbour = |n: usize, judgement: &str, likeness, liked| Neighbour {
            crop: Some(crops[n].clone()),
            judgement: judgement.parse().expect("is one"),
            likeness,
            liked,
        };
        let both = [neighbour(1, "5", 0.83, true), neighbour(2, "down", 0.21, false)];
        let unscored = CardFace { score: None, ..face(0) };
        let gone = Neighbour { crop: None, ..neighbour(1, "up", 0.0, true) };
        let cards = [
            ("both", why(&face(120), &both, Some(4.5))),
            ("thumb", why(&face(120), &[neighbour(1, "up", 0.64, true)], None)),
            ("young", why(&face(4), &both[1..], Some(4.5))),
            ("none", why(&face(120), &[], Some(4.0))),
            ("unscored", why(&unscored, &[], None)),
            ("gone", why(&face(120), &[gone], None)),
        ];
        for (name, png) in &cards {
            let image = decoded(png);
            assert!(image.width() <= 1280 && image.height() <= 760, "{name}: {} × {}", image.width(), image.height());
            if let Some(folder) = std::env::var_os("MEKIKI_CARDS") {
                std::fs::write(std::path::Path::new(&folder).join(format!("why-{name}.png")), png).expect("writes");
            }
        }
        let green = |png: &[u8]| decoded(png).pixels().filter(|p| p.0 == [0x63, 0xD6, 0x9A, 255]).count();
        assert!(green(&cards[0].1) > 1000 && green(&cards[4].1) == 0, "liked, and nothing");
    }

    #[test]
    fn the_bar_grows_with_the_likeness() {
        let face = CardFace { number: 1, crop: None, score: None };
        let bar = |likeness| {
            let judgement = "2".parse().expect("is one");
            let png = why(&face, &[Neighbour { crop: None, judgement, likeness, liked: false }], None);
            decoded(&png).pixels().filter(|p| p.0 == [0xD6, 0x45, 0x50, 255]).count() as f32
        };
        let (none, half, whole) = (bar(0.0), bar(0.5), bar(1.0));
        assert!(
            none < half && half < whole && ((half - none) / (whole - none) - 0.47).abs() < 0.1,
            "{none} {half} {whole}"
        );
    }
}
