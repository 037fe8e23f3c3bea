//! Paints the parts of a card.

use image::RgbImage;
use resvg::tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point,
    PremultipliedColorU8, Rect, Shader, SpreadMode, Stroke, Transform,
};
use ttf_parser::{Face, OutlineBuilder};

use super::layout::{Spot, Spread, Square};

/// Colours as 0xRRGGBB.
const GROUND: u32 = 0x001E_1F25;
pub(super) const EDGE: u32 = 0x003A_3D47;
pub(super) const TEXT: u32 = 0x00F4_F5F7;
pub(super) const QUIET: u32 = 0x00A3_A8B4;
pub(super) const GOLD: u32 = 0x00FF_C445;
pub(super) const UNLIT: u32 = 0x0042_4550;
/// Stars of a score that does not mean much yet.
pub(super) const PALE: u32 = 0x009A_A0AE;

pub(super) struct Pen {
    pixmap: Pixmap,
    font: Face<'static>,
    /// What the font has no sign for.
    signs: Face<'static>,
}

impl Pen {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let mut pen = Self {
            pixmap: Pixmap::new(width, height).expect("a card is a few hundred pixels wide and high"),
            font: Face::parse(epaint_default_fonts::UBUNTU_LIGHT, 0).expect("the font is part of the program"),
            signs: Face::parse(epaint_default_fonts::NOTO_EMOJI_REGULAR, 0).expect("the font is part of the program"),
        };
        let ground = rounded(0.5, 0.5, width as f32 - 1.0, height as f32 - 1.0, 22.0);
        pen.fill(&ground, &plain(GROUND));
        pen.line(&ground, EDGE, 1.0);
        pen
    }

    fn fill(&mut self, path: &Path, paint: &Paint<'_>) {
        self.pixmap.fill_path(path, paint, FillRule::Winding, Transform::identity(), None);
    }

    fn line(&mut self, path: &Path, colour: u32, width: f32) {
        self.outline(path, &plain(colour), width);
    }

    fn outline(&mut self, path: &Path, paint: &Paint<'_>, width: f32) {
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(path, paint, &stroke, Transform::identity(), None);
    }

    /// The crop with round corners; the best one has a golden frame.
    pub(super) fn crop(&mut self, at: Square, crop: Option<&RgbImage>, best: bool) {
        let frame = rounded(at.x, at.y, at.side, at.side, 14.0);
        if let Some(crop) = crop {
            self.paste(at, crop);
            self.cut_corners(at, &frame);
        } else {
            self.fill(&frame, &plain(UNLIT));
        }
        if best {
            self.line(&frame, GOLD, 5.0);
        }
    }

    /// A frame around a crop.
    pub(super) fn frame(&mut self, at: Square, colour: u32) {
        self.line(&rounded(at.x, at.y, at.side, at.side, 14.0), colour, 5.0);
    }

    /// A sign in a line, such as 👍; left end and baseline.
    pub(super) fn sign(&mut self, sign: char, (x, y): (f32, f32), size: f32, colour: u32) {
        let scale = size / f32::from(self.signs.units_per_em());
        let mut path = Outline { path: PathBuilder::new(), scale, x, y };
        let Some(glyph) = self.signs.glyph_index(sign) else { return };
        self.signs.outline_glyph(glyph, &mut path);
        if let Some(path) = path.path.finish() {
            self.fill(&path, &plain(colour));
        }
    }

    /// Copies pixels: many times faster than a shader that repeats them.
    fn paste(&mut self, at: Square, crop: &RgbImage) {
        let side = at.side as u32;
        let scaled;
        let crop = if crop.dimensions() == (side, side) {
            crop
        } else {
            scaled = image::imageops::resize(crop, side, side, image::imageops::FilterType::Triangle);
            &scaled
        };
        let (width, left, top) = (self.pixmap.width() as usize, at.x as usize, at.y as usize);
        for (y, row) in crop.rows().enumerate() {
            let start = 4 * ((top + y) * width + left);
            let line = &mut self.pixmap.data_mut()[start..start + 4 * side as usize];
            for (to, from) in line.chunks_exact_mut(4).zip(row) {
                to.copy_from_slice(&[from[0], from[1], from[2], 255]);
            }
        }
    }

    /// Paints the ground over what lies outside of the frame.
    fn cut_corners(&mut self, at: Square, frame: &Path) {
        let mut outside = PathBuilder::new();
        outside.push_rect(Rect::from_xywh(at.x, at.y, at.side, at.side).expect("a crop has a size"));
        outside.push_path(frame);
        let outside = outside.finish().expect("a rectangle has points");
        self.pixmap.fill_path(&outside, &plain(GROUND), FillRule::EvenOdd, Transform::identity(), None);
    }

    /// The face's number, on the upper left of its crop.
    pub(super) fn badge(&mut self, crop: Square, number: usize, best: bool) {
        let text = number.to_string();
        let size = 27.0;
        let width = (self.width(&text, size) + 18.0).max(38.0);
        let plate = rounded(crop.x + 8.0, crop.y + 8.0, width, 38.0, 19.0);
        self.fill(&plate, &plain(if best { GOLD } else { GROUND }));
        let x = crop.x + 8.0 + (width - self.width(&text, size)) / 2.0;
        self.text(&text, (x, crop.y + 36.5), size, if best { GROUND } else { TEXT }, 1.6);
    }

    pub(super) fn score(&mut self, spot: &Spot, mean: &str, spread: &str, trusted: bool) {
        let (x, y, size) = spot.score;
        self.text(mean, (x, y), size, if trusted { TEXT } else { QUIET }, size / 22.0);
        let small = 27.0;
        let at = match spot.spread {
            Spread::EndsAt(x, y) => (x - self.width(spread, small), y),
            Spread::StartsAt(x, y) => (x, y),
        };
        self.text(spread, at, small, QUIET, 0.9);
    }

    /// Five stars, `lit` of them filled, the last one in part.
    pub(super) fn stars(&mut self, spot: &Spot, lit: f32, trusted: bool) {
        let (x, y, width) = spot.stars;
        let step = width * 1.12;
        let mut all = PathBuilder::new();
        for i in 0u8..5 {
            star(&mut all, x + f32::from(i) * step + width / 2.0, y + width / 2.0, width * 0.46);
        }
        let all = all.finish().expect("stars have points");
        let end = x + 5.0 * step;
        let until = x + lit.floor() * step + lit.fract() * width;
        let colour = if trusted { GOLD } else { PALE };
        let paint = split(colour, UNLIT, x, end, until);
        self.fill(&all, &paint);
        // Rounds the points.
        self.outline(&all, &paint, width * 0.12);
    }

    /// A count in a pill; right end and top.
    pub(super) fn pill(&mut self, right: f32, top: f32, text: &str) {
        let size = 27.0;
        let width = self.width(text, size) + 30.0;
        self.fill(&rounded(right - width, top, width, 38.0, 19.0), &plain(UNLIT));
        self.text(text, (right - width + 15.0, top + 28.5), size, TEXT, 1.2);
    }

    /// Small text from the left end of its baseline.
    pub(super) fn note(&mut self, text: &str, at: (f32, f32), size: f32, colour: u32) {
        self.text(text, at, size, colour, 0.9);
    }

    /// Text from the left end of its baseline; `bold`: pixels that the outline adds.
    fn text(&mut self, text: &str, at: (f32, f32), size: f32, colour: u32, bold: f32) {
        let scale = size / f32::from(self.font.units_per_em());
        let mut path = Outline { path: PathBuilder::new(), scale, x: at.0, y: at.1 };
        for c in text.chars() {
            let Some(glyph) = self.font.glyph_index(c) else { continue };
            self.font.outline_glyph(glyph, &mut path);
            path.x += self.advance(c) * scale + bold * 0.5;
        }
        let Some(path) = path.path.finish() else { return };
        self.fill(&path, &plain(colour));
        self.line(&path, colour, bold);
    }

    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.advance(c)).sum::<f32>() * size / f32::from(self.font.units_per_em())
    }

    fn advance(&self, c: char) -> f32 {
        let glyph = self.font.glyph_index(c).unwrap_or_default();
        f32::from(self.font.glyph_hor_advance(glyph).unwrap_or_default())
    }

    /// A line through these points.
    pub(super) fn stroke(&mut self, points: &[(f32, f32)], colour: u32, width: f32) {
        let mut path = PathBuilder::new();
        for (i, (x, y)) in points.iter().enumerate() {
            if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
        }
        self.line(&path.finish().expect("a line has points"), colour, width);
    }

    /// A filled bar with slightly round corners; left and top, width and height.
    pub(super) fn block(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), colour: u32) {
        let radius = (width.min(height) / 2.0).min(4.0);
        self.fill(&rounded(x, y, width, height, radius), &plain(colour));
    }

    /// Text around the middle of its baseline.
    pub(super) fn centred(&mut self, text: &str, (x, y): (f32, f32), size: f32, colour: u32) {
        let left = x - self.width(text, size) / 2.0;
        self.text(text, (left, y), size, colour, 1.2);
    }

    pub(super) fn png(&self) -> Vec<u8> {
        let mut rgba = self.pixmap.data().to_vec();
        // Only the card's own corners are not opaque.
        for pixel in rgba.as_chunks_mut::<4>().0.iter_mut().filter(|p| p[3] < 255) {
            let [r, g, b, a] = *pixel;
            let plain = PremultipliedColorU8::from_rgba(r, g, b, a).unwrap_or(PremultipliedColorU8::TRANSPARENT);
            let plain = plain.demultiply();
            *pixel = [plain.red(), plain.green(), plain.blue(), plain.alpha()];
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.pixmap.width(), self.pixmap.height());
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().expect("a Vec takes every write");
        writer.write_image_data(&rgba).expect("as many bytes as the header says");
        writer.finish().expect("a Vec takes every write");
        bytes
    }
}

/// Turns the font's units, which grow upwards, into pixels.
struct Outline {
    path: PathBuilder,
    scale: f32,
    x: f32,
    y: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

fn colour(rgb: u32) -> Color {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color::from_rgba8(r, g, b, 255)
}

fn plain(rgb: u32) -> Paint<'static> {
    Paint { shader: Shader::SolidColor(colour(rgb)), anti_alias: true, ..Paint::default() }
}

/// One colour up to `until`, another from there.
fn split(left: u32, right: u32, start: f32, end: f32, until: f32) -> Paint<'static> {
    let at = ((until - start) / (end - start)).clamp(0.0, 1.0);
    if at <= 0.0 || at >= 1.0 {
        return plain(if at <= 0.0 { right } else { left });
    }
    let stops = vec![
        GradientStop::new(0.0, colour(left)),
        GradientStop::new(at, colour(left)),
        GradientStop::new((at + 0.001).min(1.0), colour(right)),
        GradientStop::new(1.0, colour(right)),
    ];
    let points = (Point::from_xy(start, 0.0), Point::from_xy(end, 0.0));
    let shader = LinearGradient::new(points.0, points.1, stops, SpreadMode::Pad, Transform::identity())
        .expect("its ends lie apart");
    Paint { shader, anti_alias: true, ..Paint::default() }
}

fn rounded(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Path {
    // A quarter of a circle as a cubic curve.
    const KAPPA: f32 = 0.552_284_8;
    let rect = Rect::from_xywh(x, y, width, height).expect("a card's parts have a size");
    let (left, top, right, bottom) = (rect.left(), rect.top(), rect.right(), rect.bottom());
    let near = radius * (1.0 - KAPPA);
    let mut path = PathBuilder::new();
    path.move_to(left + radius, top);
    path.line_to(right - radius, top);
    path.cubic_to(right - near, top, right, top + near, right, top + radius);
    path.line_to(right, bottom - radius);
    path.cubic_to(right, bottom - near, right - near, bottom, right - radius, bottom);
    path.line_to(left + radius, bottom);
    path.cubic_to(left + near, bottom, left, bottom - near, left, bottom - radius);
    path.line_to(left, top + radius);
    path.cubic_to(left, top + near, left + near, top, left + radius, top);
    path.close();
    path.finish().expect("a rectangle has points")
}

/// A five-pointed star that points up.
fn star(path: &mut PathBuilder, x: f32, y: f32, radius: f32) {
    for i in 0u8..10 {
        let reach = if i % 2 == 0 { radius } else { radius * 0.5 };
        let angle = (f32::from(i) * 36.0 - 90.0).to_radians();
        let (px, py) = (x + reach * angle.cos(), y + reach * angle.sin());
        if i == 0 {
            path.move_to(px, py);
        } else {
            path.line_to(px, py);
        }
    }
    path.close();
}
