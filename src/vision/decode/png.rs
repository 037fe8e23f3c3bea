//! PNG: a file is whole when its last row is there and its image data ends as it should; chunks after that are not
//! looked at, so one that lacks only its end is accepted.

use std::io::Cursor;

use image::metadata::Orientation;

use super::{Codec, DecodeError, DecodeLimits, Format, Header, Layout, exif};

/// The inflater's window and the rows that are kept for it.
const INFLATER: u64 = 1 << 20;

pub(super) struct Png<'a>(png::Reader<Cursor<&'a [u8]>>);

impl<'a> Codec<'a> for Png<'a> {
    const FORMAT: Format = Format::Png;

    fn open(bytes: &'a [u8], limits: &DecodeLimits) -> Result<(Self, Header), DecodeError> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        let (width, height) = decoder.read_header_info().map_err(|e| error(&e))?.size();
        let orientation = orientation(bytes);
        // A first look, before a row's memory is taken: how many bytes a pixel has is known only later, so the fewest.
        let header = Header { width, height, layout: Layout::L8, orientation, scratch: INFLATER };
        header.check(Format::Png, limits)?;
        decoder.set_limits(png::Limits { bytes: usize::try_from(limits.max_alloc).unwrap_or(usize::MAX) });
        // Neither is used, and both may hide a bomb of their own.
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        // Palette and tRNS to RGB(A), fewer than 8 bits to 8; 16 stay, to be rounded by us.
        decoder.set_transformations(png::Transformations::EXPAND);
        let reader = decoder.read_info().map_err(|e| error(&e))?;
        // image-png 0.18.1 panics on these (its issue 694, fixed but not released; found by our fuzzer, too).
        if reader.info().palette.as_ref().is_some_and(|p| p.len() % 3 != 0 || p.len() > 3 * 256) {
            return Err(DecodeError::damaged(Format::Png, "its palette is of an impossible length"));
        }
        let layout = layout(reader.output_color_type())?;
        // A few rows are in flight, and a metadata chunk is read whole and copied.
        let row = u64::from(width) * layout.bytes_per_pixel() as u64;
        let scratch = INFLATER + 8 * row + 2 * bytes.len() as u64;
        Ok((Self(reader), Header { layout, scratch, ..header }))
    }

    fn read(mut self, buf: &mut [u8], _scratch: u64) -> Result<(), DecodeError> {
        let frame = self.0.next_frame(buf).map_err(|e| error(&e))?;
        if (frame.width, frame.height) != self.0.info().size() {
            // An APNG whose first frame does not fill its canvas, which the standard forbids.
            return Err(DecodeError::damaged(Format::Png, "its first frame does not fill the picture"));
        }
        Ok(())
    }
}

fn layout(kind: (png::ColorType, png::BitDepth)) -> Result<Layout, DecodeError> {
    use png::{BitDepth, ColorType};
    Ok(match kind {
        (ColorType::Grayscale, BitDepth::Eight) => Layout::L8,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::La8,
        (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb8,
        (ColorType::Rgba, BitDepth::Eight) => Layout::Rgba8,
        (ColorType::Grayscale, BitDepth::Sixteen) => Layout::L16,
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => Layout::La16,
        (ColorType::Rgb, BitDepth::Sixteen) => Layout::Rgb16,
        (ColorType::Rgba, BitDepth::Sixteen) => Layout::Rgba16,
        (colour, depth) => {
            let what = format!("{colour:?} with {} bits", depth as u8);
            return Err(DecodeError::UnsupportedKind { format: Format::Png, what });
        }
    })
}

/// From the eXIf chunk, wherever it is: the decoder sees only those before the image data, and some writers put it last.
fn orientation(bytes: &[u8]) -> Orientation {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(body) = after.get(4..).and_then(|b| b.get(..length)) else { break };
        match &after[..4] {
            b"eXIf" => return exif::orientation(body),
            b"IEND" => break,
            _ => rest = after.get(4 + length + 4..).unwrap_or_default(),
        }
    }
    Orientation::NoTransforms
}

fn error(e: &png::DecodingError) -> DecodeError {
    match e {
        // There is no other reader than the file in memory.
        png::DecodingError::IoError(_) => DecodeError::CutOff { format: Format::Png },
        e => DecodeError::from_codec(Format::Png, e),
    }
}
