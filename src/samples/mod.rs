//! Sample pictures that we draw ourselves: anime-style characters as SVG, made by code from a seed, with the exact
//! boxes of their faces and what each face is like.
//!
//! They fill the page of a fresh start, feed tests and load tests, and can be trained on: nobody else's art is needed.

mod accessories;
mod attributes;
mod background;
mod body;
mod canvas;
mod character;
mod dice;
mod eyes;
mod hair;
mod hair_back;
mod head;
mod layout;
mod mouth;
mod palette;
mod pen;
mod scenery;
#[cfg(test)]
mod tests;
mod title;

use image::RgbImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use serde::Serialize;

pub use attributes::{
    Accessory, Attributes, Bangs, Expression, EyeColour, EyeShape, EyeState, Eyes, FaceShape, Facing, Figure, Framing,
    Hair, HairColour, HairLength, HairStyle, Outfit, Pose, SkinTone,
};

use crate::domain::{PictureBox, Size};
use background::{Backdrop, Ground};
use canvas::Canvas;
use character::{Character, cast};
use dice::Dice;
use palette::Medium;

/// A face that was drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawnFace {
    /// Chin to just above the brows, cheek to cheek, in the picture's pixels, inside the picture.
    pub bounds: PictureBox,
    pub attributes: Attributes,
}

/// A picture with one to six characters, all of it decided by its seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scene {
    pub seed: u64,
    /// Pixels.
    pub size: Size,
    /// The whole picture as an SVG document without text, fonts or raster images.
    pub svg: String,
    /// From the back to the front.
    pub faces: Vec<DrawnFace>,
    title: String,
}

/// Why a scene could not become pixels.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the scene's SVG cannot be read: {0}")]
    Svg(#[from] resvg::usvg::Error),
    #[error("no memory for a picture of {} × {} pixels", .0.width, .0.height)]
    Memory(Size),
    #[error("the scene cannot be written as PNG: {0}")]
    Png(#[from] image::ImageError),
}

impl Scene {
    /// The scene of this seed; the same seed gives the same scene.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let layout = layout::arrange(&mut dice.fork());
        let medium = if dice.chance(0.12) { Medium::Manga } else { Medium::Colour };
        let backdrop = Backdrop::choose(&mut dice, medium);
        let (w, h) = (f64::from(layout.size.width), f64::from(layout.size.height));
        let mut canvas = Canvas::default();
        background::draw(&mut Ground { canvas: &mut canvas, dice: &mut dice.fork(), medium, w, h }, backdrop);
        let mut faces = Vec::new();
        for spot in layout.spots {
            let mut own = dice.fork();
            let mut attributes = cast(&mut own, spot.framing);
            if spot.in_front {
                attributes.hide_nobody();
            }
            let character = Character::new(attributes, spot.place, own);
            character.draw(&mut canvas, medium);
            faces
                .push(DrawnFace { bounds: character.bounds().clamp_to(layout.size), attributes: character.attributes });
        }
        let people: Vec<&Attributes> = faces.iter().map(|f| &f.attributes).collect();
        let title = title::title(&people, backdrop, medium);
        let svg = canvas.finish(layout.size.width, layout.size.height);
        Self { seed, size: layout.size, svg, faces, title }
    }

    /// The scene in plain words: "Two girls, red and black hair, city at night".
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Paints the scene, `size` pixels.
    pub fn render(&self) -> Result<RgbImage, RenderError> {
        let tree = Tree::from_str(&self.svg, &Options::default())?;
        let Size { width, height } = self.size;
        let mut pixmap = Pixmap::new(width, height).ok_or(RenderError::Memory(self.size))?;
        pixmap.fill(resvg::tiny_skia::Color::WHITE);
        resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
        // Opaque everywhere: premultiplied and plain colours are the same.
        let rgb = pixmap.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        RgbImage::from_raw(width, height, rgb).ok_or(RenderError::Memory(self.size))
    }

    /// The scene as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, RenderError> {
        let mut bytes = Vec::new();
        self.render()?.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)?;
        Ok(bytes)
    }
}

/// Seeds of the scenes that a fresh start shows.
const SAMPLE_SEEDS: [u64; 24] =
    [54, 0, 14, 20, 57, 60, 67, 61, 93, 39, 81, 85, 102, 118, 101, 9, 109, 106, 45, 94, 35, 56, 66, 3];

/// Two dozen scenes for the first page, chosen for variety.
pub fn sample_set() -> Vec<Scene> {
    SAMPLE_SEEDS.iter().map(|&seed| Scene::new(seed)).collect()
}
