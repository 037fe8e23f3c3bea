//! The exact posterior mean, and a posterior variance that is exact up to 128 ratings and never too small beyond.
//!
//! With scaled faces as columns of Φ (D × n), weights w ~ N(0, s·I) and observations y = Φᵀw + ε, ε ~ N(0, N):
//!
//! - dual (n < D): mean weights s·Φ·(s·ΦᵀΦ + N)⁻¹·y
//! - primal (n ≥ D): mean weights (H + I/s)⁻¹·Φ·N⁻¹·y with H = Φ·N⁻¹·Φᵀ; D × D whatever the number of ratings
//!
//! The variance at a face φ is s·φᵀφ minus what the ratings took off it. That reduction is kept for `RANK` combinations
//! U of the ratings instead of all n: |B·φ|² with B = L⁻¹·Uᵀ·(s·Φᵀ), L·Lᵀ = Uᵀ·(s·ΦᵀΦ + N)·U. It is what one would
//! know from those combinations alone, hence never more than all ratings tell: the variance errs to the wide side
//! only. U spans the leading directions, found by two steps of power iteration. On the simulated rater's 525 ratings
//! the spread comes out about 4 % too wide on average and 6 % at most (signal 1, noise 0.3).

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as matmul_structured};
use faer::linalg::solvers::Solve;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatRef, Par, Side};

use super::evidence::Hyperparameters;
use super::scaling::{DIMS, Scaling};
use super::{Example, observation};

/// Combinations of ratings kept for the variance; 1 MB of f32, about 15 µs a face.
pub(super) const RANK: usize = 128;
/// Faces taken at a time in the primal, to bound memory.
const CHUNK: usize = 1024;

/// Scaled faces and what was said of them.
pub(super) struct Design {
    /// [DIMS × ratings], a face a column.
    pub(super) faces: Mat<f32>,
    /// Judgements less the prior mean.
    pub(super) targets: Vec<f64>,
    pub(super) extra_noise: Vec<f64>,
}

impl Design {
    pub(super) fn new(scaling: &Scaling, examples: &[&Example]) -> Self {
        let mut faces = Mat::zeros(DIMS, examples.len());
        for (example, column) in examples.iter().zip(faces.col_iter_mut()) {
            let column = column.try_as_col_major_mut().expect("columns of a new matrix are contiguous");
            scaling.write(&example.features, column.as_slice_mut());
        }
        let seen: Vec<_> = examples.iter().map(|e| observation::of(e.judgement)).collect();
        Self {
            faces,
            targets: seen.iter().map(|o| o.target - observation::PRIOR_MEAN).collect(),
            extra_noise: seen.iter().map(|o| o.extra_noise).collect(),
        }
    }

    pub(super) fn dims(&self) -> usize {
        self.faces.nrows()
    }

    pub(super) fn ratings(&self) -> usize {
        self.faces.ncols()
    }

    /// At most `limit` of the ratings, evenly spread.
    pub(super) fn spread_out(&self, limit: usize) -> Vec<usize> {
        let (all, kept) = (self.ratings(), self.ratings().min(limit));
        (0..kept).map(|i| i * all / kept).collect()
    }
}

/// What scoring needs of a posterior.
#[derive(Clone, PartialEq)]
pub(super) struct Posterior {
    pub(super) signal: f64,
    /// [DIMS]
    pub(super) weights: Vec<f32>,
    /// B, `[up to RANK × DIMS]`, row by row.
    pub(super) reduction: Vec<f32>,
}

impl Posterior {
    pub(super) fn fit(design: &Design, at: Hyperparameters) -> Self {
        if design.ratings() < design.dims() { Self::dual(design, at) } else { Self::primal(design, at) }
    }

    /// The weights alone, for ranking.
    pub(super) fn fit_mean(design: &Design, at: Hyperparameters) -> Self {
        let weights = if design.ratings() < design.dims() {
            Dual::new(design, at).mean()
        } else {
            Primal::new(design, at).mean()
        };
        Self { signal: at.signal, weights: to_f32(&weights), reduction: Vec::new() }
    }

    pub(super) fn dual(design: &Design, at: Hyperparameters) -> Self {
        let dual = Dual::new(design, at);
        Self { signal: at.signal, weights: to_f32(&dual.mean()), reduction: dual.reduction() }
    }

    pub(super) fn primal(design: &Design, at: Hyperparameters) -> Self {
        let primal = Primal::new(design, at);
        Self { signal: at.signal, weights: to_f32(&primal.mean()), reduction: primal.reduction() }
    }

    /// Mean (relative to the prior mean) and variance of the score of a scaled face.
    pub(super) fn predict(&self, face: &[f32]) -> (f64, f64) {
        let column = MatRef::from_column_major_slice(face, face.len(), 1);
        let rank = self.reduction.len() / face.len();
        let weights = MatRef::from_row_major_slice(&self.weights, 1, face.len());
        let reduction = MatRef::from_row_major_slice(&self.reduction, rank, face.len());
        let (mut mean, mut reduced) = (Mat::<f32>::zeros(1, 1), Mat::<f32>::zeros(rank, 1));
        matmul(&mut mean, Accum::Replace, weights, column, 1.0, Par::Seq);
        matmul(&mut reduced, Accum::Replace, reduction, column, 1.0, Par::Seq);
        let prior = self.signal * f64::from(column.squared_norm_l2());
        // Rounding can take off slightly more than the prior; not a number must stay so.
        let variance = prior - f64::from(reduced.squared_norm_l2());
        (f64::from(mean[(0, 0)]), if variance < 0.0 { 0.0 } else { variance })
    }
}

/// n × n.
struct Dual<'a> {
    design: &'a Design,
    signal: f64,
    noise: Vec<f64>,
    /// `ΦᵀΦ`
    gram: Mat<f32>,
}

impl<'a> Dual<'a> {
    fn new(design: &'a Design, at: Hyperparameters) -> Self {
        let n = design.ratings();
        let mut gram = Mat::zeros(n, n);
        // In f32: twice as fast, and its rounding (1e-6) is far below the noise on the diagonal.
        lower_product(&mut gram, Accum::Replace, design.faces.transpose(), design.faces.as_ref());
        mirror(&mut gram);
        Self { design, signal: at.signal, noise: design.extra_noise.iter().map(|x| x + at.noise).collect(), gram }
    }

    fn covariance(&self) -> Mat<f64> {
        let mut covariance =
            Mat::from_fn(self.gram.nrows(), self.gram.ncols(), |i, j| self.signal * f64::from(self.gram[(i, j)]));
        for (i, noise) in self.noise.iter().enumerate() {
            covariance[(i, i)] += noise;
        }
        covariance
    }

    fn mean(&self) -> Mat<f64> {
        let mut solved = Mat::from_fn(self.design.ratings(), 1, |i, _| self.design.targets[i]);
        let factor = self.covariance().llt(Side::Lower).expect("noise makes the covariance positive definite");
        factor.solve_in_place(solved.as_mut());
        let solved = Mat::from_fn(solved.nrows(), 1, |i, _| (self.signal * solved[(i, 0)]) as f32);
        let mut weights = Mat::<f32>::zeros(self.design.dims(), 1);
        matmul(&mut weights, Accum::Replace, &self.design.faces, &solved, 1.0, Par::Seq);
        Mat::from_fn(weights.nrows(), 1, |i, _| f64::from(weights[(i, 0)]))
    }

    fn reduction(&self) -> Vec<f32> {
        let n = self.design.ratings();
        let directions = if n <= RANK {
            Mat::<f32>::identity(n, n)
        } else {
            let start = self.design.spread_out(RANK);
            power_iteration(&self.gram, Mat::from_fn(n, RANK, |i, j| self.gram[(i, start[j])]))
        };
        let rank = directions.ncols();
        let (mut seen, mut combined) = (Mat::<f32>::zeros(n, rank), Mat::<f32>::zeros(rank, self.design.dims()));
        matmul(&mut seen, Accum::Replace, &self.gram, &directions, self.signal as f32, Par::Seq);
        for j in 0..rank {
            for i in 0..n {
                seen[(i, j)] += self.noise[i] as f32 * directions[(i, j)];
            }
        }
        let mut projected = Mat::<f32>::zeros(rank, rank);
        matmul(&mut projected, Accum::Replace, directions.transpose(), &seen, 1.0, Par::Seq);
        matmul(
            &mut combined,
            Accum::Replace,
            directions.transpose(),
            self.design.faces.transpose(),
            self.signal as f32,
            Par::Seq,
        );
        whiten(&to_f64(&projected), to_f64(&combined))
    }
}

/// D × D.
struct Primal {
    signal: f64,
    /// Φ·N⁻¹·Φᵀ
    precision: Mat<f64>,
    /// Φ·N⁻¹·y
    pull: Mat<f64>,
    /// Some faces, to start looking for the leading directions from.
    start: Mat<f64>,
}

impl Primal {
    fn new(design: &Design, at: Hyperparameters) -> Self {
        let dims = design.dims();
        let (mut precision, mut pull) = (Mat::<f64>::zeros(dims, dims), Mat::<f64>::zeros(dims, 1));
        for first in (0..design.ratings()).step_by(CHUNK) {
            let count = CHUNK.min(design.ratings() - first);
            let weight = |j: usize| (at.noise + design.extra_noise[first + j]).sqrt().recip();
            let faces = Mat::from_fn(dims, count, |i, j| weight(j) * f64::from(design.faces[(i, first + j)]));
            let targets = Mat::from_fn(count, 1, |j, _| weight(j) * design.targets[first + j]);
            lower_product(&mut precision, Accum::Add, faces.as_ref(), faces.transpose());
            matmul(&mut pull, Accum::Add, &faces, &targets, 1.0, Par::Seq);
        }
        mirror(&mut precision);
        let start = design.spread_out(RANK);
        let start = Mat::from_fn(dims, start.len(), |i, j| f64::from(design.faces[(i, start[j])]));
        Self { signal: at.signal, precision, pull, start }
    }

    fn mean(&self) -> Mat<f64> {
        let mut system = self.precision.clone();
        for i in 0..system.nrows() {
            system[(i, i)] += self.signal.recip();
        }
        let factor = system.llt(Side::Lower).expect("the prior makes the precision positive definite");
        let mut weights = self.pull.clone();
        factor.solve_in_place(weights.as_mut());
        weights
    }

    /// With U = N⁻¹·Φᵀ·Q for directions Q in weight space.
    fn reduction(&self) -> Vec<f32> {
        let directions = power_iteration(&self.precision, self.start.clone());
        let (rank, dims) = (directions.ncols(), directions.nrows());
        let mut seen = Mat::<f64>::zeros(dims, rank);
        matmul(&mut seen, Accum::Replace, &self.precision, &directions, 1.0, Par::Seq);
        let mut projected = Mat::<f64>::zeros(rank, rank);
        matmul(&mut projected, Accum::Replace, seen.transpose(), &seen, self.signal, Par::Seq);
        matmul(&mut projected, Accum::Add, directions.transpose(), &seen, 1.0, Par::Seq);
        // Directions that no face takes have nothing to tell; a trace on the diagonal keeps them from dividing by zero,
        // and can only widen the variance.
        let trace = 1e-9 * (0..rank).map(|i| projected[(i, i)]).sum::<f64>();
        for i in 0..rank {
            projected[(i, i)] += trace;
        }
        let combined = Mat::from_fn(rank, dims, |i, j| self.signal * seen[(j, i)]);
        whiten(&projected, combined)
    }
}

/// Orthonormal columns close to the leading eigenvectors of a symmetric matrix.
fn power_iteration<T: faer::traits::RealField>(matrix: &Mat<T>, start: Mat<T>) -> Mat<T> {
    let mut columns = start;
    for _ in 0..2 {
        let basis = columns.qr().compute_thin_Q();
        matmul(&mut columns, Accum::Replace, matrix, &basis, T::one_impl(), Par::Seq);
    }
    columns.qr().compute_thin_Q()
}

/// L⁻¹·`rows` for L·Lᵀ = `matrix`, row by row.
fn whiten(matrix: &Mat<f64>, mut rows: Mat<f64>) -> Vec<f32> {
    let factor = matrix.llt(Side::Lower).expect("noise makes the projected covariance positive definite");
    solve_lower_triangular_in_place(factor.L(), rows.as_mut(), Par::Seq);
    let rows = &rows;
    (0..rows.nrows()).flat_map(|i| (0..rows.ncols()).map(move |j| rows[(i, j)] as f32)).collect()
}

/// The lower triangle of a product known to be symmetric: half the work.
fn lower_product<T: faer::traits::RealField>(to: &mut Mat<T>, accum: Accum, left: MatRef<'_, T>, right: MatRef<'_, T>) {
    let whole = BlockStructure::Rectangular;
    matmul_structured(to, BlockStructure::TriangularLower, accum, left, whole, right, whole, T::one_impl(), Par::Seq);
}

fn mirror<T: faer::traits::RealField + Copy>(matrix: &mut Mat<T>) {
    for j in 0..matrix.ncols() {
        for i in 0..j {
            matrix[(i, j)] = matrix[(j, i)];
        }
    }
}

fn to_f64(matrix: &Mat<f32>) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| f64::from(matrix[(i, j)]))
}

fn to_f32(column: &Mat<f64>) -> Vec<f32> {
    (0..column.nrows()).map(|i| column[(i, 0)] as f32).collect()
}
