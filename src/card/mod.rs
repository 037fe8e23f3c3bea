//! The score card: the crops of a message's faces side by side, each with its number, score, stars and spread, as one PNG.
//!
//! It has no words, so that it is the same in every language, and a ground of its own, so that it looks well on Discord's
//! dark and light. Digits are of the Ubuntu font, made bolder by an outline.

mod calibration;
mod layout;
mod pen;
mod why;

use image::RgbImage;

pub use calibration::{Row, calibration};
pub use why::{Neighbour, why};

use crate::domain::Score;
use layout::{Layout, SHOWN, Spot};
use pen::Pen;

/// A face on the card.
#[derive(Debug, Clone, PartialEq)]
pub struct CardFace {
    /// As the text beside the card calls it.
    pub number: usize,
    /// `None` when it is no longer kept.
    pub crop: Option<RgbImage>,
    /// `None` while there is no taste at all.
    pub score: Option<Score>,
}

/// Draws the faces, best first: at most six, and how many there are besides. PNG, with transparent corners.
///
/// # Panics
///
/// Without a face there is no card.
pub fn card(faces: &[CardFace], besides: usize) -> Vec<u8> {
    let shown = &faces[..faces.len().min(SHOWN)];
    let besides = besides + faces.len() - shown.len();
    let layout = Layout::new(shown.len(), besides > 0);
    let mut pen = Pen::new(layout.width, layout.height);
    for (i, (face, spot)) in shown.iter().zip(&layout.spots).enumerate() {
        draw(&mut pen, face, spot, i == 0 && shown.len() > 1);
    }
    if let Some((x, y)) = layout.besides {
        pen.pill(x, y, &format!("+{besides}"));
    }
    pen.png()
}

fn draw(pen: &mut Pen, face: &CardFace, spot: &Spot, best: bool) {
    pen.crop(spot.crop, face.crop.as_ref(), best);
    pen.badge(spot.crop, face.number, best);
    let trusted = face.score.is_some_and(|s| s.calibration().is_calibrated());
    if let Some(score) = &face.score {
        pen.score(spot, &format!("{:.1}", score.mean()), &format!("±{:.1}", score.spread()), trusted);
        pen.stars(spot, score.mean(), trusted);
    } else {
        pen.score(spot, "–", "", false);
        pen.stars(spot, 0.0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Calibration;
    use crate::samples::Scene;

    fn faces(scores: &[f32], ratings: u32) -> Vec<CardFace> {
        let crops = (0..).flat_map(|seed| {
            let scene = Scene::new(seed);
            let picture = scene.render().expect("a scene can be painted");
            let crops: Vec<RgbImage> =
                scene.faces.iter().map(|f| crate::vision::crop_face(&picture, f.bounds)).collect();
            crops
        });
        (1..)
            .zip(scores.iter().zip(crops))
            .map(|(number, (&mean, crop))| CardFace {
                number,
                crop: Some(crop),
                score: Some(Score::new(mean, 0.3 + number as f32 / 20.0, Calibration::from_ratings(ratings))),
            })
            .collect()
    }

    fn decoded(png: &[u8]) -> image::RgbaImage {
        image::load_from_memory_with_format(png, image::ImageFormat::Png).expect("is a PNG").to_rgba8()
    }

    const SCORES: [f32; 9] = [4.6, 4.1, 3.8, 3.0, 2.5, 2.2, 1.9, 1.4, 1.0];

    #[test]
    fn every_number_of_faces_fits_and_discord_takes_the_file() {
        let all = faces(&SCORES, 40);
        for n in 1..=all.len() {
            let png = card(&all[..n], 0);
            let image = decoded(&png);
            assert!(image.width() <= 1280 && image.height() <= 760, "{n}: {} × {}", image.width(), image.height());
            assert!(png.len() < 1_500_000, "{n} faces are {} bytes", png.len());
            assert_eq!(image.get_pixel(0, 0).0[3], 0, "the corner is transparent");
            if let Some(folder) = std::env::var_os("MEKIKI_CARDS") {
                std::fs::write(std::path::Path::new(&folder).join(format!("card-{n}.png")), &png).expect("writes");
            }
        }
    }

    #[test]
    fn stars_and_crops_are_where_they_belong() {
        let crop = RgbImage::from_pixel(224, 224, image::Rgb([0, 200, 0]));
        let one = |mean| CardFace {
            number: 1,
            crop: Some(crop.clone()),
            score: Some(Score::new(mean, 0.2, Calibration::from_ratings(40))),
        };
        let count = |png: &[u8], is: fn(&[u8; 4]) -> bool| decoded(png).pixels().filter(|p| is(&p.0)).count();
        let gold: fn(&[u8; 4]) -> bool = |p| p[0] > 220 && (150..230).contains(&p[1]) && p[2] < 120;
        let golds = [1.0, 2.0, 3.5, 5.0].map(|mean| count(&card(&[one(mean)], 0), gold) as f64);
        let star = golds[0];
        assert!(star > 200.0, "one star is {star} pixels");
        for (stars, golds) in [(2.0, golds[1]), (3.5, golds[2]), (5.0, golds[3])] {
            assert!((golds / star - stars).abs() < 0.2, "{stars} stars are {golds} pixels of gold, one is {star}");
        }
        let green = count(&card(&[one(3.0)], 0), |p| *p == [0, 200, 0, 255]);
        assert!(green > 224 * 224 * 9 / 10, "the crop is there with {green} pixels");
        // What is not calibrated has no gold to show.
        let doubtful = CardFace { score: Some(Score::new(4.0, 0.9, Calibration::from_ratings(3))), ..one(4.0) };
        assert_eq!(count(&card(&[doubtful], 0), gold), 0);
    }

    #[test]
    fn a_crop_that_is_gone_and_a_missing_taste_are_no_reason_to_fail() {
        let face = CardFace { number: 12, crop: None, score: None };
        let image = decoded(&card(&vec![face; 3], 97));
        assert!(image.width() > 600);
    }
}
