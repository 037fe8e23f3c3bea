//! Near-duplicates share a perceptual hash.

use image::RgbImage;

use crate::domain::PerceptualHash;

const COLUMNS: u32 = 9;
const ROWS: u32 = 8;

/// 64-bit difference hash: the picture in grey, area-averaged to 9×8 cells; bit `63 − (8·row + column)` is set where a cell
/// is darker than its right neighbour. Survives scaling and recompression; not cropping, turning or mirroring.
pub fn perceptual_hash(image: &RgbImage) -> PerceptualHash {
    let cells = grey_cells(image);
    let mut bits = 0;
    for row in cells.chunks_exact(COLUMNS as usize) {
        for pair in row.windows(2) {
            bits = bits << 1 | u64::from(pair[0] < pair[1]);
        }
    }
    PerceptualHash(bits)
}

/// Mean luma of each cell, rounded to a whole step of 0–255: flat areas then compare as equal and not by noise.
/// Pixels that straddle a border count for both cells by their share; pictures smaller than the grid work, too.
fn grey_cells(image: &RgbImage) -> [u64; (COLUMNS * ROWS) as usize] {
    let (width, height) = image.dimensions();
    let mut sums = [0_u64; (COLUMNS * ROWS) as usize];
    if width == 0 || height == 0 {
        return sums;
    }
    // In units of 1/9 pixel across and 1/8 down, a cell is `width` by `height` and all shares are whole numbers.
    let columns: Vec<_> = (0..width).flat_map(|x| shares(x, COLUMNS, width).map(move |(c, w)| (x, c, w))).collect();
    for (y, row) in image.rows().enumerate() {
        let luma: Vec<u64> = row.map(|p| luma(p.0)).collect();
        let mut line = [0_u64; COLUMNS as usize];
        for &(x, column, share) in &columns {
            line[column as usize] += luma[x as usize] * u64::from(share);
        }
        for (cell_row, share) in shares(y as u32, ROWS, height) {
            for (column, sum) in line.iter().enumerate() {
                sums[cell_row as usize * COLUMNS as usize + column] += sum * u64::from(share);
            }
        }
    }
    let area = u64::from(width) * u64::from(height) * 1000;
    sums.map(|sum| (sum + area / 2) / area)
}

/// The cells that pixel `at` lies in, with its share of each, in units of 1/`cells` pixel.
fn shares(at: u32, cells: u32, size: u32) -> impl Iterator<Item = (u32, u32)> {
    let (at, cells, size) = (u64::from(at), u64::from(cells), u64::from(size));
    let (start, end) = (at * cells, (at + 1) * cells);
    (start / size..=(end - 1) / size).map(move |cell| {
        let share = end.min((cell + 1) * size) - start.max(cell * size);
        (cell as u32, share as u32)
    })
}

/// Rec. 601 luma in thousandths.
fn luma([r, g, b]: [u8; 3]) -> u64 {
    299 * u64::from(r) + 587 * u64::from(g) + 114 * u64::from(b)
}
