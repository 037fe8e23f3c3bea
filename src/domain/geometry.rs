//! Boxes that know which pixels they count: a box in model pixels cannot be mistaken for one in picture pixels.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

/// Marker: the picture's own pixels, after EXIF orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PicturePx;

/// Marker: pixels of a model's input, after letterboxing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelPx;

/// A coordinate space of pixels.
pub trait Pixels: Copy {}
impl Pixels for PicturePx {}
impl Pixels for ModelPx {}

/// Axis-aligned box `x1, y1, x2, y2` in pixels of space `S`; right and bottom edges are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]", bound = "S: Pixels")]
pub struct Rect<S: Pixels> {
    pub x1: f32,
    pub y1: f32,
    pub x2: f32,
    pub y2: f32,
    space: PhantomData<S>,
}

/// A box in the picture's own pixels.
pub type PictureBox = Rect<PicturePx>;
/// A box in the detector's input pixels.
pub type ModelBox = Rect<ModelPx>;

impl<S: Pixels> Rect<S> {
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2, space: PhantomData }
    }

    pub fn width(&self) -> f32 {
        (self.x2 - self.x1).max(0.0)
    }

    pub fn height(&self) -> f32 {
        (self.y2 - self.y1).max(0.0)
    }

    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    pub fn centre(&self) -> (f32, f32) {
        (f32::midpoint(self.x1, self.x2), f32::midpoint(self.y1, self.y2))
    }

    /// Intersection over union, 0.0–1.0; 0 for empty boxes.
    pub fn iou(&self, other: &Self) -> f32 {
        let inter = self.intersection(other).area();
        let union = self.area() + other.area() - inter;
        if union > 0.0 { inter / union } else { 0.0 }
    }

    /// The part that both boxes share; empty (area 0) where they do not meet.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self::new(self.x1.max(other.x1), self.y1.max(other.y1), self.x2.min(other.x2), self.y2.min(other.y2))
    }

    /// The part of the box inside `size`.
    #[must_use]
    pub fn clamp_to(&self, size: Size) -> Self {
        let (w, h) = (size.width as f32, size.height as f32);
        Self::new(self.x1.clamp(0.0, w), self.y1.clamp(0.0, h), self.x2.clamp(0.0, w), self.y2.clamp(0.0, h))
    }

    pub fn is_finite(&self) -> bool {
        self.x1.is_finite() && self.y1.is_finite() && self.x2.is_finite() && self.y2.is_finite()
    }
}

impl PictureBox {
    /// The square that is cut out and looked at: the box's larger side times 1.75, its centre raised by 0.12 of the
    /// box's height, so that hair and chin are in it. May reach outside the picture; what lies outside is black.
    #[must_use]
    pub fn crop_square(&self) -> Self {
        let half = self.width().max(self.height()) * 1.75 / 2.0;
        let (cx, cy) = self.centre();
        let cy = cy - 0.12 * self.height();
        Self::new(cx - half, cy - half, cx + half, cy + half)
    }
}

impl<S: Pixels> From<[f32; 4]> for Rect<S> {
    fn from([x1, y1, x2, y2]: [f32; 4]) -> Self {
        Self::new(x1, y1, x2, y2)
    }
}

impl<S: Pixels> From<Rect<S>> for [f32; 4] {
    fn from(r: Rect<S>) -> Self {
        [r.x1, r.y1, r.x2, r.y2]
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    pub fn long_side(self) -> u32 {
        self.width.max(self.height)
    }

    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}
