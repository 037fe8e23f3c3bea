//! A copy of a picture with its faces boxed and their scores written on it.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyleBuilder;
use embedded_graphics::mono_font::ascii::FONT_10X20;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{Drawable, Primitive};
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use image::{Rgb, RgbImage};

use super::score::ScoredFace;

/// Lets the drawing crate write into an `RgbImage`; what lies outside is left out.
struct Canvas(RgbImage);

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, colour) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(pixel) = self.0.get_pixel_mut_checked(x, y)
            {
                *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

/// Boxes from red (1) over amber (3) to green (5); grey without a score.
pub(super) fn annotate(picture: &RgbImage, faces: &[ScoredFace]) -> RgbImage {
    let mut canvas = Canvas(picture.clone());
    let stroke = (picture.width().max(picture.height()) / 300).max(2);
    for face in faces {
        let colour = colour(face.score);
        let corner = Point::new(face.bounds.x1.round() as i32, face.bounds.y1.round() as i32);
        let size = Size::new(face.bounds.width().round() as u32, face.bounds.height().round() as u32);
        let label = face.score.map_or_else(|| format!("{:.2}?", face.confidence), |s| format!("{s:.1}"));
        let text =
            MonoTextStyleBuilder::new().font(&FONT_10X20).text_color(Rgb888::BLACK).background_color(colour).build();
        let above = Point::new(corner.x, (corner.y - 20).max(0));
        let Ok(()) =
            Rectangle::new(corner, size).into_styled(PrimitiveStyle::with_stroke(colour, stroke)).draw(&mut canvas);
        let Ok(_) = Text::with_baseline(&label, above, text, Baseline::Top).draw(&mut canvas);
    }
    canvas.0
}

fn colour(score: Option<f32>) -> Rgb888 {
    let Some(score) = score else { return Rgb888::new(200, 200, 200) };
    let share = (score - 1.0) / 4.0;
    let mix = |from: f32, to: f32, share: f32| (from + (to - from) * share).round() as u8;
    if share < 0.5 {
        Rgb888::new(mix(235.0, 240.0, share * 2.0), mix(90.0, 180.0, share * 2.0), 60)
    } else {
        Rgb888::new(mix(240.0, 70.0, share * 2.0 - 1.0), mix(180.0, 200.0, share * 2.0 - 1.0), 70)
    }
}
