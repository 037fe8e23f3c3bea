//! The posterior against the textbook's formula.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};

use super::super::posterior::{CENTRES, MEAN_VARIANCE, RANK};
use super::*;

/// The textbook's formula, in f64, with the whole covariance and the kernel written out.
struct Textbook<'a> {
    known: &'a Known<'a>,
    covariance: Llt<f64>,
}

fn kernel(a: &Features, b: &Features) -> f64 {
    let square = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
    let roots = |f: &Features| f.colour.iter().map(|x| x.sqrt()).collect::<Vec<_>>();
    let alike = |square: f64, length: f64| (1.0 + square / (2.0 * length * length)).recip();
    let (face, picture) = (..VIEW_DIMS, VIEW_DIMS..);
    AT.signal
        * (0.8 * 0.7 * alike(square(&a.embedding[face], &b.embedding[face]), 1.0)
            + 0.2 * alike(square(&a.embedding[picture.clone()], &b.embedding[picture]), 1.0)
            + 0.8 * 0.3 * alike(square(&roots(a), &roots(b)) / 0.51, 0.7))
}

impl<'a> Textbook<'a> {
    fn new(known: &'a Known<'a>) -> Self {
        let n = known.examples.len();
        let mut covariance =
            Mat::from_fn(n, n, |i, j| kernel(&known.examples[i].features, &known.examples[j].features) + MEAN_VARIANCE);
        for (i, extra) in known.extra_noise.iter().enumerate() {
            covariance[(i, i)] += AT.noise + extra;
        }
        Self { known, covariance: covariance.llt(Side::Lower).unwrap() }
    }

    /// Mean and variance at a face.
    fn predict(&self, face: &Features) -> (f64, f64) {
        let n = self.known.examples.len();
        let cross = Mat::from_fn(n, 1, |i, _| kernel(&self.known.examples[i].features, face) + MEAN_VARIANCE);
        let solved = self.covariance.solve(&cross);
        let sum = |of: &dyn Fn(usize) -> f64| (0..n).map(of).sum::<f64>();
        let mean = sum(&|i| solved[(i, 0)] * self.known.targets[i]);
        (mean, AT.signal + MEAN_VARIANCE - sum(&|i| solved[(i, 0)] * cross[(i, 0)]))
    }
}

fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} and {b} differ by more than {tolerance}");
}

#[test]
fn the_posterior_is_the_textbooks() {
    let mut rng = rng(1);
    for count in [1, 17, RANK - 1] {
        let examples = mixed(count, &mut rng);
        let known = known(&examples);
        let (textbook, taste) = (Textbook::new(&known), fit_at(&known));
        for _ in 0..5 {
            let face = face(&mut rng).0;
            let (mean, variance) = textbook.predict(&face);
            let (m, v) = taste.predict(&Faces::one(&face).unwrap())[0];
            assert_close(m, mean, 1e-3, &format!("mean at {count}"));
            assert_close(v, variance, 1e-3, &format!("variance at {count}"));
        }
    }
}

#[test]
fn beyond_the_rank_the_mean_is_exact_and_the_variance_never_too_small() {
    let mut rng = rng(2);
    let examples = mixed(CENTRES, &mut rng);
    let known = known(&examples);
    let (textbook, taste) = (Textbook::new(&known), fit_at(&known));
    for _ in 0..10 {
        let face = face(&mut rng).0;
        let (mean, exact) = textbook.predict(&face);
        let (m, v) = taste.predict(&Faces::one(&face).unwrap())[0];
        assert_close(m, mean, 2e-3, "mean");
        assert!(v >= exact - 1e-3, "{v} is narrower than what the ratings allow, {exact}");
        // As shown, with the noise: at most a tenth too wide.
        let (wide, true_spread) = ((v + AT.noise).sqrt(), (exact + AT.noise).sqrt());
        assert!(wide <= 1.1 * true_spread, "{wide} for {true_spread}");
    }
}

#[test]
fn more_ratings_than_centres_are_all_learnt_from() {
    let mut rng = rng(3);
    let examples = honest(2 * CENTRES, 0, &mut rng);
    let known = known(&examples);
    let (textbook, taste) = (Textbook::new(&known), fit_at(&known));
    for _ in 0..20 {
        let face = face(&mut rng).0;
        let (mean, exact) = textbook.predict(&face);
        let (m, v) = taste.predict(&Faces::one(&face).unwrap())[0];
        assert_close(m, mean, 0.15, "mean");
        assert!(v >= exact - 1e-3, "{v} is narrower than what the ratings allow, {exact}");
    }
}
