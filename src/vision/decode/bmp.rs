//! BMP, with Windows' and OS/2's headers, palettes, bit fields and run lengths. Its header says no length that could be
//! trusted: a file is whole when its last row is there.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageError};

use super::{Codec, DecodeError, DecodeLimits, Format, Header, Layout};

pub(super) struct Bmp<'a>(BmpDecoder<Cursor<&'a [u8]>>);

impl<'a> Codec<'a> for Bmp<'a> {
    const FORMAT: Format = Format::Bmp;

    fn open(bytes: &'a [u8], _limits: &DecodeLimits) -> Result<(Self, Header), DecodeError> {
        let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(error)?;
        let (width, height) = decoder.dimensions();
        let layout = match decoder.color_type() {
            image::ColorType::Rgb8 => Layout::Rgb8,
            image::ColorType::Rgba8 => Layout::Rgba8,
            other => {
                let what = format!("{other:?}");
                return Err(DecodeError::UnsupportedKind { format: Format::Bmp, what });
            }
        };
        // A row at a time.
        let scratch = u64::from(width) * 8 + (64 << 10);
        Ok((Self(decoder), Header { width, height, layout, orientation: Orientation::NoTransforms, scratch }))
    }

    fn read(self, buf: &mut [u8], _scratch: u64) -> Result<(), DecodeError> {
        self.0.read_image(buf).map_err(error)
    }
}

fn error(e: ImageError) -> DecodeError {
    match e {
        ImageError::Unsupported(e) => DecodeError::UnsupportedKind { format: Format::Bmp, what: e.to_string() },
        // There is no other reader than the file in memory.
        ImageError::IoError(_) => DecodeError::CutOff { format: Format::Bmp },
        e => DecodeError::from_codec(Format::Bmp, &e),
    }
}
