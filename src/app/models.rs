//! Loads ONNX Runtime and both models on the device asked for.

use anyhow::Context;

use crate::config::Config;
use crate::vision::runtime::{self, Provider, Runtime, SessionSettings};
use crate::vision::{Detector, Embedder, Models, RunSizes};

/// The files in `models/`.
const DETECTOR: &str = "face-v2.onnx";
const EMBEDDER: &str = "embed-v2.onnx";

/// `face-v2`, as it stands in `pictures.models`.
pub fn detector_name() -> &'static str {
    DETECTOR.trim_end_matches(".onnx")
}

/// Models that have each run once.
#[derive(Debug)]
pub struct LoadedModels {
    pub models: Models,
    pub runs: RunSizes,
    /// `face-v2+embed-v2`
    pub names: String,
    /// What really ran each model: the detector's, then the embedder's.
    pub providers: [Provider; 2],
    pub runtime: &'static Runtime,
}

impl LoadedModels {
    /// Checks the checksums, loads the library, builds the sessions and runs each once.
    pub fn load(config: &Config) -> anyhow::Result<Self> {
        let dir = runtime::models_dir()?;
        runtime::check_models(&dir)?;
        let runtime = runtime::load(config.ort_dylib_path.as_deref())?;
        let settings = SessionSettings::new(config.device, config.threads);
        let session = |name: &str, probe: &[usize]| {
            runtime.session(&dir.join(name), probe, settings).with_context(|| format!("cannot run the model {name}"))
        };
        let (detector, on_detector) = session(DETECTOR, &[1, 3, 64, 64])?;
        let (embedder, on_embedder) = session(EMBEDDER, &[1, 3, 224, 224])?;
        let cpu = on_detector.name.starts_with("CPU");
        Ok(Self {
            models: Models { detector: Detector::new(detector), embedder: Embedder::new(embedder) },
            runs: if cpu { RunSizes::CPU } else { RunSizes::GPU },
            names: [DETECTOR, EMBEDDER].map(|n| n.trim_end_matches(".onnx")).join("+"),
            providers: [on_detector, on_embedder],
            runtime,
        })
    }
}
