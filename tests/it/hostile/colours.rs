//! Right colours: the small pictures against what Pillow gives for them, and exact pixels where we can say them.

use image::{Rgb, RgbImage};
use mekiki::vision::decode::{DecodeLimits, decode};

use super::bytes::{Ihdr, exif, jpeg_with_exif, png, png_chunk, riff_chunk, vp8x, webp, webp_bitstream};
use super::{sample, samples};

fn decoded(bytes: &[u8]) -> RgbImage {
    decode(bytes, &DecodeLimits::default()).unwrap().image
}

/// How far a sample may be from Pillow's. Lossless formats: one step, since Pillow drops the low byte of 16 bits and
/// rounds alpha its own way. JPEG and WebP: the decoders' transforms differ by a step or two, and CMYK adds one.
fn tolerance(name: &str) -> u8 {
    match name.rsplit_once('.').unwrap().1 {
        "jpg" => 3,
        "webp" if name.contains("lossy") || name == "animated.webp" => 3,
        _ => 1,
    }
}

#[test]
fn every_kind_of_picture_has_the_size_and_the_colours_that_pillow_gives() {
    let expected: serde_json::Value = serde_json::from_slice(&sample("expected.json")).unwrap();
    let mut points = 0;
    for (name, bytes) in samples() {
        let image = decoded(&bytes);
        let number = |v: &serde_json::Value| u32::try_from(v.as_u64().unwrap()).unwrap();
        let size = &expected[&name]["size"];
        assert_eq!(image.dimensions(), (number(&size[0]), number(&size[1])), "{name}");
        for point in expected[&name]["points"].as_array().unwrap() {
            let [x, y, want @ ..] = &point.as_array().unwrap()[..] else { unreachable!() };
            let got = image.get_pixel(number(x), number(y)).0;
            let worst = want.iter().zip(got).map(|(w, g)| number(w).abs_diff(g.into())).max().unwrap();
            assert!(worst <= tolerance(&name).into(), "{name} at {x}, {y}: {got:?}, Pillow has {want:?}");
            points += 1;
        }
    }
    assert!(points >= 46 * 6, "only {points} points were compared");
}

/// A 9×8 picture in which every pixel is its own: red says the column, green the row.
fn chart() -> RgbImage {
    RgbImage::from_fn(9, 8, |x, y| Rgb([x as u8 * 20, y as u8 * 20, 77]))
}

fn chart_png(extra: &[u8]) -> Vec<u8> {
    let rows: Vec<u8> = chart().rows().flat_map(|row| std::iter::once(0).chain(row.flat_map(|p| p.0))).collect();
    png(Ihdr { width: 9, height: 8, depth: 8, colour: 2 }, &rows, extra)
}

/// Where EXIF says that the stored pixel `x, y` of `w`×`h` is to be shown.
fn shown_at(orientation: u16, x: u32, y: u32, (w, h): (u32, u32)) -> (u32, u32) {
    match orientation {
        2 => (w - 1 - x, y),
        3 => (w - 1 - x, h - 1 - y),
        4 => (x, h - 1 - y),
        5 => (y, x),
        6 => (h - 1 - y, x),
        7 => (h - 1 - y, w - 1 - x),
        8 => (y, w - 1 - x),
        _ => (x, y),
    }
}

fn assert_oriented(orientation: u16, stored: &RgbImage, shown: &RgbImage, what: &str) {
    for (x, y, pixel) in stored.enumerate_pixels() {
        let (to_x, to_y) = shown_at(orientation, x, y, stored.dimensions());
        assert_eq!(shown.get_pixel(to_x, to_y), pixel, "{what}, orientation {orientation}, pixel {x}, {y}");
    }
    let (w, h) = stored.dimensions();
    let turned = (5..=8).contains(&orientation);
    assert_eq!(shown.dimensions(), if turned { (h, w) } else { (w, h) }, "{what}, orientation {orientation}");
}

#[test]
fn all_eight_orientations_are_applied_in_png_jpeg_and_webp_and_others_are_ignored() {
    let jpeg = sample("444.jpg");
    let lossless = sample("lossless.webp");
    let (plain_jpeg, plain_webp) = (decoded(&jpeg), decoded(&lossless));
    for orientation in (0..=10).chain([256, 0x0600, u16::MAX]) {
        let tiff = exif(orientation);
        assert_oriented(orientation, &chart(), &decoded(&chart_png(&png_chunk("eXIf", &tiff))), "PNG");
        assert_oriented(orientation, &plain_jpeg, &decoded(&jpeg_with_exif(&jpeg, &tiff)), "JPEG");
        for prefix in [&b""[..], b"Exif\0\0"] {
            let exif = riff_chunk("EXIF", &[prefix, &tiff].concat());
            let file = webp(&[vp8x(0x08, 48, 32), webp_bitstream(&lossless), exif]);
            assert_oriented(orientation, &plain_webp, &decoded(&file), "WebP");
        }
    }
}

#[test]
fn alpha_is_flattened_on_white_and_sixteen_bits_are_rounded() {
    let one_pixel = |colour, depth, pixel: &[u8]| {
        let row = [&[0][..], &pixel.repeat(8)].concat();
        *decoded(&png(Ihdr { width: 8, height: 8, depth, colour }, &row.repeat(8), b"")).get_pixel(7, 7)
    };
    // 100·128/255 + 255·127/255 = 177.2; 0 → 127; 255 stays.
    assert_eq!(one_pixel(6, 8, &[100, 0, 255, 128]), Rgb([177, 127, 255]));
    assert_eq!(one_pixel(6, 8, &[1, 2, 3, 0]), Rgb([255; 3]));
    assert_eq!(one_pixel(4, 8, &[10, 51]), Rgb([206; 3]));
    // 0x0180 is 1.494 of 255 and 0x0181 is 1.498: down; 0x0182 is 1.502: up.
    assert_eq!(one_pixel(2, 16, &[0x01, 0x80, 0x01, 0x81, 0x01, 0x82]), Rgb([1, 1, 2]));
    assert_eq!(one_pixel(0, 16, &[0xff, 0x7f]), Rgb([255; 3]));
    assert_eq!(one_pixel(6, 16, &[0, 0, 0xff, 0xff, 0x80, 0x80, 0x80, 0x00]), Rgb([127, 255, 191]));
}

#[test]
fn what_a_first_frame_leaves_open_is_white() {
    for name in ["small_first.gif", "small_first.webp", "small_first_alpha.webp"] {
        let image = decoded(&sample(name));
        assert_eq!(image.dimensions(), (64, 48), "{name}");
        let (white, red) = (Rgb([255; 3]), Rgb([200, 30, 40]));
        assert_eq!(*image.get_pixel(9, 6), white, "{name}, left of the frame");
        assert_eq!(*image.get_pixel(10, 5), white, "{name}, above the frame");
        assert_eq!(*image.get_pixel(10, 6), red, "{name}, the frame's first pixel");
        assert_eq!(*image.get_pixel(58, 37), white, "{name}, right of the frame");
        assert_eq!(*image.get_pixel(57, 37), Rgb([10; 3]), "{name}, the frame's last pixel");
    }
}
