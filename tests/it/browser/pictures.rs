//! What the test hands in: a drawing, a photo made by code and, where the data set is there, a real photo.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use mekiki::samples::Scene;

/// Draws a scene that is none of the samples.
pub(super) fn drawing(folder: &Path, scene: &Scene) -> PathBuf {
    let path = folder.join("my drawing.png");
    std::fs::write(&path, scene.png().unwrap()).unwrap();
    path
}

/// A hazy landscape: a sky of clouds over ridges of hills, with a camera's grain.
pub(super) fn landscape(folder: &Path) -> PathBuf {
    let (width, height) = (960, 640);
    let photo = RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let clouds = fractal(u * 3.0, v * 6.0, 1);
        let mut colour = [120.0 + 90.0 * v + 60.0 * clouds, 150.0 + 70.0 * v + 50.0 * clouds, 200.0 + 30.0 * clouds];
        for ridge in 0..4_u8 {
            let depth = f32::from(ridge);
            let top = 0.45 + 0.12 * depth - 0.14 * (fractal(u * (2.0 + depth), 7.0 * depth, 2) - 0.5);
            if v > top {
                let rock = fractal(u * 24.0, v * 24.0, 3 + u32::from(ridge));
                let haze = 0.75 - 0.22 * depth;
                let near = [46.0 + 70.0 * rock, 62.0 + 60.0 * rock, 40.0 + 40.0 * rock];
                let far = [150.0, 168.0, 190.0];
                colour = std::array::from_fn(|i| near[i] * (1.0 - haze) + far[i] * haze);
            }
        }
        let grain = 14.0 * (lattice(x.cast_signed(), y.cast_signed(), 9) - 0.5);
        Rgb(colour.map(|c| (c + grain) as u8))
    });
    let path = folder.join("photo.jpg");
    photo.save(&path).unwrap();
    path
}

/// A real photo of three people in a golf cart, from the data set's pictures without a drawn face; none where the data is
/// not there. It is one that the detector is right about.
pub(super) fn real_photo() -> Option<PathBuf> {
    let path = "../shared/data/faces/images/beb01c4691c52afe.jpg";
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join(path).canonicalize().ok();
    if found.is_none() {
        eprintln!("\n*** LEFT OUT: {path} is not there, so only the made photo is tried ***\n");
    }
    found
}

/// Octaves of smooth noise, 0.0–1.0.
fn fractal(x: f32, y: f32, seed: u32) -> f32 {
    (0..5).map(|octave| 0.5_f32.powi(octave + 1) * smooth(x * 2_f32.powi(octave), y * 2_f32.powi(octave), seed)).sum()
}

fn smooth(x: f32, y: f32, seed: u32) -> f32 {
    let (left, top) = (x.floor() as i32, y.floor() as i32);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (s, t) = (ease(x - x.floor()), ease(y - y.floor()));
    let row = |y: i32| lattice(left, y, seed) * (1.0 - s) + lattice(left + 1, y, seed) * s;
    row(top) * (1.0 - t) + row(top + 1) * t
}

/// A random value for a point, always the same.
fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = x.cast_unsigned().wrapping_mul(0x85eb_ca6b) ^ y.cast_unsigned().wrapping_mul(0xc2b2_ae35) ^ (seed << 8);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    (h ^ (h >> 15)) as f32 / u32::MAX as f32
}
