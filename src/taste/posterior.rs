//! The posterior over scores: a Gaussian process on some of the rated faces, the centres.
//!
//! With K the kernel among the m centres, L·Lᵀ = K, and k(x) the kernel between them and a face x, the face becomes
//! φ(x) = L⁻¹·k(x), to which come a constant, the person's mean, and one entry a rater, that rater's offset. On those,
//! ratings are a linear regression with weights w ~ N(0, I): H = Ψ·N⁻¹·Ψᵀ, mean weights (H + I)⁻¹·Ψ·N⁻¹·y. Up to
//! [`CENTRES`] ratings every rated face is a centre and this is the exact posterior; beyond, centres are spread evenly over
//! time, all ratings still speak, and the work grows with their number, not its cube.
//!
//! The variance at a face is what the prior had minus what the ratings took off it. That reduction is kept for [`RANK`]
//! combinations of the ratings instead of all: |B·u|² with u the face's likeness to the centres and a constant. It is what
//! one would know from those combinations alone, hence never more than all ratings tell: the variance errs to the wide
//! side only. The combinations are the leading directions of H, found by two steps of power iteration.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as matmul_structured};
use faer::linalg::solvers::Solve;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatRef, Par, Side};

use super::evidence::{Hyperparameters, Said};
use super::kernel::{Blocks, Distances, Faces};

/// Faces that a taste remembers.
pub(super) const CENTRES: usize = 384;
/// Combinations of ratings kept for the variance.
pub(super) const RANK: usize = 128;
/// Prior variance of a person's mean, in stars².
pub(super) const MEAN_VARIANCE: f64 = 1.0;
/// Prior variance of a rater's offset from the common mean, in stars².
pub(super) const OFFSET_VARIANCE: f64 = 0.25;
/// Raters with an offset of their own; those with the most ratings. The others share the common mean.
const OFFSETS: usize = 64;
/// Near-duplicate centres make K all but singular; this on its diagonal keeps the factorisation sound, and only widens.
const JITTER: f64 = 1e-4;

/// At most `limit` of `all`, evenly spread.
pub(super) fn spread_out(all: usize, limit: usize) -> Vec<usize> {
    let kept = all.min(limit);
    (0..kept).map(|i| i * all / kept).collect()
}

/// Rated faces as weights see them: everything about a fit that does not depend on what was said.
pub(super) struct Design {
    at: Hyperparameters,
    centres: Faces,
    /// L of the centres' kernel.
    factor: Mat<f64>,
    /// Ψ, [centres + 1 + offsets × ratings].
    columns: Mat<f64>,
}

impl Design {
    pub(super) fn new(faces: &Faces, raters: &[u64], at: Hyperparameters) -> Self {
        let centres = faces.pick(&spread_out(faces.len(), CENTRES));
        let m = centres.len();
        let among = Distances::new(&centres, &centres).likeness(at.shape);
        let covariance =
            Mat::from_fn(m, m, |i, j| at.signal * (f64::from(among[(i, j)]) + if i == j { JITTER } else { 0.0 }));
        let factor = covariance.llt(Side::Lower).expect("the jitter makes the kernel positive definite");
        let factor = factor.L().to_owned();
        let likeness = Distances::new(&centres, faces).likeness(at.shape);
        let offsets = most_frequent(raters);
        let mut columns = Mat::zeros(m + 1 + offsets.len(), faces.len());
        for (j, rater) in raters.iter().enumerate() {
            for i in 0..m {
                columns[(i, j)] = at.signal * f64::from(likeness[(i, j)]);
            }
            columns[(m, j)] = MEAN_VARIANCE.sqrt();
            if let Some(offset) = offsets.iter().position(|r| r == rater) {
                columns[(m + 1 + offset, j)] = OFFSET_VARIANCE.sqrt();
            }
        }
        solve_lower_triangular_in_place(factor.as_ref(), columns.as_mut().subrows_mut(0, m), Par::Seq);
        Self { at, centres, factor, columns }
    }

    /// The posterior given what was said in the ratings of `rows`.
    pub(super) fn posterior(&self, said: Said, rows: &[usize]) -> Posterior {
        let system = System::new(self, said, rows);
        let weights = system.mean();
        let m = self.centres.len();
        let mut alpha = Mat::from_fn(m, 1, |i, _| weights[(i, 0)]);
        solve_upper_triangular_in_place(self.factor.transpose(), alpha.as_mut(), Par::Seq);
        let constant = (MEAN_VARIANCE.sqrt() * weights[(m, 0)]) as f32;
        let alpha = (0..m).map(|i| (self.at.signal * alpha[(i, 0)]) as f32);
        Posterior {
            at: self.at,
            centres: self.centres.clone(),
            alpha: alpha.chain([constant]).collect(),
            reduction: self.to_likeness(&system.reduction()),
        }
    }

    /// The mean alone at each rated face, for ranking, given what was said in the ratings of `rows`.
    pub(super) fn means(&self, said: Said, rows: &[usize]) -> Vec<f64> {
        let mut weights = System::new(self, said, rows).mean();
        // Of the average rater.
        for i in self.centres.len() + 1..weights.nrows() {
            weights[(i, 0)] = 0.0;
        }
        let mut means = Mat::<f64>::zeros(self.columns.ncols(), 1);
        matmul(&mut means, Accum::Replace, self.columns.transpose(), &weights, 1.0, Par::Seq);
        (0..means.nrows()).map(|i| means[(i, 0)]).collect()
    }

    /// Rows over φ, constant and offsets become rows over likeness and constant: B = X·diag(s·L⁻¹, c), row by row.
    fn to_likeness(&self, rows: &Mat<f64>) -> Vec<f32> {
        let m = self.centres.len();
        let mut turned = rows.transpose().to_owned();
        solve_upper_triangular_in_place(self.factor.transpose(), turned.as_mut().subrows_mut(0, m), Par::Seq);
        let value = |i: usize, j: usize| match j {
            j if j < m => (self.at.signal * turned[(j, i)]) as f32,
            _ => (MEAN_VARIANCE.sqrt() * turned[(m, i)]) as f32,
        };
        (0..turned.ncols()).flat_map(|i| (0..=m).map(move |j| (i, j))).map(|(i, j)| value(i, j)).collect()
    }
}

/// None where all were said by one: then there is nothing to set off from.
fn most_frequent(raters: &[u64]) -> Vec<u64> {
    let mut sorted = raters.to_vec();
    sorted.sort_unstable();
    let mut counts: Vec<(usize, u64)> = sorted.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
    if counts.len() < 2 {
        return Vec::new();
    }
    counts.sort_unstable_by_key(|&(count, rater)| (std::cmp::Reverse(count), rater));
    counts.truncate(OFFSETS);
    counts.into_iter().map(|(_, rater)| rater).collect()
}

/// The regression's normal equations.
struct System {
    /// H = Ψ·N⁻¹·Ψᵀ
    precision: Mat<f64>,
    /// Ψ·N⁻¹·y
    pull: Mat<f64>,
    /// Some of Ψ, to start looking for the leading directions from.
    start: Mat<f64>,
}

impl System {
    fn new(design: &Design, said: Said, rows: &[usize]) -> Self {
        let (dims, n) = (design.columns.nrows(), rows.len());
        let weight = |j: usize| (design.at.noise + said.extra_noise[rows[j]]).sqrt().recip();
        let weighted = Mat::from_fn(dims, n, |i, j| weight(j) * design.columns[(i, rows[j])]);
        let targets = Mat::from_fn(n, 1, |j, _| weight(j) * said.targets[rows[j]]);
        let (mut precision, mut pull) = (Mat::zeros(dims, dims), Mat::zeros(dims, 1));
        // The lower triangle of a product known to be symmetric: half the work.
        let whole = BlockStructure::Rectangular;
        matmul_structured(
            &mut precision,
            BlockStructure::TriangularLower,
            Accum::Replace,
            &weighted,
            whole,
            weighted.transpose(),
            whole,
            1.0,
            Par::Seq,
        );
        for j in 0..dims {
            for i in 0..j {
                precision[(i, j)] = precision[(j, i)];
            }
        }
        matmul(&mut pull, Accum::Replace, &weighted, &targets, 1.0, Par::Seq);
        let start = spread_out(n, RANK);
        let start = Mat::from_fn(dims, start.len(), |i, j| weighted[(i, start[j])]);
        Self { precision, pull, start }
    }

    fn mean(&self) -> Mat<f64> {
        let mut system = self.precision.clone();
        for i in 0..system.nrows() {
            system[(i, i)] += 1.0;
        }
        let factor = system.llt(Side::Lower).expect("the prior makes the precision positive definite");
        let mut weights = self.pull.clone();
        factor.solve_in_place(weights.as_mut());
        weights
    }

    /// X with `XᵀX = H·Q·(Qᵀ·H²·Q + Qᵀ·H·Q)⁻¹·Qᵀ·H` for the leading directions Q: what Qᵀ·Ψ·N⁻¹·y alone tells of the weights.
    fn reduction(&self) -> Mat<f64> {
        let dims = self.precision.nrows();
        let directions =
            if dims <= RANK { Mat::identity(dims, dims) } else { power_iteration(&self.precision, self.start.clone()) };
        let rank = directions.ncols();
        let mut seen = Mat::<f64>::zeros(dims, rank);
        matmul(&mut seen, Accum::Replace, &self.precision, &directions, 1.0, Par::Seq);
        let mut projected = Mat::<f64>::zeros(rank, rank);
        matmul(&mut projected, Accum::Replace, seen.transpose(), &seen, 1.0, Par::Seq);
        matmul(&mut projected, Accum::Add, directions.transpose(), &seen, 1.0, Par::Seq);
        // Directions that no face takes have nothing to tell; a trace on the diagonal keeps them from dividing by zero,
        // and can only widen the variance.
        let trace = 1e-10 * (0..rank).map(|i| projected[(i, i)]).sum::<f64>();
        for i in 0..rank {
            projected[(i, i)] += trace;
        }
        let factor = projected.llt(Side::Lower).expect("the trace makes what was seen positive definite");
        let mut rows = seen.transpose().to_owned();
        solve_lower_triangular_in_place(factor.L(), rows.as_mut(), Par::Seq);
        rows
    }
}

/// Orthonormal columns close to the leading eigenvectors of a symmetric matrix.
fn power_iteration(matrix: &Mat<f64>, start: Mat<f64>) -> Mat<f64> {
    let mut columns = start;
    for _ in 0..2 {
        let basis = columns.qr().compute_thin_Q();
        matmul(&mut columns, Accum::Replace, matrix, &basis, 1.0, Par::Seq);
    }
    columns.qr().compute_thin_Q()
}

/// What scoring needs of a posterior.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Posterior {
    pub(super) at: Hyperparameters,
    pub(super) centres: Faces,
    /// Weight of the likeness to each centre, then the person's mean.
    pub(super) alpha: Vec<f32>,
    /// B, [up to [`RANK`] × centres + 1], row by row.
    pub(super) reduction: Vec<f32>,
}

impl Posterior {
    /// Mean and variance of each face's score, beside what was expected before.
    pub(super) fn predict(&self, faces: &Faces) -> Vec<(f64, f64)> {
        let (m, n) = (self.centres.len(), faces.len());
        let likeness = Distances::new(&self.centres, faces).likeness(self.at.shape);
        let reduced = self.reduce(&likeness);
        let mut means = Mat::<f32>::zeros(1, n);
        let (alpha, constant) = (MatRef::from_row_major_slice(&self.alpha[..m], 1, m), self.alpha[m]);
        matmul(&mut means, Accum::Replace, alpha, &likeness, 1.0, Par::Seq);
        let prior = self.at.signal + MEAN_VARIANCE;
        (0..n)
            .map(|j| {
                // Rounding can take off slightly more than the prior; not a number must stay so.
                let variance = prior - f64::from(reduced.col(j).squared_norm_l2());
                let variance = if variance < 0.0 { 0.0 } else { variance };
                (f64::from(constant) + f64::from(means[(0, j)]), variance)
            })
            .collect()
    }

    /// B·u of each face: the covariance of two faces is the prior's less the product of these.
    pub(super) fn reduced(&self, faces: &Faces) -> Mat<f32> {
        self.reduce(&Distances::new(&self.centres, faces).likeness(self.at.shape))
    }

    fn reduce(&self, likeness: &Mat<f32>) -> Mat<f32> {
        let m = self.centres.len();
        let rank = self.reduction.len() / (m + 1);
        let reduction = MatRef::from_row_major_slice(&self.reduction, rank, m + 1);
        let mut reduced = Mat::from_fn(rank, likeness.ncols(), |i, _| reduction[(i, m)]);
        matmul(&mut reduced, Accum::Add, reduction.subcols(0, m), likeness, 1.0, Par::Seq);
        reduced
    }

    /// How much each block's likeness to the centres moves the score of one face, in stars.
    pub(super) fn contributions(&self, face: &Faces) -> Blocks {
        let distances = Distances::new(&self.centres, face);
        let mut sum = Blocks::default();
        for (i, alpha) in self.alpha[..self.centres.len()].iter().enumerate() {
            let (part, alpha) = (distances.parts(self.at.shape, i, 0), f64::from(*alpha));
            sum.face += alpha * part.face;
            sum.picture += alpha * part.picture;
            sum.colour += alpha * part.colour;
        }
        sum
    }
}
