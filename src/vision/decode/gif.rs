//! GIF: the first frame on the logical screen. A file is whole when the first frame's pixels are; later frames are not
//! looked at.

use std::error::Error;
use std::io::Cursor;

use ::gif::DecodingError;
use image::codecs::gif::GifDecoder;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageError, Limits};

use super::{Codec, DecodeError, DecodeLimits, Format, Header, Layout};

pub(super) struct Gif<'a>(GifDecoder<Cursor<&'a [u8]>>);

/// What the first frame may take besides the canvas, in bytes.
const FRAME_MEMORY: u64 = 1 << 20;
/// What the decoder takes besides: code tables, palette, buffers.
const TABLES: u64 = 64 << 10;

impl<'a> Codec<'a> for Gif<'a> {
    const FORMAT: Format = Format::Gif;

    fn open(bytes: &'a [u8], _limits: &DecodeLimits) -> Result<(Self, Header), DecodeError> {
        let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|e| error(&e))?;
        let (width, height) = decoder.dimensions();
        // The frame's own size comes after the header; the decoder holds it against the limit that `read` sets.
        let header = Header {
            width,
            height,
            layout: Layout::Rgba8,
            orientation: Orientation::NoTransforms,
            scratch: FRAME_MEMORY + TABLES,
        };
        Ok((Self(decoder), header))
    }

    fn read(mut self, buf: &mut [u8], _scratch: u64) -> Result<(), DecodeError> {
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(FRAME_MEMORY);
        self.0.set_limits(limits).and_then(|()| self.0.read_image(buf)).map_err(|e| error(&e))
    }
}

fn error(e: &ImageError) -> DecodeError {
    let cause = e.source().and_then(|e| e.downcast_ref());
    match (e, cause) {
        (ImageError::Limits(_), _) => {
            DecodeError::damaged(Format::Gif, "its first frame is far larger than its canvas")
        }
        // There is no other reader than the file in memory.
        (_, Some(DecodingError::UnexpectedEof | DecodingError::Io(_))) => DecodeError::CutOff { format: Format::Gif },
        _ => DecodeError::from_codec(Format::Gif, e),
    }
}
