//! JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK (inverted, as Adobe writes them, like every reader).
//!
//! A file is whole when its end-of-image marker is there and the decoder has found data for every block before it.
//! Readers that are kinder paint the rest grey: no face should be scored in that. Bytes after the marker (a second
//! picture, an archive) are not looked at.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::{Codec, DecodeError, DecodeLimits, Format, Header, Layout, exif};

pub(super) struct Jpeg<'a> {
    bytes: &'a [u8],
    outline: Outline,
}

impl<'a> Codec<'a> for Jpeg<'a> {
    const FORMAT: Format = Format::Jpeg;

    fn open(bytes: &'a [u8], _limits: &DecodeLimits) -> Result<(Self, Header), DecodeError> {
        let outline = Outline::of(bytes).ok_or(CUT_OFF)?;
        if let Some(what) = &outline.unsupported {
            return Err(DecodeError::UnsupportedKind { format: Format::Jpeg, what: what.clone() });
        }
        let mut decoder = decoder(bytes);
        decoder.decode_headers().map_err(|e| error(&e))?;
        let (width, height) = decoder.dimensions().expect("the header was read");
        let header = Header {
            width: width as u32,
            height: height as u32,
            layout: Layout::Rgb8,
            orientation: decoder.exif().map_or(Orientation::NoTransforms, |exif| exif::orientation(exif)),
            // The decoder copies metadata, and we the file: see `padded`. Some rows more for the second pass.
            scratch: (1 << 20) + (1 << 17) + 2 * bytes.len() as u64 + outline.coefficients(),
        };
        Ok((Self { bytes, outline }, header))
    }

    fn read(self, buf: &mut [u8], _scratch: u64) -> Result<(), DecodeError> {
        if !self.outline.can_hold_its_blocks() {
            return Err(DecodeError::damaged(Format::Jpeg, "its header says more pixels than its data can hold"));
        }
        let bytes = if self.outline.one_pass() { padded(self.bytes, self.outline.end) } else { self.bytes.into() };
        decoder(&bytes).decode_into(buf).map_err(|e| error(&e))?;
        drop(bytes);
        if self.outline.is_photo_like() { exact(self.bytes, buf) } else { Ok(()) }
    }
}

/// Decodes once more, with the library that everybody decodes with, what the first pass found whole and sound. The two
/// differ by a few levels of 255 in how they interpolate colours, and the detector was trained on this one's pixels.
fn exact(bytes: &[u8], buf: &mut [u8]) -> Result<(), DecodeError> {
    // The library's own errors come as panics, which do not reach the panic hook.
    let decoded = catch_unwind(AssertUnwindSafe(|| -> std::io::Result<()> {
        let mut decoder = mozjpeg::Decompress::new_mem(bytes)?.rgb()?;
        decoder.read_scanlines_into(buf)?;
        decoder.finish()
    }));
    match decoded {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(DecodeError::damaged(Format::Jpeg, &error)),
        Err(_) => Err(DecodeError::damaged(Format::Jpeg, "libjpeg cannot read it")),
    }
}

const CUT_OFF: DecodeError = DecodeError::CutOff { format: Format::Jpeg };

fn decoder(bytes: &[u8]) -> JpegDecoder<ZCursor<&[u8]>> {
    let options = DecoderOptions::default()
        // Damage is an error, not a grey patch.
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options)
}

/// The file with its end marker at `end` replaced by a few zeros. At that marker the decoder goes on with zeros for as
/// long as it needs blocks, and says nothing; at the end of its input it fails. The zeros are what it may read ahead.
fn padded(bytes: &[u8], end: usize) -> Cow<'_, [u8]> {
    const READ_AHEAD: usize = 16;
    let mut padded = Vec::with_capacity(end + READ_AHEAD);
    padded.extend_from_slice(&bytes[..end]);
    padded.resize(end + READ_AHEAD, 0);
    padded.into()
}

fn error(e: &DecodeErrors) -> DecodeError {
    match e {
        DecodeErrors::ExhaustedData | DecodeErrors::FormatStatic("Premature end of buffer") => CUT_OFF,
        DecodeErrors::Unsupported(what) => {
            DecodeError::UnsupportedKind { format: Format::Jpeg, what: format!("{what:?}") }
        }
        DecodeErrors::Format(why) => DecodeError::damaged(Format::Jpeg, why),
        DecodeErrors::FormatStatic(why) => DecodeError::damaged(Format::Jpeg, why),
        e => DecodeError::damaged(Format::Jpeg, e),
    }
}

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// What the markers say that the decoder does not.
struct Outline {
    /// Where the end marker stands.
    end: usize,
    /// Bytes from the first scan to the end.
    data: u64,
    frame: Option<Frame>,
    /// The first scan brings all the components.
    interleaved: bool,
    /// A kind of JPEG that the decoder does not know, and says nothing useful about.
    unsupported: Option<String>,
}

impl Outline {
    /// Walks the markers from the start to the end of the image; `None` where the file ends before.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut frame: Option<Frame> = None;
        let mut first_scan = None;
        let mut unsupported = None;
        let mut at = 2;
        loop {
            // To the next marker: past fill bytes, stuffed zeros and restart markers, which stand inside a scan.
            at += memchr::memchr(0xff, bytes.get(at..)?)? + 1;
            let marker = *bytes.get(at)?;
            match marker {
                0x00 | 0x01 | 0xff | 0xd0..=SOI => continue,
                EOI => break,
                _ => {}
            }
            let length = usize::from(u16::from_be_bytes(*bytes.get(at + 1..)?.first_chunk()?)).max(2);
            let segment = bytes.get(at + 3..at + 1 + length)?;
            match marker {
                0xc0..=0xc2 if frame.is_none() => {
                    unsupported =
                        segment.first().filter(|bits| **bits != 8).map(|bits| format!("{bits} bits a sample"));
                    frame = Frame::of(segment, marker == 0xc2);
                }
                0xc3 => unsupported = Some("lossless".to_owned()),
                0xc5..=0xc7 => unsupported = Some("hierarchical".to_owned()),
                0xc9..=0xcb | 0xcd..=0xcf => unsupported = Some("arithmetic coding".to_owned()),
                SOS if first_scan.is_none() => first_scan = Some((at, segment.first().copied())),
                _ => {}
            }
            at += 1 + length;
        }
        let end = at - 1;
        let (start, components) = first_scan.unwrap_or((end, None));
        let interleaved = frame.as_ref().map(|f| f.components) == components;
        Some(Self { end, data: (end - start) as u64, frame, interleaved, unsupported })
    }

    /// Baseline with all components in one scan: decoded row by row.
    fn one_pass(&self) -> bool {
        self.interleaved && self.frame.as_ref().is_some_and(|f| !f.progressive)
    }

    /// Grey or three colours, as nearly all files are: those that both decoders know.
    fn is_photo_like(&self) -> bool {
        self.frame.as_ref().is_some_and(|f| matches!(f.components, 1 | 3))
    }

    /// Bytes of all the coefficients, where they are held whole.
    fn coefficients(&self) -> u64 {
        if self.one_pass() { 0 } else { self.frame.as_ref().map_or(0, |f| f.blocks * 64 * 2) }
    }

    /// Each block takes a bit at the least, for its DC coefficient.
    fn can_hold_its_blocks(&self) -> bool {
        self.frame.as_ref().is_none_or(|f| f.blocks_coded <= self.data * 8)
    }
}

/// The frame header, as far as memory depends on it.
struct Frame {
    progressive: bool,
    components: u8,
    /// 8×8 blocks of all components, filled up to whole coding units.
    blocks: u64,
    /// The same without those that a scan may leave out.
    blocks_coded: u64,
}

impl Frame {
    fn of(segment: &[u8], progressive: bool) -> Option<Self> {
        let [_, h1, h0, w1, w0, components, ref table @ ..] = *segment else { return None };
        let (width, height) = (u64::from(u16::from_be_bytes([w1, w0])), u64::from(u16::from_be_bytes([h1, h0])));
        let sampling = |c: &[u8]| (u64::from(c[1] >> 4), u64::from(c[1] & 15));
        let factors: Vec<_> = table.chunks_exact(3).take(components.into()).map(sampling).collect();
        let across = factors.iter().map(|f| f.0).max()?.max(1);
        let down = factors.iter().map(|f| f.1).max()?.max(1);
        let units = width.div_ceil(8 * across) * height.div_ceil(8 * down);
        let blocks = factors.iter().map(|(h, v)| units * h * v).sum();
        let coded = |(h, v): &(u64, u64)| (width * h).div_ceil(8 * across) * (height * v).div_ceil(8 * down);
        Some(Self { progressive, components, blocks, blocks_coded: factors.iter().map(coded).sum() })
    }
}
