//! Whatever a codec lays down ─▶ 8-bit RGB, in the same buffer: a second copy of 100 megapixels is 300 MB.

/// How a codec lays down a pixel; 16-bit samples are big-endian (only PNG has them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    L8,
    La8,
    Rgb8,
    Rgba8,
    L16,
    La16,
    Rgb16,
    Rgba16,
}

impl Layout {
    pub(super) fn bytes_per_pixel(self) -> usize {
        match self {
            Self::L8 => 1,
            Self::La8 | Self::L16 => 2,
            Self::Rgb8 => 3,
            Self::Rgba8 | Self::La16 => 4,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
        }
    }
}

/// `buf` holds `pixels` pixels of `layout` at its start and has room for as many of RGB; gives them as RGB, flattened on
/// white. An RGB buffer is handed through untouched.
pub(super) fn into_rgb8(mut buf: Vec<u8>, pixels: usize, layout: Layout) -> Vec<u8> {
    let grey = |v: u8| [v, v, v];
    let wide = |hi, lo| u16::from_be_bytes([hi, lo]);
    match layout {
        Layout::Rgb8 => {}
        Layout::L8 => rewrite(&mut buf, pixels, |[v]: [u8; 1]| grey(v)),
        Layout::La8 => rewrite(&mut buf, pixels, |[v, a]: [u8; 2]| grey(on_white8(v, a))),
        Layout::Rgba8 => rewrite(&mut buf, pixels, |[r, g, b, a]: [u8; 4]| match a {
            u8::MAX => [r, g, b],
            _ => [r, g, b].map(|v| on_white8(v, a)),
        }),
        Layout::L16 => rewrite(&mut buf, pixels, |[h, l]: [u8; 2]| grey(to_8_bit(wide(h, l)))),
        Layout::La16 => rewrite(&mut buf, pixels, |[h, l, ah, al]: [u8; 4]| grey(on_white16(wide(h, l), wide(ah, al)))),
        Layout::Rgb16 => {
            rewrite(&mut buf, pixels, |p: [u8; 6]| {
                [wide(p[0], p[1]), wide(p[2], p[3]), wide(p[4], p[5])].map(to_8_bit)
            });
        }
        Layout::Rgba16 => rewrite(&mut buf, pixels, |p: [u8; 8]| {
            let a = wide(p[6], p[7]);
            [wide(p[0], p[1]), wide(p[2], p[3]), wide(p[4], p[5])].map(|v| on_white16(v, a))
        }),
    }
    buf.truncate(pixels * 3);
    buf
}

/// Rewrites pixels of `N` bytes as pixels of three, where they are: from the front where they shrink, from the back where
/// they grow, so that no pixel is overwritten before it has been read.
fn rewrite<const N: usize>(buf: &mut [u8], pixels: usize, to_rgb: impl Fn([u8; N]) -> [u8; 3]) {
    let mut step = |i: usize| {
        let mut pixel = [0; N];
        pixel.copy_from_slice(&buf[i * N..][..N]);
        buf[i * 3..][..3].copy_from_slice(&to_rgb(pixel));
    };
    if N > 3 { (0..pixels).for_each(step) } else { (0..pixels).rev().for_each(&mut step) }
}

/// To the nearest of 0–255, as libpng's `png_set_scale_16`; Pillow drops the low byte, which differs by one at most.
fn to_8_bit(v: u16) -> u8 {
    ((u32::from(v) + 128) / 257) as u8
}

/// `v · a + 255 · (1 − a)`, to the nearest.
fn on_white8(v: u8, a: u8) -> u8 {
    let (v, a) = (u32::from(v), u32::from(a));
    ((v * a + 255 * (255 - a) + 127) / 255) as u8
}

/// The same from 16 bits, rounded once.
fn on_white16(v: u16, a: u16) -> u8 {
    const FULL: u64 = u16::MAX as u64;
    let (v, a) = (u64::from(v), u64::from(a));
    let on_white = v * a + FULL * (FULL - a);
    ((on_white * 255 + FULL * FULL / 2) / (FULL * FULL)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(layout: Layout, bytes: &[u8]) -> Vec<u8> {
        let pixels = bytes.len() / layout.bytes_per_pixel();
        let mut buf = bytes.to_vec();
        buf.resize(bytes.len().max(pixels * 3), 0);
        into_rgb8(buf, pixels, layout)
    }

    #[test]
    fn every_layout_becomes_rgb_in_place() {
        assert_eq!(convert(Layout::Rgb8, &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(convert(Layout::L8, &[7, 8, 9]), [7, 7, 7, 8, 8, 8, 9, 9, 9]);
        assert_eq!(convert(Layout::La8, &[7, 255, 8, 0, 0, 128]), [7, 7, 7, 255, 255, 255, 127, 127, 127]);
        assert_eq!(convert(Layout::Rgba8, &[1, 2, 3, 255, 9, 9, 9, 0]), [1, 2, 3, 255, 255, 255]);
        assert_eq!(convert(Layout::L16, &[0x80, 0x80, 0xff, 0xff]), [0x80, 0x80, 0x80, 255, 255, 255]);
        assert_eq!(convert(Layout::La16, &[0x80, 0x80, 0xff, 0xff, 1, 1, 0, 0]), [0x80, 0x80, 0x80, 255, 255, 255]);
        assert_eq!(convert(Layout::Rgb16, &[1, 1, 2, 2, 3, 3]), [1, 2, 3]);
        assert_eq!(convert(Layout::Rgba16, &[1, 1, 2, 2, 3, 3, 0xff, 0xff]), [1, 2, 3]);
    }

    #[test]
    fn an_rgb_buffer_is_not_copied() {
        let buf = vec![5; 300];
        let at = buf.as_ptr();
        let rgb = into_rgb8(buf, 100, Layout::Rgb8);
        assert_eq!(rgb.as_ptr(), at);
    }

    #[test]
    fn flattening_and_scaling_round_to_the_nearest() {
        for v in 0..=255_u8 {
            for a in 0..=255_u8 {
                let exact = (f64::from(v) * f64::from(a) + 255.0 * (255.0 - f64::from(a))) / 255.0;
                assert!((f64::from(on_white8(v, a)) - exact).abs() <= 0.5, "{v} at {a}");
            }
        }
        for v in 0..=u16::MAX {
            let exact = f64::from(v) / 257.0;
            assert!((f64::from(to_8_bit(v)) - exact).abs() <= 0.5, "{v}");
            let (a, full) = (v.wrapping_mul(31), 65_535.0);
            let exact = (f64::from(v) * f64::from(a) + full * (full - f64::from(a))) / full / 257.0;
            assert!((f64::from(on_white16(v, a)) - exact).abs() <= 0.5 + 1e-9, "{v} at {a}");
        }
    }
}
