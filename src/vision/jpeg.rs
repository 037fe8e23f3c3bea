//! JPEG of what people look at: crops, previews, reports.

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

/// 0–100, as libjpeg counts.
const QUALITY: u8 = 88;

/// The picture as a JPEG file; 1 to 65,535 pixels a side.
pub fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(picture)
        .expect("a picture of at least one pixel and at most 65,535 a side is written to memory");
    bytes
}
