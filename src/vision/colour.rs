//! Colour histogram in HSV: what a taste reads of hair, eyes and light beside the embedding.

use image::RgbImage;

use crate::domain::COLOUR_DIMS;

/// `[192] f32`: hue 12 × saturation 4 × value 4, index `(hue · 4 + saturation) · 4 + value`, summing to 1.
pub fn colour_histogram(picture: &RgbImage) -> Vec<f32> {
    let mut counts = [0u32; COLOUR_DIMS];
    for pixel in picture.pixels() {
        counts[bin(pixel.0)] += 1;
    }
    let total = (picture.width() * picture.height()).max(1) as f32;
    counts.iter().map(|&n| n as f32 / total).collect()
}

fn bin([r, g, b]: [u8; 3]) -> usize {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = i32::from(max - min);
    let [r, g, b] = [r, g, b].map(i32::from);
    let value = usize::from(max) * 4 / 256;
    if chroma == 0 {
        return value;
    }
    let saturation = (chroma * 4 / (i32::from(max) + 1)).min(3) as usize;
    // Hue in twelfths of the circle, each of the six sectors of the colour hexagon being two.
    let sixths = |base: i32, over: i32| base * 2 * chroma + over * 2;
    let twelfths = if i32::from(max) == r {
        sixths(0, g - b)
    } else if i32::from(max) == g {
        sixths(2, b - r)
    } else {
        sixths(4, r - g)
    };
    let hue = twelfths.div_euclid(chroma).rem_euclid(12) as usize;
    (hue * 4 + saturation) * 4 + value
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn only_bin(rgb: [u8; 3]) -> usize {
        let h = colour_histogram(&RgbImage::from_pixel(3, 2, Rgb(rgb)));
        assert!((h.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        h.iter().position(|&v| v > 0.999).expect("one colour falls into one bin")
    }

    #[test]
    fn primary_colours_fall_into_their_sectors() {
        let full = |hue: usize| (hue * 4 + 3) * 4 + 3;
        assert_eq!(only_bin([255, 0, 0]), full(0));
        assert_eq!(only_bin([255, 255, 0]), full(2));
        assert_eq!(only_bin([0, 255, 0]), full(4));
        assert_eq!(only_bin([0, 255, 255]), full(6));
        assert_eq!(only_bin([0, 0, 255]), full(8));
        assert_eq!(only_bin([255, 0, 255]), full(10));
        assert_eq!(only_bin([255, 0, 10]), full(11));
    }

    #[test]
    fn greys_have_no_hue() {
        assert_eq!(only_bin([0, 0, 0]), 0);
        assert_eq!(only_bin([127, 127, 127]), 1);
        assert_eq!(only_bin([255, 255, 255]), 3);
    }

    #[test]
    fn every_colour_has_a_bin() {
        for n in (0..0x0100_0000u32).step_by(997) {
            let [_, r, g, b] = n.to_be_bytes();
            assert!(bin([r, g, b]) < COLOUR_DIMS);
        }
    }
}
