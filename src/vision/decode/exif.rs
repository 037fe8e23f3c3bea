//! The one thing that is read of EXIF: which way is up.

use image::metadata::Orientation;

/// The orientation in a raw EXIF block (a TIFF header and its first directory). Some writers put JPEG's `Exif\0\0` before
/// it in PNG and WebP, too. Whatever is missing, wrong or out of 1–8 means: as it lies.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(value: u16) -> Vec<u8> {
        let mut t = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        t.extend(value.to_be_bytes());
        t.extend([0; 6]);
        t
    }

    #[test]
    fn orientations_one_to_eight_are_read_and_others_ignored() {
        for value in 0..=300 {
            let want = if (1..=8).contains(&value) { value as u8 } else { 1 };
            assert_eq!(orientation(&tiff(value)).to_exif(), want, "orientation {value}");
            assert_eq!(orientation(&[b"Exif\0\0", &tiff(value)[..]].concat()).to_exif(), want);
        }
        for end in 0..18 {
            assert_eq!(orientation(&tiff(6)[..end]), Orientation::NoTransforms);
        }
    }
}
