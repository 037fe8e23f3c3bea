//! Pictures that people post, drawn by `mekiki::samples`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use mekiki::samples::Scene;

/// A file to post.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) name: String,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl Picture {
    /// The drawn scene of a seed, as PNG; drawn once.
    pub(crate) fn scene(seed: u64) -> Self {
        static DRAWN: LazyLock<Mutex<HashMap<u64, Arc<Vec<u8>>>>> = LazyLock::new(Mutex::default);
        let mut drawn = DRAWN.lock().unwrap();
        let bytes = drawn.entry(seed).or_insert_with(|| Arc::new(Scene::new(seed).png().unwrap()));
        Self { name: format!("drawn-{seed}.png"), bytes: Arc::clone(bytes) }
    }

    /// A picture without anybody: a soft gradient, different for each seed.
    pub(crate) fn empty(seed: u64) -> Self {
        let tone = (seed % 97) as u8;
        let pixels = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([(x / 2) as u8, (y / 2) as u8, 90 + tone]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        Self { name: format!("empty-{seed}.png"), bytes: Arc::new(bytes.into_inner()) }
    }

    /// The same picture in other bytes, so that it is another file: PNG readers skip what stands after the end.
    pub(crate) fn again(&self, mark: u64) -> Self {
        let mut bytes = self.bytes.to_vec();
        bytes.extend_from_slice(&mark.to_be_bytes());
        Self { name: self.name.clone(), bytes: Arc::new(bytes) }
    }
}
