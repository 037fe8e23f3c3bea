//! Pillow's `resize(size, BILINEAR, reducing_gap=2.0)`, to the bit: the pixels that the detector was trained on.
//!
//! The detector's confidences lie so close together that which of two overlapping boxes is the surer one turns on a
//! single level of grey: with `fast_image_resize`, whose 16-bit weights round 8 % of the values to a neighbour, every
//! thirteenth box above 0.3 became another one. Everything that is not compared that way goes through `resize`.

use image::RgbImage;

use crate::domain::Size;

/// Fractional bits of a weight.
const PRECISION: u32 = 22;
const HALF: i32 = 1 << (PRECISION - 1);
/// A picture is first averaged down by whole numbers, to no less than this many times the size asked for.
const REDUCING_GAP: f64 = 2.0;

/// Scales the picture to `target`.
pub(super) fn resize(picture: &RgbImage, target: Size) -> RgbImage {
    let (width, height) = picture.dimensions();
    let factor = |from: u32, to: u32| ((f64::from(from) / f64::from(to) / REDUCING_GAP) as u32).max(1);
    let (across, down) = (factor(width, target.width), factor(height, target.height));
    let reduced = (across > 1 || down > 1).then(|| reduce(picture, across, down));
    let source = reduced.as_ref().unwrap_or(picture);
    // The last cell may be a partial one: the picture ends within it. Pillow keeps that end in single precision.
    let extent = |size: u32, factor: u32| (f64::from(size) / f64::from(factor)) as f32;
    let columns = Taps::new(source.width(), extent(width, across), target.width);
    let rows = Taps::new(source.height(), extent(height, down), target.height);
    let narrow = columns.map(|taps| taps.across(source));
    let source = narrow.as_ref().unwrap_or(source);
    rows.map_or_else(|| source.clone(), |taps| taps.down(source))
}

/// Means of cells of `across` × `down` pixels; cells at the right and at the bottom may be partial.
fn reduce(picture: &RgbImage, across: u32, down: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let mut out = RgbImage::new(width.div_ceil(across), height.div_ceil(down));
    let mut sums = vec![[0_u32; 3]; out.width() as usize];
    let line = width as usize * 3;
    let bands = picture.as_raw().chunks(line * down as usize);
    for (band, out) in bands.zip(out.chunks_exact_mut(sums.len() * 3)) {
        sums.fill([0; 3]);
        for row in band.chunks_exact(line) {
            for (sum, cell) in sums.iter_mut().zip(row.chunks(across as usize * 3)) {
                for pixel in cell.as_chunks::<3>().0 {
                    for (sum, &value) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(value);
                    }
                }
            }
        }
        let rows = (band.len() / line) as u32;
        for (x, (mean, sum)) in out.as_chunks_mut::<3>().0.iter_mut().zip(&sums).enumerate() {
            let columns = across.min(width - x as u32 * across);
            let count = columns * rows;
            let reciprocal = u64::from((1 << 24) / count);
            *mean = sum.map(|sum| ((u64::from(sum + count / 2) * reciprocal) >> 24) as u8);
        }
    }
    out
}

/// For each output pixel the first input pixel that it is made of, and the weights from there on.
struct Taps {
    first: Vec<usize>,
    /// `count` for each output pixel, zeros where it needs fewer.
    weights: Vec<i32>,
    count: usize,
}

impl Taps {
    /// Triangle filter from the first `extent` of `input` pixels to `output`; `None` where nothing changes.
    fn new(input: u32, extent: f32, output: u32) -> Option<Self> {
        let scale = f64::from(extent) / f64::from(output);
        #[expect(clippy::float_cmp, reason = "a scale of 1 is exact")]
        if input == output && scale == 1.0 {
            return None;
        }
        let support = scale.max(1.0);
        // Odd counts up to 9 have a loop of their own; so has anything that must read less than that.
        let count = (support.ceil() as usize * 2 + 1).min(input as usize);
        let mut taps = Self { first: Vec::new(), weights: vec![0; count * output as usize], count };
        for (x, weights) in taps.weights.chunks_exact_mut(count).enumerate() {
            let centre = (x as f64 + 0.5) * scale;
            let start = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(input as usize);
            let triangle = |i: usize| (1.0 - ((i as f64 - centre + 0.5) / support).abs()).max(0.0);
            let sum: f64 = (start..end).map(triangle).sum();
            // All reads stay inside: near the end the window begins earlier, with zeros.
            let first = start.min(input as usize - count);
            for (weight, i) in weights[start - first..].iter_mut().zip(start..end) {
                *weight = (triangle(i) / sum * f64::from(1 << PRECISION) + 0.5) as i32;
            }
            taps.first.push(first);
        }
        Some(taps)
    }

    fn outputs(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.first.iter().copied().zip(self.weights.chunks_exact(self.count))
    }

    /// Changes the width.
    fn across(&self, picture: &RgbImage) -> RgbImage {
        let mut out = RgbImage::new(self.first.len() as u32, picture.height());
        let (from, to) = (picture.width() as usize * 3, self.first.len() * 3);
        for (row, out) in picture.chunks_exact(from).zip(out.chunks_exact_mut(to)) {
            let (row, out) = (row.as_chunks().0, out.as_chunks_mut().0);
            match self.count {
                3 => self.row_of::<3>(row, out),
                5 => self.row_of::<5>(row, out),
                7 => self.row_of::<7>(row, out),
                9 => self.row_of::<9>(row, out),
                _ => self.row(row, out),
            }
        }
        out
    }

    /// One row with a number of taps that the compiler knows: twice as fast.
    fn row_of<const COUNT: usize>(&self, row: &[[u8; 3]], out: &mut [[u8; 3]]) {
        for ((out, &first), weights) in out.iter_mut().zip(&self.first).zip(self.weights.as_chunks::<COUNT>().0) {
            let window: &[[u8; 3]; COUNT] = row[first..].first_chunk().expect("all reads stay inside");
            *out = weighted(window, weights);
        }
    }

    fn row(&self, row: &[[u8; 3]], out: &mut [[u8; 3]]) {
        for (out, (first, weights)) in out.iter_mut().zip(self.outputs()) {
            *out = weighted(&row[first..], weights);
        }
    }

    /// Changes the height.
    fn down(&self, picture: &RgbImage) -> RgbImage {
        let mut out = RgbImage::new(picture.width(), self.first.len() as u32);
        let line = picture.width() as usize * 3;
        let mut sums = vec![0_i32; line];
        for (out, (first, weights)) in out.chunks_exact_mut(line).zip(self.outputs()) {
            sums.fill(HALF);
            for (row, &weight) in picture.as_raw()[first * line..].chunks_exact(line).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += weight * i32::from(value);
                }
            }
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = to_8_bit(sum);
            }
        }
        out
    }
}

#[inline]
fn weighted(pixels: &[[u8; 3]], weights: &[i32]) -> [u8; 3] {
    let mut sums = [HALF; 3];
    for (pixel, &weight) in pixels.iter().zip(weights) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += weight * i32::from(value);
        }
    }
    sums.map(to_8_bit)
}

fn to_8_bit(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pixels that have nothing to do with their neighbours.
    fn noise(width: u32, height: u32) -> RgbImage {
        let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
        RgbImage::from_raw(width, height, (0..width * height * 3).map(value).collect()).unwrap()
    }

    /// FNV-1a of the pixels; the expected ones were computed with Pillow 13.0.0.
    fn fingerprint(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn every_bit_is_as_pillow_has_it() {
        let cases = [
            ((48, 26), (45, 25), 0x4448_f155_c4b0_9832),
            ((100, 70), (45, 31), 0xd8ff_d1c4_6115_ea11),
            ((90, 60), (90, 30), 0x109e_d49a_b9c5_01b0),
            ((60, 90), (30, 90), 0x9a46_ccf5_d351_0df6),
            ((30, 20), (45, 30), 0x088d_bdc2_df3c_2ae8),
            ((45, 31), (45, 31), 0x8543_c92e_d971_440f),
            ((200, 150), (45, 34), 0xb29a_18b0_beb9_79fa),
            ((203, 151), (45, 33), 0x6ded_0c0e_081d_77d2),
            ((1201, 37), (30, 3), 0xa6ff_bb8b_9cc5_13a4),
            ((3, 2), (45, 30), 0xafd5_a34e_428e_6644),
            ((1, 9), (5, 45), 0x3ed5_2f54_b903_4a70),
            ((64, 3), (7, 1), 0xcecf_218f_8cef_162f),
            ((448, 300), (40, 300), 0xafa5_0969_361a_27f5),
        ];
        for (from, to, expected) in cases {
            let resized = resize(&noise(from.0, from.1), Size::new(to.0, to.1));
            assert_eq!(resized.dimensions(), to);
            assert_eq!(fingerprint(&resized), expected, "{from:?} to {to:?}");
        }
    }

    proptest! {
        #[test]
        fn a_flat_picture_stays_flat(w in 1_u32..300, h in 1_u32..300, tw in 1_u32..64, th in 1_u32..64, grey: u8) {
            let resized = resize(&RgbImage::from_pixel(w, h, image::Rgb([grey; 3])), Size::new(tw, th));
            prop_assert_eq!(resized.dimensions(), (tw, th));
            prop_assert!(resized.iter().all(|v| v.abs_diff(grey) <= 1));
        }
    }
}
