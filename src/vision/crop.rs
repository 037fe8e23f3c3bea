//! Face crops: the square that the embedder and people look at.

use image::{RgbImage, imageops};

use super::resize::resize;
use crate::domain::{PictureBox, Size};

/// Side of a crop in pixels: the embedder's input.
pub const CROP_SIDE: u32 = 224;

/// Cuts out [`PictureBox::crop_square`] and scales it to 224×224; what lies outside of the picture is black.
pub fn crop_face(picture: &RgbImage, face: PictureBox) -> RgbImage {
    let size = Size::new(picture.width(), picture.height());
    let square = face.crop_square();
    let inside = square.clamp_to(size);
    let side = square.width().max(1.0);
    let to_crop = |v: f32| (v / side * CROP_SIDE as f32).round().clamp(0.0, CROP_SIDE as f32) as u32;
    let (left, top) = (to_crop(inside.x1 - square.x1), to_crop(inside.y1 - square.y1));
    let target = Size::new(to_crop(inside.x2 - square.x1) - left, to_crop(inside.y2 - square.y1) - top);
    if target.width == 0 || target.height == 0 || inside.area() <= 0.0 {
        return RgbImage::new(CROP_SIDE, CROP_SIDE);
    }
    let part = resize(picture, inside, target);
    if target == Size::new(CROP_SIDE, CROP_SIDE) {
        return part;
    }
    let mut crop = RgbImage::new(CROP_SIDE, CROP_SIDE);
    imageops::replace(&mut crop, &part, i64::from(left), i64::from(top));
    crop
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use proptest::prelude::*;

    #[test]
    fn a_face_at_the_top_edge_gets_a_black_band() {
        let picture = RgbImage::from_pixel(200, 200, Rgb([200, 10, 10]));
        // Side 100 · 1.75 = 175, centre (100, 50 − 12 = 38): the square reaches from −49.5 to 125.5.
        let crop = crop_face(&picture, PictureBox::new(50.0, 0.0, 150.0, 100.0));
        let band = (49.5f32 / 175.0 * 224.0).round() as u32;
        assert_eq!(crop.get_pixel(112, band - 1), &Rgb([0, 0, 0]));
        assert_eq!(crop.get_pixel(112, band), &Rgb([200, 10, 10]));
        assert_eq!(crop.get_pixel(0, 223), &Rgb([200, 10, 10]));
    }

    proptest! {
        #[test]
        fn any_box_gives_a_crop(x in -500.0f32..500.0, y in -500.0f32..500.0, w in 0.0f32..900.0, h in 0.0f32..900.0) {
            let picture = RgbImage::from_pixel(40, 30, Rgb([9, 9, 9]));
            let crop = crop_face(&picture, PictureBox::new(x, y, x + w, y + h));
            prop_assert_eq!(crop.dimensions(), (CROP_SIDE, CROP_SIDE));
        }
    }
}
