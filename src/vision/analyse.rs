//! One batch of pictures through both models, without a thread or a queue.

use std::time::Instant;

use image::RgbImage;

use super::crop::{CROP_SIDE, crop_face};
use super::detector::{Detection, Detector, Seen};
use super::embedder::{Embedded, Embedder};
use super::letterbox::LetterboxedPicture;
use super::resize::squash;
use crate::domain::{Confidence, Face, Features, Safety, Size};

/// More faces than this in one picture are not looked at: the surest are kept.
const MAX_FACES: usize = 100;

/// A decoded picture with all that can be computed beside the models' thread.
#[derive(Debug)]
pub struct Prepared {
    picture: RgbImage,
    letterboxed: LetterboxedPicture,
    squashed: RgbImage,
}

impl Prepared {
    /// `side`: long side of the detector's input.
    pub fn new(picture: RgbImage, side: u32) -> Self {
        let letterboxed = LetterboxedPicture::new(&picture, side);
        let squashed = squash(&picture, Size::new(CROP_SIDE, CROP_SIDE));
        Self { picture, letterboxed, squashed }
    }

    pub fn input(&self) -> Size {
        self.letterboxed.letterbox.input()
    }

    /// The whole picture as the embedder sees it, 224×224.
    pub fn squashed(&self) -> &RgbImage {
        &self.squashed
    }

    pub fn letterboxed(&self) -> &LetterboxedPicture {
        &self.letterboxed
    }

    fn seen(&self) -> Seen<'_> {
        Seen { picture: &self.picture, letterboxed: &self.letterboxed }
    }
}

/// What the models say of a picture.
#[derive(Debug)]
pub struct Analysis {
    /// Surest first.
    pub faces: Vec<Face>,
    /// 224×224, in the order of `faces`.
    pub crops: Vec<RgbImage>,
    pub whole: Features,
    pub safety: Safety,
    pub stages: Stages,
}

/// Seconds that each stage took for the batch the picture was in, and that batch's size.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stages {
    pub queue: f64,
    pub detect: f64,
    pub embed: f64,
    pub batch: usize,
}

/// How many pictures or crops go through a model in one run: more is faster on a GPU, and only costs memory on a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSizes {
    pub detect: usize,
    pub embed: usize,
}

impl RunSizes {
    /// Four detector runs of one are no slower than one of four here, and the peak stays 170 MB lower; two crops instead of
    /// one cost some 35 MB and are no faster.
    pub const CPU: Self = Self { detect: 1, embed: 1 };
    pub const GPU: Self = Self { detect: 8, embed: 32 };
}

/// Both models.
#[derive(Debug)]
pub struct Models {
    pub detector: Detector,
    pub embedder: Embedder,
}

impl Models {
    /// Detects and embeds a batch of pictures of any sizes.
    pub fn analyse(&mut self, batch: &[&Prepared], floor: Confidence, runs: RunSizes) -> ort::Result<Vec<Analysis>> {
        let started = Instant::now();
        let pictures: Vec<Seen<'_>> = batch.iter().map(|p| p.seen()).collect();
        let mut detections = self.detector.find(&pictures, floor, runs.detect)?;
        for found in &mut detections {
            found.truncate(MAX_FACES);
        }
        let detected = Instant::now();
        let crops: Vec<Vec<RgbImage>> = batch
            .iter()
            .zip(&detections)
            .map(|(p, found)| found.iter().map(|d| crop_face(&p.picture, d.bounds)).collect())
            .collect();
        let views: Vec<&RgbImage> =
            batch.iter().zip(&crops).flat_map(|(p, crops)| std::iter::once(&p.squashed).chain(crops)).collect();
        let mut embedded = Vec::with_capacity(views.len());
        for chunk in views.chunks(runs.embed.max(1)) {
            embedded.extend(self.embedder.embed(chunk)?);
        }
        let stages = Stages {
            queue: 0.0,
            detect: (detected - started).as_secs_f64(),
            embed: detected.elapsed().as_secs_f64(),
            batch: batch.len(),
        };
        let mut embedded = embedded.into_iter();
        Ok(detections
            .into_iter()
            .zip(crops)
            .map(|(found, crops)| {
                let whole = embedded.next().expect("one view a picture and one a face");
                let faces = found.into_iter().zip(&mut embedded).map(|(d, e)| face(d, &e, &whole)).collect();
                Analysis { faces, crops, whole: whole.features(&whole), safety: whole.safety, stages }
            })
            .collect())
    }
}

fn face(detection: Detection, crop: &Embedded, whole: &Embedded) -> Face {
    Face { bounds: detection.bounds, confidence: detection.confidence, features: crop.features(whole) }
}

#[cfg(test)]
impl Prepared {
    /// Breaks the detector's input, so that the model's run fails on this picture and on no other.
    pub(crate) fn broken(mut self) -> Self {
        self.letterboxed.tensor.truncate(7);
        self
    }

    /// Breaks the whole picture's view, so that our own code panics on this picture.
    pub(crate) fn panicking(mut self) -> Self {
        self.squashed = RgbImage::new(1, 1);
        self
    }
}

#[cfg(test)]
impl Models {
    /// The shipped models on the CPU.
    pub(crate) fn for_tests() -> Self {
        use super::runtime::{self, Device, SessionSettings};
        let (dir, runtime) = (runtime::models_dir().expect("the models are here"), runtime::for_tests());
        let settings = SessionSettings::new(Device::Cpu, std::num::NonZeroUsize::MIN);
        let session = |name: &str, probe: &[usize]| runtime.session(&dir.join(name), probe, settings).expect("runs").0;
        Self {
            detector: Detector::new(session("face-v2.onnx", &[1, 3, 64, 64])),
            embedder: Embedder::new(session("embed-v2.onnx", &[1, 3, 224, 224])),
        }
    }
}
