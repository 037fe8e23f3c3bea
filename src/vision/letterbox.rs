//! Letterbox: scale the long side to the model's, put the picture top left, pad right and bottom with grey.

use image::RgbImage;

use super::pillow;
use crate::domain::{ModelBox, PictureBox, Size};

/// Sides of the detector's input are multiples of its largest stride.
const STRIDE: u32 = 32;
/// Grey of the padding, as in training.
const PADDING: u8 = 114;

/// How a picture was put into a model's input; maps boxes back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Letterbox {
    /// Model pixels per picture pixel.
    scale: f32,
    picture: Size,
    /// Size of the scaled picture inside the input.
    scaled: Size,
    /// Size of the input, multiples of 32.
    input: Size,
}

impl Letterbox {
    /// For a picture of `picture` pixels scaled so that its long side becomes `side`.
    pub fn new(picture: Size, side: u32) -> Self {
        let scale = f64::from(side) / f64::from(picture.long_side().max(1));
        let scaled = |v: u32| ((f64::from(v) * scale).round_ties_even() as u32).max(1);
        let scaled = Size::new(scaled(picture.width), scaled(picture.height));
        let input = Size::new(scaled.width.next_multiple_of(STRIDE), scaled.height.next_multiple_of(STRIDE));
        Self { scale: scale as f32, picture, scaled, input }
    }

    /// Size of the model's input.
    pub fn input(&self) -> Size {
        self.input
    }

    /// What the picture's long side became, in the model's pixels.
    pub fn side(&self) -> u32 {
        self.scaled.long_side()
    }

    /// From the model's input pixels to the picture's own, clipped to the picture.
    pub fn to_picture(&self, b: ModelBox) -> PictureBox {
        let s = self.scale;
        PictureBox::new(b.x1 / s, b.y1 / s, b.x2 / s, b.y2 / s).clamp_to(self.picture)
    }

    /// From the picture's own pixels to the model's input.
    pub fn to_model(&self, b: PictureBox) -> ModelBox {
        let s = self.scale;
        ModelBox::new(b.x1 * s, b.y1 * s, b.x2 * s, b.y2 * s)
    }
}

/// A picture ready for the detector.
#[derive(Debug, Clone)]
pub struct LetterboxedPicture {
    pub letterbox: Letterbox,
    /// `[3, H, W] f32`, RGB, `(v − 127) / 128`.
    pub tensor: Vec<f32>,
}

impl LetterboxedPicture {
    pub fn new(picture: &RgbImage, side: u32) -> Self {
        let letterbox = Letterbox::new(Size::new(picture.width(), picture.height()), side);
        let scaled = pillow::resize(picture, letterbox.scaled);
        let (w, h) = (letterbox.input.width as usize, letterbox.input.height as usize);
        let normalise = |v: u8| (f32::from(v) - 127.0) / 128.0;
        let mut tensor = vec![normalise(PADDING); 3 * w * h];
        let row_bytes = letterbox.scaled.width as usize * 3;
        for (channel, plane) in tensor.chunks_exact_mut(w * h).enumerate() {
            for (row, source) in plane.chunks_exact_mut(w).zip(scaled.chunks_exact(row_bytes)) {
                for (value, pixel) in row.iter_mut().zip(source.chunks_exact(3)) {
                    *value = normalise(pixel[channel]);
                }
            }
        }
        Self { letterbox, tensor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pads_right_and_bottom_with_grey() {
        let picture = RgbImage::from_pixel(100, 50, image::Rgb([255, 127, 0]));
        let p = LetterboxedPicture::new(&picture, 64);
        assert_eq!(p.letterbox.input(), Size::new(64, 32));
        let picture = RgbImage::from_pixel(100, 40, image::Rgb([255, 127, 0]));
        let p = LetterboxedPicture::new(&picture, 64);
        assert_eq!(p.letterbox.input(), Size::new(64, 32));
        let plane = 64 * 32;
        assert_eq!(p.tensor.len(), 3 * plane);
        let is = |index: usize, value: f32| (p.tensor[index] - value).abs() < 1e-6;
        assert!(is(0, 1.0) && is(plane, 0.0) && is(2 * plane, -127.0 / 128.0));
        // The picture is 64×26 here: row 25 is still picture, row 26 is padding in every channel.
        let grey = (114.0 - 127.0) / 128.0;
        assert!(is(25 * 64, 1.0));
        assert!((0..3).all(|c| is(c * plane + 26 * 64 + 63, grey)));
    }

    proptest! {
        #[test]
        fn boxes_survive_the_way_there_and_back(
            w in 1u32..5000, h in 1u32..5000, x in 0.0f32..1.0, y in 0.0f32..1.0, bw in 0.0f32..1.0, bh in 0.0f32..1.0,
        ) {
            let letterbox = Letterbox::new(Size::new(w, h), 448);
            prop_assert!(letterbox.input().width.is_multiple_of(32) && letterbox.input().height.is_multiple_of(32));
            prop_assert!(letterbox.input().long_side() == 448);
            let (w, h) = (w as f32, h as f32);
            let b = PictureBox::new(x * w, y * h, (x + (1.0 - x) * bw) * w, (y + (1.0 - y) * bh) * h);
            let back = letterbox.to_picture(letterbox.to_model(b));
            for (a, b) in <[f32; 4]>::from(b).into_iter().zip(<[f32; 4]>::from(back)) {
                prop_assert!((a - b).abs() <= 1e-2 + 1e-5 * w.max(h));
            }
        }
    }
}
