//! The drawing of samples.

use std::time::Instant;

use mekiki::samples::sample_set;

use super::{median, milliseconds};

pub(crate) fn print(repetitions: usize) -> anyhow::Result<()> {
    let mut drawings = Vec::new();
    let scenes = sample_set();
    for _ in 0..repetitions {
        let started = Instant::now();
        for scene in &scenes {
            std::hint::black_box(scene.render()?);
        }
        drawings.push(milliseconds(started.elapsed()) / scenes.len() as f64);
    }
    println!("samples: {:.1} ms to draw a scene", median(drawings));
    Ok(())
}
