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

use std::collections::BTreeMap;

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as matmul_structured};
use faer::linalg::solvers::{Llt, Solve};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatRef, Par, Side};
use pulp::{Simd, WithSimd};

use super::evidence::{Hyperparameters, Said};
use super::kernel::{Blocks, Distances, Faces, likeness_to};

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

/// Rated faces as weights see them: everything about a fit that is the same for all parts of the ratings.
pub(super) struct Design {
    at: Hyperparameters,
    centres: Faces,
    /// L of the centres' kernel.
    factor: Mat<f64>,
    /// Ψ·N^−½, [centres + 1 + offsets × ratings]: a rating that says little is short.
    columns: Mat<f64>,
    /// N^−½
    weights: Vec<f64>,
    /// N^−½·y
    targets: Vec<f64>,
}

/// What some ratings say together. What several parts say is their sum.
#[derive(Clone)]
pub(super) struct Heard {
    /// H = Ψ·N⁻¹·Ψᵀ
    precision: Mat<f64>,
    /// Ψ·N⁻¹·y
    pull: Mat<f64>,
}

impl Heard {
    pub(super) fn add(&mut self, other: &Self) {
        self.precision += &other.precision;
        self.pull += &other.pull;
    }

    /// H + I, factorised.
    fn factor(&self) -> Llt<f64> {
        let mut system = self.precision.clone();
        for i in 0..system.nrows() {
            system[(i, i)] += 1.0;
        }
        system.llt(Side::Lower).expect("the prior makes the precision positive definite")
    }

    fn mean(&self) -> Mat<f64> {
        let mut weights = self.pull.clone();
        self.factor().solve_in_place(weights.as_mut());
        weights
    }

    /// X with `XᵀX = H·Q·(Qᵀ·H²·Q + Qᵀ·H·Q)⁻¹·Qᵀ·H` for the leading directions Q: what Qᵀ·Ψ·N⁻¹·y alone tells of the weights.
    fn reduction(&self) -> Mat<f64> {
        let dims = self.precision.nrows();
        let directions = if dims <= RANK { Mat::identity(dims, dims) } else { leading_directions(&self.precision) };
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

/// [`RANK`] orthonormal columns close to the leading eigenvectors of a symmetric matrix, by power iteration.
fn leading_directions(matrix: &Mat<f64>) -> Mat<f64> {
    let some = spread_out(matrix.ncols(), RANK);
    let mut columns = Mat::from_fn(matrix.nrows(), some.len(), |i, j| matrix[(i, some[j])]);
    for _ in 0..2 {
        let basis = columns.qr().compute_thin_Q();
        matmul(&mut columns, Accum::Replace, matrix, &basis, 1.0, Par::Seq);
    }
    columns.qr().compute_thin_Q()
}

impl Design {
    pub(super) fn new(faces: &Faces, said: Said, at: Hyperparameters) -> Self {
        let centres = faces.pick(&spread_out(faces.len(), CENTRES));
        let m = centres.len();
        let among = Distances::new(&centres, &centres).likeness(at.shape);
        let covariance =
            Mat::from_fn(m, m, |i, j| at.signal * (f64::from(among[(i, j)]) + if i == j { JITTER } else { 0.0 }));
        let factor = covariance.llt(Side::Lower).expect("the jitter makes the kernel positive definite");
        let factor = factor.L().to_owned();
        let likeness = Distances::new(&centres, faces).likeness(at.shape);
        let offsets = most_frequent(said.raters);
        let weights: Vec<f64> = (0..faces.len()).map(|j| said.noise(at, j).sqrt().recip()).collect();
        let mut columns = Mat::zeros(m + 1 + offsets.len(), faces.len());
        for (j, weight) in weights.iter().enumerate() {
            for i in 0..m {
                columns[(i, j)] = weight * at.signal * f64::from(likeness[(i, j)]);
            }
            columns[(m, j)] = weight * MEAN_VARIANCE.sqrt();
            if let Some(offset) = offsets.iter().position(|r| *r == said.raters[j]) {
                columns[(m + 1 + offset, j)] = weight * OFFSET_VARIANCE.sqrt();
            }
        }
        solve_lower_triangular_in_place(factor.as_ref(), columns.as_mut().subrows_mut(0, m), Par::Seq);
        let targets = said.targets.iter().zip(&weights).map(|(target, weight)| target * weight).collect();
        Self { at, centres, factor, columns, weights, targets }
    }

    /// What the ratings of `rows` say.
    pub(super) fn heard(&self, rows: &[usize]) -> Heard {
        let some = self.some(rows);
        let targets = Mat::from_fn(rows.len(), 1, |j, _| self.targets[rows[j]]);
        let dims = some.nrows();
        let (mut precision, mut pull) = (Mat::zeros(dims, dims), Mat::zeros(dims, 1));
        // The lower triangle of a product known to be symmetric: half the work.
        let whole = BlockStructure::Rectangular;
        matmul_structured(
            &mut precision,
            BlockStructure::TriangularLower,
            Accum::Replace,
            &some,
            whole,
            some.transpose(),
            whole,
            1.0,
            Par::Seq,
        );
        for j in 0..dims {
            for i in 0..j {
                precision[(i, j)] = precision[(j, i)];
            }
        }
        matmul(&mut pull, Accum::Replace, &some, &targets, 1.0, Par::Seq);
        Heard { precision, pull }
    }

    fn some(&self, rows: &[usize]) -> Mat<f64> {
        let mut some = Mat::zeros(self.columns.nrows(), rows.len());
        for (mut column, &row) in some.col_iter_mut().zip(rows) {
            column.copy_from(self.columns.col(row));
        }
        some
    }

    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.weights.len()).collect()
    }

    pub(super) fn posterior(&self, heard: &Heard) -> Posterior {
        let weights = heard.mean();
        let m = self.centres.len();
        let mut alpha = Mat::from_fn(m, 1, |i, _| weights[(i, 0)]);
        solve_upper_triangular_in_place(self.factor.transpose(), alpha.as_mut(), Par::Seq);
        let constant = (MEAN_VARIANCE.sqrt() * weights[(m, 0)]) as f32;
        let alpha = (0..m).map(|i| (self.at.signal * alpha[(i, 0)]) as f32);
        let reduction = self.to_likeness(&heard.reduction());
        Posterior::new(self.at, self.centres.clone(), alpha.chain([constant]).collect(), reduction)
    }

    /// The mean alone of the faces of `rows`, for ranking.
    pub(super) fn means(&self, heard: &Heard, rows: &[usize]) -> Vec<f64> {
        let mut weights = heard.mean();
        self.forget_raters(&mut weights);
        self.means_by(&weights, rows)
    }

    /// For each rated face the mean as it would be without the ratings of its group: exact for these hyperparameters, by
    /// taking the group's part out of the normal equations. Groups are numbers, one a rating.
    pub(super) fn means_left_out(&self, groups: &[u64]) -> Vec<f64> {
        let all = self.all();
        let heard = self.heard(&all);
        let factor = heard.factor();
        let mut weights = heard.pull.clone();
        factor.solve_in_place(weights.as_mut());
        let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (row, group) in groups.iter().enumerate() {
            members.entry(*group).or_default().push(row);
        }
        let mut means = vec![0.0; all.len()];
        for rows in members.values() {
            let own = self.some(rows);
            // e = (I − Ψᵀ·(H + I)⁻¹·Ψ)⁻¹·(y − Ψᵀ·w) of the group; without it the weights are w − (H + I)⁻¹·Ψ·e.
            let mut solved = own.clone();
            factor.solve_in_place(solved.as_mut());
            let mut left = Mat::<f64>::identity(rows.len(), rows.len());
            matmul(&mut left, Accum::Add, own.transpose(), &solved, -1.0, Par::Seq);
            let mut error = Mat::from_fn(rows.len(), 1, |i, _| self.targets[rows[i]]);
            matmul(&mut error, Accum::Add, own.transpose(), &weights, -1.0, Par::Seq);
            left.llt(Side::Lower)
                .expect("ratings have noise, so no group is all that is known of itself")
                .solve_in_place(error.as_mut());
            let mut without = weights.clone();
            matmul(&mut without, Accum::Add, &solved, &error, -1.0, Par::Seq);
            self.forget_raters(&mut without);
            for (&row, mean) in rows.iter().zip(self.means_by(&without, rows)) {
                means[row] = mean;
            }
        }
        means
    }

    /// Scores are the average rater's.
    fn forget_raters(&self, weights: &mut Mat<f64>) {
        for i in self.centres.len() + 1..weights.nrows() {
            weights[(i, 0)] = 0.0;
        }
    }

    fn means_by(&self, weights: &Mat<f64>, rows: &[usize]) -> Vec<f64> {
        let mean = |row: usize| (self.columns.col(row).transpose() * weights.col(0)) / self.weights[row];
        rows.iter().map(|&row| mean(row)).collect()
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

/// What scoring needs of a posterior.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Posterior {
    pub(super) at: Hyperparameters,
    pub(super) centres: Faces,
    /// The centres again, half as long: what scores are made from stays in the processor's cache.
    packed: Vec<u16>,
    /// Weight of the likeness to each centre, then the person's mean.
    pub(super) alpha: Vec<f32>,
    /// B, [up to [`RANK`] × centres + 1], row by row.
    pub(super) reduction: Vec<f32>,
}

impl Posterior {
    pub(super) fn new(at: Hyperparameters, centres: Faces, alpha: Vec<f32>, reduction: Vec<f32>) -> Self {
        Self { at, packed: centres.packed(), centres, alpha, reduction }
    }

    /// Mean and variance of one face's score, as of [`Self::predict`].
    pub(super) fn predict_one(&self, face: &Faces) -> (f64, f64) {
        let (mean, reduced) = pulp::Arch::new().dispatch(One { posterior: self, face });
        (f64::from(mean), self.variance(reduced))
    }

    /// Rounding can take off slightly more than the prior; not a number must stay so.
    fn variance(&self, reduced: f32) -> f64 {
        let variance = self.at.signal + MEAN_VARIANCE - f64::from(reduced);
        if variance < 0.0 { 0.0 } else { variance }
    }

    /// Mean and variance of each face's score, beside what was expected before.
    pub(super) fn predict(&self, faces: &Faces) -> Vec<(f64, f64)> {
        let (m, n) = (self.centres.len(), faces.len());
        let likeness = Distances::new(&self.centres, faces).likeness(self.at.shape);
        let reduced = self.reduce(&likeness);
        let mut means = Mat::<f32>::zeros(1, n);
        let (alpha, constant) = (MatRef::from_row_major_slice(&self.alpha[..m], 1, m), self.alpha[m]);
        matmul(&mut means, Accum::Replace, alpha, &likeness, 1.0, Par::Seq);
        (0..n)
            .map(|j| {
                let variance = self.variance(reduced.col(j).squared_norm_l2());
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

/// The mean of one face, and what its ratings took off its variance.
struct One<'a> {
    posterior: &'a Posterior,
    face: &'a Faces,
}

/// With the widest instructions that this machine has.
impl WithSimd for One<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "is made for the caller's instruction set")]
    fn with_simd<S: Simd>(self, _: S) -> (f32, f32) {
        let Posterior { at, centres, packed, alpha, reduction } = self.posterior;
        let m = centres.len();
        let mut likeness = vec![1.0f32; m + 1];
        likeness_to(packed, centres.norms(), self.face, at.shape, &mut likeness[..m]);
        let mut reduced = 0.0;
        for row in reduction.chunks_exact(m + 1) {
            let one = inner(row, &likeness);
            reduced += one * one;
        }
        (inner(alpha, &likeness), reduced)
    }
}

/// Σ aᵢ·bᵢ, in sixteen sums side by side.
#[inline(always)]
#[expect(clippy::inline_always, reason = "is made for the caller's instruction set")]
fn inner(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}
