//! `make bench`: how near the whole path comes to its bounds, where the time goes, and what the rest costs.
//!
//! The machine is never quiet: what is compared is run in turn (whole, decoder, models; whole, decoder, models …), and
//! medians are printed. `cargo bench --bench path -- --repetitions 9 --pictures 60` asks for others than the defaults.
#![expect(clippy::print_stdout, reason = "a benchmark answers on standard output")]

mod bounds;
mod material;
mod others;
mod stages;
mod taste;
mod whole;

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mekiki::vision::runtime::{self, Device, Runtime, SessionSettings};
use mekiki::vision::{Detector, Embedder, Models};
use ort::session::Session;

use material::Material;

/// First target of the whole path's ratio to the sum of its bounds.
const TARGET: f64 = 0.85;

struct Options {
    repetitions: usize,
    pictures: usize,
}

impl Options {
    fn from_args() -> anyhow::Result<Self> {
        let mut options = Self { repetitions: 7, pictures: 48 };
        let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a number"))?;
            let number = value.parse().with_context(|| format!("{name} needs a number, not {value}"))?;
            ensure!(number > 0, "{name} must be 1 or more");
            match &name[..] {
                "--repetitions" => options.repetitions = number,
                "--pictures" => options.pictures = number,
                _ => anyhow::bail!("there is no option {name}; there are --repetitions N and --pictures N"),
            }
        }
        Ok(options)
    }
}

/// The models on the CPU, as `mekiki score` runs them there.
struct Setup {
    runtime: &'static Runtime,
    threads: NonZeroUsize,
}

impl Setup {
    fn sessions(&self) -> anyhow::Result<(Session, Session)> {
        let dir = runtime::models_dir()?;
        let settings = SessionSettings::new(Device::Cpu, self.threads);
        let (detector, _) = self.runtime.session(&dir.join("face-v2.onnx"), &[1, 3, 64, 64], settings)?;
        let (embedder, _) = self.runtime.session(&dir.join("embed-v2.onnx"), &[1, 3, 224, 224], settings)?;
        Ok((detector, embedder))
    }

    fn models(&self) -> anyhow::Result<Models> {
        let (detector, embedder) = self.sessions()?;
        Ok(Models { detector: Detector::new(detector), embedder: Embedder::new(embedder) })
    }

    /// As `mekiki score`: this many pictures are on their way at once.
    fn ahead(&self) -> usize {
        self.threads.get().max(2)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::from_args()?;
    let threads = std::thread::available_parallelism()?.min(NonZeroUsize::new(8).expect("not zero"));
    let setup = Setup { runtime: runtime::load(None)?, threads };
    println!("{threads} threads; medians of {} repetitions, what is compared run in turn", options.repetitions);
    let labels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/faces/val.jsonl");
    let mut sets = vec![Material::drawn_png(options.pictures)?, Material::drawn_jpeg(options.pictures)?];
    if labels.is_file() {
        sets.push(Material::labelled(&labels, options.pictures * 3)?);
    } else {
        println!("SKIPPED: {} is not there", labels.display());
    }
    for material in &sets {
        compare(&setup, material, options.repetitions)?;
    }
    for material in &sets {
        stages::print(&setup, material, options.repetitions)?;
    }
    taste::print(options.repetitions)?;
    others::print(options.repetitions)
}

/// The whole path against the sum of its bounds.
fn compare(setup: &Setup, material: &Material, repetitions: usize) -> anyhow::Result<()> {
    let path = whole::Path::new(setup)?;
    let mut bounds = bounds::Bounds::new(setup, material)?;
    // Once without counting: memory, caches, and the threads of ONNX Runtime.
    path.run(material)?;
    bounds.decoder(material);
    bounds.models()?;
    let (mut whole, mut decoder, mut models, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repetitions {
        whole.push(timed(|| path.run(material))?);
        decoder.push(timed(|| {
            bounds.decoder(material);
            Ok(())
        })?);
        models.push(timed(|| bounds.models())?);
        let last = |times: &[f64]| times[times.len() - 1];
        ratios.push((last(&decoder) + last(&models)) / last(&whole));
    }
    let count = material.files.len() as f64;
    let (whole, decoder, models) = (median(whole), median(decoder), median(models));
    let ratio = median(ratios);
    println!("\n{}: {} pictures, {} faces", material.name, material.files.len(), bounds.faces);
    println!("  whole path      {:7.2} ms a picture, {:6.1} pictures/s", whole / count * 1e3, count / whole);
    println!("  decoder alone   {:7.2} ms a picture", decoder / count * 1e3);
    println!("  models alone    {:7.2} ms a picture", models / count * 1e3);
    let verdict = if ratio >= TARGET { "reached" } else { "MISSED" };
    println!("  ratio to the sum of the bounds {ratio:.3} (target {TARGET}: {verdict})");
    Ok(())
}

/// Seconds that `work` took.
fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
