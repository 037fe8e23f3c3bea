//! How alike two faces are, by what each block of features says.
//!
//! A face is read in three blocks: its crop's embedding, its whole picture's, and its colours. In each, likeness falls off
//! with the squared distance d² as 1 / (1 + d² / 2ℓ²), the rational quadratic kernel: a blend of bell curves of many
//! widths, so a taste may hang on broad and on fine differences at once, and no exponential is needed. The kernel of a
//! taste is the blocks' weighted sum. A sum, not a product: two faces may be alike in colour only, and what was learnt of
//! one block can be told from the rest ([`Blocks`]).

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use serde::{Deserialize, Serialize};

use crate::domain::{COLOUR_DIMS, EMBEDDING_DIMS, Features, VIEW_DIMS};

/// Length of a face as the kernel reads it.
pub(super) const DIMS: usize = EMBEDDING_DIMS + COLOUR_DIMS;
/// Where the blocks lie in it: crop, picture, colour.
const BLOCKS: [std::ops::Range<usize>; 3] = [0..VIEW_DIMS, VIEW_DIMS..EMBEDDING_DIMS, EMBEDDING_DIMS..DIMS];

/// Total variance of the rooted histogram over 633 rated faces: scales colours like the embeddings, to a mean squared
/// length of about 1.
const COLOUR_VARIANCE: f32 = 0.51;
/// Colours are few and coarse: what is alike in them is closer than in the embeddings.
const COLOUR_LENGTH: f64 = 0.7;
/// Values beyond are freaks (typical ones are below 0.5), and must not drown all others.
const CLIP: f32 = 4.0;

/// One number a block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Blocks {
    /// The face: its crop's embedding.
    pub face: f64,
    /// The whole picture's embedding.
    pub picture: f64,
    /// The crop's colours.
    pub colour: f64,
}

/// What the kernel looks like, beside its height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// ℓ, the distance at which likeness begins to fade.
    pub(super) length: f64,
    /// The picture's part of the whole, 0–1.
    pub(super) picture: f64,
    /// The colours' part of what is left, 0–1.
    pub(super) colour: f64,
}

impl Shape {
    /// The blocks' shares of the signal, in the order of [`BLOCKS`]; they sum to 1.
    pub(super) fn shares(self) -> [f64; 3] {
        let face = 1.0 - self.picture;
        [face * (1.0 - self.colour), self.picture, face * self.colour]
    }

    /// 1 / 2ℓ² of each block.
    fn inverse_lengths(self) -> [f32; 3] {
        [self.length, self.length, COLOUR_LENGTH * self.length].map(|l| (0.5 / (l * l)) as f32)
    }
}

/// `features` as the kernel reads them, [`DIMS`] long, into `out`: embeddings as they are, colours as the roots of their
/// shares (the Hellinger distance), scaled; all rounded to the 16 bits of a [`packed`](Faces::packed) face. Not a number
/// stays so.
fn write(features: &Features, out: &mut [f32]) {
    let (embedding, colour) = out.split_at_mut(EMBEDDING_DIMS);
    for (out, x) in embedding.iter_mut().zip(&features.embedding) {
        *out = rounded(x.clamp(-CLIP, CLIP));
    }
    let total: f64 = features.colour.iter().map(|x| f64::from(x.abs())).sum();
    let share = if total > 0.0 { total.recip() } else { 0.0 };
    for (out, x) in colour.iter_mut().zip(&features.colour) {
        *out = rounded(((f64::from(x.abs()) * share).sqrt() as f32).copysign(*x) / COLOUR_VARIANCE.sqrt());
    }
}

/// To the nearest number whose lower half is zero (bfloat16, a relative step of 1/128): far below what two JPEGs of one
/// face differ by.
fn rounded(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    let bits = x.to_bits();
    f32::from_bits(bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
}

/// Of each of some faces, packed, the likeness to one other, with a height of 1. Written so that the compiler makes wide
/// instructions of it where its caller lets it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "is made for the caller's instruction set")]
pub(super) fn likeness_to(packed: &[u16], norms: &[[f32; 3]], face: &Faces, shape: Shape, out: &mut [f32]) {
    let (share, inverse) = (shape.shares().map(|s| s as f32), shape.inverse_lengths());
    let (other, other_norms) = (&face.rows[..DIMS], face.norms[0]);
    for ((row, norms), out) in packed.chunks_exact(DIMS).zip(norms).zip(out) {
        *out = 0.0;
        for block in 0..3 {
            let range = BLOCKS[block].clone();
            let product = product(&row[range.clone()], &other[range]);
            // Rounding can take a face's distance to itself below zero; not a number must stay so.
            let square = norms[block] + other_norms[block] - 2.0 * product;
            let square = if square < 0.0 { 0.0 } else { square };
            *out += share[block] / (1.0 + square * inverse[block]);
        }
    }
}

/// In sixteen sums side by side: all blocks' lengths are multiples of that.
#[inline(always)]
#[expect(clippy::inline_always, reason = "is made for the caller's instruction set")]
fn product(packed: &[u16], other: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for (some, others) in packed.as_chunks::<16>().0.iter().zip(other.as_chunks::<16>().0) {
        for ((sum, x), y) in sums.iter_mut().zip(some).zip(others) {
            *sum += f32::from_bits(u32::from(*x) << 16) * y;
        }
    }
    sums.iter().sum()
}

/// Faces as the kernel reads them, all of the right lengths.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Faces {
    /// [faces × [`DIMS`]], a face a row.
    rows: Vec<f32>,
    /// Squared length of each block of each face.
    norms: Vec<[f32; 3]>,
}

impl Faces {
    pub(super) fn new<'a>(faces: impl Iterator<Item = &'a Features>) -> Self {
        let mut rows = Vec::new();
        for features in faces {
            let start = rows.len();
            rows.resize(start + DIMS, 0.0);
            write(features, &mut rows[start..]);
        }
        Self::from_rows(rows)
    }

    fn from_rows(rows: Vec<f32>) -> Self {
        let norm = |part: &[f32]| part.iter().map(|x| x * x).sum();
        let norms = rows.chunks_exact(DIMS).map(|row| BLOCKS.map(|block| norm(&row[block]))).collect();
        Self { rows, norms }
    }

    /// `None` if a length is wrong.
    pub(super) fn one(features: &Features) -> Option<Self> {
        let right = features.embedding.len() == EMBEDDING_DIMS && features.colour.len() == COLOUR_DIMS;
        right.then(|| Self::new(std::iter::once(features)))
    }

    pub(super) fn len(&self) -> usize {
        self.norms.len()
    }

    pub(super) fn norms(&self) -> &[[f32; 3]] {
        &self.norms
    }

    /// The upper halves of the numbers of all rows, which is all there is to them.
    pub(super) fn packed(&self) -> Vec<u16> {
        self.rows.iter().map(|x| (x.to_bits() >> 16) as u16).collect()
    }

    /// Reads what [`Self::packed`] made.
    pub(super) fn from_packed(packed: &[u16]) -> Self {
        Self::from_rows(packed.iter().map(|x| f32::from_bits(u32::from(*x) << 16)).collect())
    }

    pub(super) fn pick(&self, which: &[usize]) -> Self {
        let rows = which.iter().flat_map(|&i| &self.rows[i * DIMS..(i + 1) * DIMS]).copied().collect();
        Self { rows, norms: which.iter().map(|&i| self.norms[i]).collect() }
    }

    fn block(&self, block: usize) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(&self.rows, self.len(), DIMS).subcols(BLOCKS[block].start, BLOCKS[block].len())
    }
}

/// Squared distances of some faces to others, by block: each [some × others], column by column.
pub(super) struct Distances {
    rows: usize,
    columns: usize,
    blocks: [Vec<f32>; 3],
}

impl Distances {
    pub(super) fn new(some: &Faces, others: &Faces) -> Self {
        let (rows, columns) = (some.len(), others.len());
        let blocks = [0, 1, 2].map(|block| {
            let mut product = Mat::<f32>::zeros(rows, columns);
            matmul(&mut product, Accum::Replace, some.block(block), others.block(block).transpose(), -2.0, Par::Seq);
            let mut squares = Vec::with_capacity(rows * columns);
            for j in 0..columns {
                let column = product.col(j);
                let column = column.try_as_col_major().expect("columns of a new matrix are contiguous").as_slice();
                let norm = others.norms[j][block];
                // Rounding can take a face's distance to itself below zero; not a number must stay so.
                let square = |(product, some): (&f32, &[f32; 3])| {
                    let square = product + some[block] + norm;
                    if square < 0.0 { 0.0 } else { square }
                };
                squares.extend(column.iter().zip(&some.norms).map(square));
            }
            squares
        });
        Self { rows, columns, blocks }
    }

    /// The kernel, with a height of 1.
    pub(super) fn likeness(&self, shape: Shape) -> Mat<f32> {
        let (share, inverse) = (shape.shares().map(|s| s as f32), shape.inverse_lengths());
        let [face, picture, colour] = &self.blocks;
        let mut likeness = Mat::zeros(self.rows, self.columns);
        for (j, column) in likeness.col_iter_mut().enumerate() {
            let column = column.try_as_col_major_mut().expect("columns of a new matrix are contiguous").as_slice_mut();
            let range = j * self.rows..(j + 1) * self.rows;
            let distances = face[range.clone()].iter().zip(&picture[range.clone()]).zip(&colour[range]);
            let alike = |block: usize, distance: &f32| share[block] / (1.0 + distance * inverse[block]);
            for (out, ((face, picture), colour)) in column.iter_mut().zip(distances) {
                *out = alike(0, face) + alike(1, picture) + alike(2, colour);
            }
        }
        likeness
    }

    /// Each block's part of the kernel between face `i` of some and `j` of the others.
    pub(super) fn parts(&self, shape: Shape, i: usize, j: usize) -> Blocks {
        let (shares, lengths) = (shape.shares(), shape.inverse_lengths());
        let part = |b: usize| shares[b] / f64::from(1.0 + self.blocks[b][j * self.rows + i] * lengths[b]);
        Blocks { face: part(0), picture: part(1), colour: part(2) }
    }
}
