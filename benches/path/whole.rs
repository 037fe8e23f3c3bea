//! Decode → detect → embed → score, as `mekiki score` runs it: decode workers beside the engine's thread.

use std::collections::VecDeque;
use std::sync::Arc;

use mekiki::taste::Taste;
use mekiki::vision::{DEFAULT_SIDE, Engine, EngineOptions, Prepared};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::Setup;
use super::material::{Material, decoded};

pub(crate) struct Path {
    tokio: Runtime,
    engine: Arc<Engine>,
    taste: Arc<Taste>,
    ahead: usize,
}

impl Path {
    pub(crate) fn new(setup: &Setup) -> anyhow::Result<Self> {
        Ok(Self {
            tokio: Runtime::new()?,
            engine: Arc::new(Engine::start(setup.models()?, EngineOptions::default())?),
            taste: Arc::new(Taste::fit(&super::taste::ratings(100))?),
            ahead: setup.ahead(),
        })
    }

    pub(crate) fn run(&self, material: &Material) -> anyhow::Result<()> {
        // The files are copied before, so that each task owns its own, as it does when it has read it from disk.
        let files: Vec<Vec<u8>> = material.files.clone();
        self.tokio.block_on(async {
            let mut running: VecDeque<JoinHandle<anyhow::Result<f32>>> = VecDeque::new();
            for bytes in files {
                if running.len() == self.ahead
                    && let Some(first) = running.pop_front()
                {
                    std::hint::black_box(first.await??);
                }
                running.push_back(tokio::spawn(one(Arc::clone(&self.engine), Arc::clone(&self.taste), bytes)));
            }
            for rest in running {
                std::hint::black_box(rest.await??);
            }
            Ok(())
        })
    }
}

/// The best face's score.
async fn one(engine: Arc<Engine>, taste: Arc<Taste>, bytes: Vec<u8>) -> anyhow::Result<f32> {
    let prepared = tokio::task::spawn_blocking(move || Prepared::new(decoded(&bytes), DEFAULT_SIDE)).await?;
    let analysis = engine.analyse(prepared).await?;
    Ok(analysis.faces.iter().map(|face| taste.score(&face.features).mean()).fold(0.0, f32::max))
}
