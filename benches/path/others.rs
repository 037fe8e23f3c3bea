//! The taste's fit and score, and the drawing of samples.

use std::sync::Arc;
use std::time::Instant;

use mekiki::domain::{COLOUR_DIMS, EMBEDDING_DIMS, Features, Judgement};
use mekiki::samples::sample_set;
use mekiki::taste::{Example, Taste};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use super::{median, milliseconds};

const RATINGS: usize = 1000;
const FACES: usize = 500;

pub(crate) fn print(repetitions: usize) -> anyhow::Result<()> {
    let ratings = ratings(RATINGS);
    let (mut fits, mut scores, mut drawings) = (Vec::new(), Vec::new(), Vec::new());
    let scenes = sample_set();
    for _ in 0..repetitions {
        let started = Instant::now();
        let taste = Taste::fit(&ratings)?;
        fits.push(milliseconds(started.elapsed()));
        let started = Instant::now();
        for rating in &ratings[..FACES] {
            std::hint::black_box(taste.score(&rating.features));
        }
        scores.push(milliseconds(started.elapsed()) / FACES as f64);
        let started = Instant::now();
        for scene in &scenes {
            std::hint::black_box(scene.render()?);
        }
        drawings.push(milliseconds(started.elapsed()) / scenes.len() as f64);
    }
    println!("\ntaste: fit on {RATINGS} ratings {:.1} ms (limit 100)", median(fits));
    println!("taste: score of a face after {RATINGS} ratings {:.3} ms", median(scores));
    println!("samples: {:.1} ms to draw a scene", median(drawings));
    Ok(())
}

/// Made-up faces of six looks, rated by how much they have of the first.
pub(crate) fn ratings(count: usize) -> Vec<Example> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..count)
        .map(|n| {
            let looks: [f32; 6] = rng.random();
            let mut values =
                |dims: usize| -> Vec<f32> { (0..dims).map(|i| looks[i % 6] * rng.random::<f32>()).collect() };
            let features = Features { embedding: values(EMBEDDING_DIMS), colour: values(COLOUR_DIMS) };
            let stars = ((1.0 + looks[0] * 4.0).round() as u8).try_into().expect("1 to 5");
            Example {
                features: Arc::new(features),
                judgement: Judgement::Stars(stars),
                at: OffsetDateTime::UNIX_EPOCH + Duration::minutes(i64::from(n as u32)),
                group: n as u64,
                rater: 0,
            }
        })
        .collect()
}
