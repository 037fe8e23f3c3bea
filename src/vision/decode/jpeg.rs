//! JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK (inverted, as Adobe writes them, like every reader).
//!
//! A file is whole when its end-of-image marker is there. The decoder alone would give a picture that lacks up to one
//! row of blocks, and readers that are kinder paint the rest grey: no face should be scored in that. Bytes after the
//! marker (a second picture, an archive) are not looked at.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::{Codec, DecodeError, DecodeLimits, Format, Header, Layout, exif};

pub(super) struct Jpeg<'a> {
    decoder: JpegDecoder<ZCursor<&'a [u8]>>,
}

impl<'a> Codec<'a> for Jpeg<'a> {
    const FORMAT: Format = Format::Jpeg;

    fn open(bytes: &'a [u8], _limits: &DecodeLimits) -> Result<(Self, Header), DecodeError> {
        let outline = Outline::of(bytes).ok_or(DecodeError::CutOff { format: Format::Jpeg })?;
        let options = DecoderOptions::default()
            // Damage is an error, not a grey patch.
            .set_strict_mode(true)
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX))
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(|e| error(&e))?;
        let (width, height) = decoder.dimensions().expect("the header was read");
        let header = Header {
            width: u32::try_from(width).expect("JPEG counts in 16 bits"),
            height: u32::try_from(height).expect("JPEG counts in 16 bits"),
            layout: Layout::Rgb8,
            orientation: exif::orientation(decoder.exif().map_or(&[], Vec::as_slice)),
            scratch: outline.scratch,
        };
        Ok((Self { decoder }, header))
    }

    fn read(mut self, buf: &mut [u8], _scratch: u64) -> Result<(), DecodeError> {
        self.decoder.decode_into(buf).map_err(|e| error(&e))
    }
}

fn error(e: &DecodeErrors) -> DecodeError {
    match e {
        DecodeErrors::Unsupported(what) => {
            DecodeError::UnsupportedKind { format: Format::Jpeg, what: format!("{what:?}") }
        }
        e => DecodeError::damaged(Format::Jpeg, format!("{e:?}")),
    }
}

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// What the markers of a whole file say that the decoder does not.
struct Outline {
    /// Bytes that decoding takes besides the picture.
    scratch: u64,
}

impl Outline {
    /// Walks the markers from the start to the end of the image; `None` where the file ends before.
    fn of(bytes: &[u8]) -> Option<Self> {
        // Metadata is copied by the decoder, so count the file once.
        let mut scratch = (1 << 20) + bytes.len() as u64;
        let mut frame: Option<Frame> = None;
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
            let length = usize::from(u16::from_be_bytes(*bytes.get(at + 1..)?.first_chunk()?));
            let segment = bytes.get(at + 1..)?.get(2..length.max(2))?;
            match marker {
                0xc0..=0xc2 if frame.is_none() => frame = Frame::of(segment, marker == 0xc2),
                SOS => {
                    let components = segment.first().copied().unwrap_or(0);
                    if let Some(f) = frame.take_if(|f| f.progressive || components < f.components) {
                        scratch += f.coefficients;
                    }
                }
                _ => {}
            }
            at += 1 + length.max(2);
        }
        Some(Self { scratch })
    }
}

/// The frame header, as far as memory depends on it.
struct Frame {
    progressive: bool,
    components: u8,
    /// Bytes of all the frame's coefficients: held whole where a picture comes in more than one scan.
    coefficients: u64,
}

impl Frame {
    fn of(segment: &[u8], progressive: bool) -> Option<Self> {
        let [_, h1, h0, w1, w0, components, ref table @ ..] = *segment else { return None };
        let (width, height) = (u64::from(u16::from_be_bytes([w1, w0])), u64::from(u16::from_be_bytes([h1, h0])));
        let factors = || table.chunks_exact(3).take(components.into()).map(|c| (u64::from(c[1] >> 4), u64::from(c[1] & 15)));
        let most = |of: fn((u64, u64)) -> u64| factors().map(of).max().unwrap_or(1).max(1);
        let blocks = width.div_ceil(8 * most(|f| f.0)) * height.div_ceil(8 * most(|f| f.1));
        let blocks: u64 = factors().map(|(h, v)| blocks * h * v).sum();
        Some(Self { progressive, components, coefficients: blocks * 64 * 2 })
    }
}
