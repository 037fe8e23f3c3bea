//! One resizer for the whole room: antialiased bilinear, as Pillow's `BILINEAR` does it, with SIMD.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use crate::domain::{PictureBox, Size};

thread_local! {
    /// Keeps its row buffers between pictures.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// Scales the part `source` of `picture` (must lie inside it and not be empty) to `target`.
pub(super) fn resize(picture: &RgbImage, source: PictureBox, target: Size) -> RgbImage {
    let view = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x3)
        .expect("an RgbImage holds width × height × 3 bytes");
    let mut out = Image::new(target.width, target.height, PixelType::U8x3);
    // In double precision: rounded to single, left + width can come to lie beyond the right edge.
    let [x1, y1, x2, y2] = <[f32; 4]>::from(source).map(f64::from);
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(x1, y1, x2 - x1, y2 - y1);
    RESIZER.with_borrow_mut(|r| r.resize(&view, &mut out, &options)).expect("source lies inside the picture");
    RgbImage::from_raw(target.width, target.height, out.into_vec()).expect("the resizer fills width × height × 3 bytes")
}

/// Scales the whole picture to `target`, not keeping its proportions.
pub fn squash(picture: &RgbImage, target: Size) -> RgbImage {
    resize(picture, PictureBox::new(0.0, 0.0, picture.width() as f32, picture.height() as f32), target)
}

/// Scales the picture so that its long side is at most `side`; smaller pictures stay as they are.
pub fn thumbnail(picture: &RgbImage, side: u32) -> RgbImage {
    let size = Size::new(picture.width(), picture.height());
    if size.long_side() <= side {
        return picture.clone();
    }
    let scale = f64::from(side) / f64::from(size.long_side());
    let scaled = |v: u32| ((f64::from(v) * scale).round() as u32).max(1);
    squash(picture, Size::new(scaled(size.width), scaled(size.height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_ends_at_the_edge_is_inside() {
        let picture = RgbImage::from_pixel(480, 10, image::Rgb([7, 8, 9]));
        // In single precision 53.957344 + (480 − 53.957344) is more than 480.
        let part = resize(&picture, PictureBox::new(53.957_344, 0.0, 480.0, 10.0), Size::new(224, 5));
        assert!(part.pixels().all(|p| p.0 == [7, 8, 9]));
    }
}
