//! The pictures: our own drawn scenes, rendered once, and labelled ones where they are.

use std::path::Path;

use anyhow::Context;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use mekiki::samples::Scene;
use mekiki::vision::decode::{DecodeLimits, decode};
use serde::Deserialize;

/// Files in memory: reading them from disk is no part of what is measured.
pub(crate) struct Material {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Row {
    file: String,
}

impl Material {
    pub(crate) fn drawn_png(count: usize) -> anyhow::Result<Self> {
        let files = (0..count as u64).map(|seed| Scene::new(seed).png()).collect::<Result<_, _>>()?;
        Ok(Self { name: "drawn scenes, PNG", files })
    }

    pub(crate) fn drawn_jpeg(count: usize) -> anyhow::Result<Self> {
        let jpeg = |seed| -> anyhow::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&Scene::new(seed).render()?)?;
            Ok(bytes)
        };
        let files = (0..count as u64).map(jpeg).collect::<Result<_, _>>()?;
        Ok(Self { name: "drawn scenes, JPEG", files })
    }

    /// The first `count` pictures of a list of labels.
    pub(crate) fn labelled(list: &Path, count: usize) -> anyhow::Result<Self> {
        let folder = list.parent().context("a file has a folder")?;
        let text = std::fs::read_to_string(list)?;
        let read = |line| -> anyhow::Result<Vec<u8>> {
            let row: Row = serde_json::from_str(line)?;
            Ok(std::fs::read(folder.join(row.file))?)
        };
        let files = text.lines().take(count).map(read).collect::<Result<_, _>>()?;
        Ok(Self { name: "labelled pictures, JPEG of 480 pixels", files })
    }
}

pub(crate) fn decoded(bytes: &[u8]) -> RgbImage {
    decode(bytes, &DecodeLimits::default()).expect("our own pictures can be decoded").image
}
