//! What cannot be made faster here: the decoder alone, and the models alone on the very same inputs.

use std::sync::atomic::{AtomicUsize, Ordering};

use image::RgbImage;
use mekiki::vision::{DEFAULT_SIDE, EngineOptions, Prepared, crop_face};
use ort::session::Session;
use ort::value::TensorRef;

use super::Setup;
use super::material::{Material, decoded};

/// Values of one input and its shape.
pub(crate) type Input = ([usize; 4], Vec<f32>);

pub(crate) struct Bounds {
    detector: Session,
    embedder: Session,
    workers: usize,
    inputs: Vec<(Input, Vec<Input>)>,
    pub(crate) faces: usize,
}

impl Bounds {
    /// Runs the path once to learn the inputs that the models get.
    pub(crate) fn new(setup: &Setup, material: &Material) -> anyhow::Result<Self> {
        let (detector, embedder) = setup.sessions()?;
        let mut models = setup.models()?;
        let options = EngineOptions::default();
        let (mut inputs, mut faces) = (Vec::new(), 0);
        for file in &material.files {
            let picture = decoded(file);
            let prepared = Prepared::new(picture.clone(), DEFAULT_SIDE);
            let found = models.detector.detect(&[prepared.letterboxed()], options.floor)?.remove(0);
            faces += found.len();
            let mut views = vec![prepared.squashed().clone()];
            views.extend(found.iter().map(|d| crop_face(&picture, d.bounds)));
            let chunks = views.chunks(options.runs.embed).map(embedder_input).collect();
            inputs.push((detector_input(&prepared), chunks));
        }
        Ok(Self { detector, embedder, workers: setup.ahead(), inputs, faces })
    }

    /// Decodes all pictures with as many threads as the whole path has decode workers.
    pub(crate) fn decoder(&self, material: &Material) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    while let Some(file) = material.files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        std::hint::black_box(decoded(file));
                    }
                });
            }
        });
    }

    /// `session.run` on every input, nothing else.
    pub(crate) fn models(&mut self) -> anyhow::Result<()> {
        for (detector_input, chunks) in &self.inputs {
            run(&mut self.detector, detector_input)?;
            for chunk in chunks {
                run(&mut self.embedder, chunk)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn run(session: &mut Session, (shape, values): &Input) -> anyhow::Result<()> {
    std::hint::black_box(session.run(ort::inputs![TensorRef::from_array_view((*shape, &values[..]))?])?);
    Ok(())
}

pub(crate) fn detector_input(prepared: &Prepared) -> Input {
    let size = prepared.input();
    ([1, 3, size.height as usize, size.width as usize], prepared.letterboxed().tensor.clone())
}

pub(crate) fn embedder_input(crops: &[RgbImage]) -> Input {
    let (w, h) = crops[0].dimensions();
    let values = crops
        .iter()
        .flat_map(|crop| (0..3).flat_map(|channel| crop.pixels().map(move |p| f32::from(p.0[channel]) / 255.0)))
        .collect();
    ([crops.len(), 3, h as usize, w as usize], values)
}
