//! What a taste costs: a fit with its promotion beside a bound, and the score of a face.
//!
//! The bound is what a dense Gaussian process cannot do without at this size: the kernel of the same ratings with as many
//! centres, and one Cholesky factorisation of as many centres, both by `faer` alone.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, Side};
use mekiki::domain::{COLOUR_DIMS, EMBEDDING_DIMS, Features, Judgement};
use mekiki::taste::{Example, Incumbent, Taste, challenge};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use super::{median, milliseconds};

/// Ratings, and the milliseconds that a fit with its promotion may take.
const SIZES: [(usize, f64); 3] = [(100, 50.0), (1_000, 50.0), (10_000, 1_000.0)];
/// Centres of a taste.
const CENTRES: usize = 384;
const SCORED: usize = 500;
/// Microseconds that a score may take beyond the embedding.
const SCORE_LIMIT: f64 = 20.0;

pub(crate) fn print(repetitions: usize) -> anyhow::Result<()> {
    println!();
    for (count, limit) in SIZES {
        let ratings = ratings(count);
        let current = Taste::fit(&ratings[..count - 1])?;
        let (mut fits, mut bounds, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..repetitions {
            let started = Instant::now();
            let (taste, _) = challenge(Some(Incumbent { taste: &current, by_hand: false }), &ratings)?;
            fits.push(milliseconds(started.elapsed()));
            bounds.push(bound(&ratings));
            let faces: Vec<&Features> = ratings.iter().cycle().take(SCORED).map(|r| &*r.features).collect();
            let started = Instant::now();
            for face in faces {
                black_box(taste.score(face));
            }
            scores.push(milliseconds(started.elapsed()) * 1e3 / SCORED as f64);
        }
        let (fit, bound, score) = (median(fits), median(bounds), median(scores));
        let verdict = |reached: bool| if reached { "reached" } else { "MISSED" };
        println!(
            "taste: fit and promotion on {count} ratings {fit:.1} ms, {:.1} times the kernel and a Cholesky by faer \
             ({bound:.1} ms); limit {limit:.0} ms: {}",
            fit / bound,
            verdict(fit < limit)
        );
        println!(
            "taste: score of a face after {count} ratings {score:.1} µs; limit {SCORE_LIMIT:.0} µs: {}",
            verdict(score < SCORE_LIMIT)
        );
    }
    Ok(())
}

/// Milliseconds of the bound.
fn bound(ratings: &[Example]) -> f64 {
    let values: Vec<&[f32]> = ratings.iter().map(|r| &r.features.embedding[..]).collect();
    let all = Mat::from_fn(EMBEDDING_DIMS, values.len(), |i, j| values[j][i]);
    let centres = values.len().min(CENTRES);
    let started = Instant::now();
    let mut kernel = Mat::<f32>::zeros(centres, values.len());
    matmul(&mut kernel, Accum::Replace, all.subcols(0, centres).transpose(), &all, 1.0, Par::Seq);
    let square = Mat::from_fn(centres, centres, |i, j| f64::from(kernel[(i, j)]) + if i == j { 1e3 } else { 0.0 });
    black_box(square.llt(Side::Lower).is_ok());
    black_box(&kernel);
    milliseconds(started.elapsed())
}

/// A made-up rater of made-up faces, a minute apart.
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
                by_lot: false,
            }
        })
        .collect()
}
