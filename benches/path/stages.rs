//! Where the time goes: every stage of one picture after the other, on one thread but for the models.

use std::time::{Duration, Instant};

use image::RgbImage;
use mekiki::domain::Features;
use mekiki::taste::Taste;
use mekiki::vision::{DEFAULT_SIDE, EngineOptions, LetterboxedPicture, Prepared, Seen, colour_histogram, crop_face};

use super::bounds::{detector_input, embedder_input, run};
use super::material::{Material, decoded};
use super::{Setup, median, milliseconds};

/// Names in the order they are measured.
const STAGES: [&str; 10] = [
    "decode",
    "letterbox",
    "small copy for the embedder",
    "detector's session.run",
    "detector's rest: NMS",
    "crops",
    "embedder's session.run",
    "embedder's rest: tensors",
    "colour histograms",
    "scores",
];

pub(crate) fn print(setup: &Setup, material: &Material, repetitions: usize) -> anyhow::Result<()> {
    let mut walk = Walk::new(setup)?;
    walk.times(material)?;
    let rounds = (0..repetitions).map(|_| walk.times(material)).collect::<anyhow::Result<Vec<_>>>()?;
    let medians: Vec<f64> = (0..STAGES.len()).map(|stage| median(rounds.iter().map(|r| r[stage]).collect())).collect();
    let total: f64 = medians.iter().sum();
    println!("\nstages, {}, one after the other: {total:.2} ms a picture", material.name);
    for (name, ms) in STAGES.iter().zip(medians) {
        println!("  {name:<28} {ms:7.3} ms {:5.1} %", ms / total * 100.0);
    }
    Ok(())
}

struct Walk {
    models: mekiki::vision::Models,
    detector: ort::session::Session,
    embedder: ort::session::Session,
    taste: Taste,
}

impl Walk {
    fn new(setup: &Setup) -> anyhow::Result<Self> {
        let (detector, embedder) = setup.sessions()?;
        Ok(Self { models: setup.models()?, detector, embedder, taste: Taste::fit(&super::taste::ratings(100))? })
    }

    /// Milliseconds a picture of each stage.
    fn times(&mut self, material: &Material) -> anyhow::Result<Vec<f64>> {
        let mut sums = [Duration::ZERO; STAGES.len()];
        for file in &material.files {
            for (sum, time) in sums.iter_mut().zip(self.picture(file)?) {
                *sum += time;
            }
        }
        Ok(sums.map(|sum| milliseconds(sum) / material.files.len() as f64).to_vec())
    }

    fn picture(&mut self, file: &[u8]) -> anyhow::Result<[Duration; STAGES.len()]> {
        let options = EngineOptions::default();
        let (picture, decode) = lap(|| decoded(file));
        let (letterboxed, letterbox) = lap(|| LetterboxedPicture::new(&picture, DEFAULT_SIDE));
        let (prepared, prepare) = lap(|| Prepared::new(picture.clone(), DEFAULT_SIDE));
        let input = detector_input(&prepared);
        let ((), detector_run) = lap_try(|| run(&mut self.detector, &input))?;
        let (found, detect) = lap_try(|| {
            Ok(self
                .models
                .detector
                .find(&[Seen { picture: &picture, letterboxed: &letterboxed }], options.floor, 1)?
                .remove(0))
        })?;
        let (crops, crop) = lap(|| found.iter().map(|d| crop_face(&picture, d.bounds)).collect::<Vec<RgbImage>>());
        let views: Vec<&RgbImage> = std::iter::once(prepared.squashed()).chain(&crops).collect();
        let owned: Vec<RgbImage> = views.iter().map(|&v| v.clone()).collect();
        let inputs: Vec<_> = owned.chunks(options.runs.embed).map(embedder_input).collect();
        let ((), embedder_run) = lap_try(|| inputs.iter().try_for_each(|input| run(&mut self.embedder, input)))?;
        let (embedded, embed) = lap_try(|| {
            let chunks = views.chunks(options.runs.embed).map(|chunk| self.models.embedder.embed(chunk));
            Ok(chunks.collect::<ort::Result<Vec<_>>>()?.concat())
        })?;
        let (_, colour) = lap(|| views.iter().map(|v| colour_histogram(v)).collect::<Vec<_>>());
        let faces: Vec<Features> = embedded.iter().skip(1).map(|e| e.features(&embedded[0])).collect();
        let (_, score) = lap(|| faces.iter().map(|f| self.taste.score(f)).collect::<Vec<_>>());
        Ok([
            decode,
            letterbox,
            prepare.saturating_sub(letterbox),
            detector_run,
            detect.saturating_sub(detector_run),
            crop,
            embedder_run,
            embed.saturating_sub(embedder_run + colour),
            colour,
            score,
        ])
    }
}

fn lap<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}

fn lap_try<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let (result, time) = lap(work);
    Ok((result?, time))
}
