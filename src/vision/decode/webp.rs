//! WebP: lossy, lossless, with alpha, animated (first frame).
//!
//! The container is walked here first, because the decoder takes its sizes on trust: a small canvas may hold a frame of
//! 16383×16383, and a chunk may claim 4 GiB. A file is whole when it is as long as its container says.

use std::io::Cursor;

use image::metadata::Orientation;
use image_webp::{DecodingError, WebPDecoder};

use super::{Codec, DecodeError, DecodeLimits, Format, Header, Layout, exif};

pub(super) struct WebP<'a>(WebPDecoder<Cursor<&'a [u8]>>);

impl<'a> Codec<'a> for WebP<'a> {
    const FORMAT: Format = Format::WebP;

    fn open(bytes: &'a [u8], limits: &DecodeLimits) -> Result<(Self, Header), DecodeError> {
        let file = riff(bytes)?;
        let outline = Outline::of(&file[12..])?;
        let (width, height) = outline.canvas;
        let (orientation, scratch) = (outline.orientation, outline.scratch());
        let header = Header { width, height, layout: Layout::Rgb8, orientation, scratch };
        // A first look: the decoder has an error of its own for canvases that are far too large.
        header.check(Format::WebP, limits)?;
        let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(|e| error(&e))?;
        if decoder.dimensions() != outline.canvas {
            return Err(damaged("its two headers disagree about its size"));
        }
        let layout = if decoder.has_alpha() { Layout::Rgba8 } else { Layout::Rgb8 };
        if layout == Layout::Rgb8 && decoder.is_animated() {
            // Without alpha the canvas would be black where the first frame leaves it open.
            decoder.set_background_color([255; 4]).map_err(|e| error(&e))?;
        }
        Ok((Self(decoder), Header { layout, ..header }))
    }

    fn read(mut self, buf: &mut [u8], scratch: u64) -> Result<(), DecodeError> {
        self.0.set_memory_limit(usize::try_from(scratch).unwrap_or(usize::MAX));
        self.0.read_image(buf).map_err(|e| error(&e))
    }
}

fn damaged(why: &str) -> DecodeError {
    DecodeError::damaged(Format::WebP, why)
}

fn error(e: &DecodingError) -> DecodeError {
    match e {
        DecodingError::UnsupportedFeature(what) => {
            DecodeError::UnsupportedKind { format: Format::WebP, what: what.clone() }
        }
        // The container is as long as it says, so what ends too early here is the data within.
        DecodingError::IoError(_) => damaged("its data end too early"),
        e => DecodeError::damaged(Format::WebP, e),
    }
}

/// The container without what hangs on behind it.
fn riff(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let cut_off = DecodeError::CutOff { format: Format::WebP };
    let Some(size) = bytes.get(4..).and_then(|b| b.first_chunk()) else { return Err(cut_off) };
    let end = u32::from_le_bytes(*size) as usize + 8;
    if end < 20 {
        return Err(damaged("its container is empty"));
    }
    bytes.get(..end).ok_or(cut_off)
}

/// A chunk's name and body, and what follows.
type Chunk<'a> = (&'a [u8; 4], &'a [u8], &'a [u8]);

/// The first chunk of these.
fn chunk(bytes: &[u8]) -> Result<Option<Chunk<'_>>, DecodeError> {
    let Some((name, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let Some((size, rest)) = rest.split_first_chunk() else { return Ok(None) };
    let size = u32::from_le_bytes(*size) as usize;
    let body = rest.get(..size).ok_or_else(|| damaged("a part of it claims more than there is"))?;
    Ok(Some((name, body, rest.get(size + size % 2..).unwrap_or_default())))
}

/// What the container says, and what the first frame needs.
struct Outline {
    canvas: (u32, u32),
    animated: bool,
    orientation: Orientation,
    frame: Frame,
}

/// The picture, or the first frame of an animation.
#[derive(Default, Clone, Copy)]
struct Frame {
    /// By its bitstream's own header.
    size: Option<(u32, u32)>,
    lossy: bool,
    alpha: bool,
}

impl Frame {
    /// Takes note of a chunk that belongs to a frame; the first bitstream is the one that is decoded.
    fn note(&mut self, name: [u8; 4], body: &[u8]) {
        match &name {
            b"ALPH" => self.alpha = true,
            b"VP8 " if self.size.is_none() => (self.size, self.lossy) = (vp8_size(body), true),
            b"VP8L" if self.size.is_none() => self.size = vp8l_size(body),
            _ => {}
        }
    }

    /// The frame inside an ANMF chunk and the size that the chunk gives for it. The decoder takes whatever follows a
    /// leading ALPH for the bitstream, so only what stands in that place counts.
    fn of_animation(body: &[u8]) -> Result<(Self, (u32, u32)), DecodeError> {
        let (Some(head), Some(parts)) = (body.get(6..12), body.get(16..)) else {
            return Err(damaged("its first frame is too short"));
        };
        let mut frame = Self::default();
        if let Some((name, body, next)) = chunk(parts)? {
            frame.note(*name, body);
            if let (b"ALPH", Some((b"VP8 ", body, _))) = (name, chunk(next)?) {
                frame.note(*b"VP8 ", body);
            }
        }
        Ok((frame, (u24(head) + 1, u24(&head[3..]) + 1)))
    }
}

impl Outline {
    fn of(mut rest: &[u8]) -> Result<Self, DecodeError> {
        let (mut extended, mut orientation) = (None, None);
        let (mut still, mut first_frame) = (Frame::default(), None);
        while let Some((name, body, next)) = chunk(rest)? {
            match name {
                b"VP8X" if extended.is_none() => extended = Some(vp8x(body)?),
                b"EXIF" if orientation.is_none() => orientation = Some(exif::orientation(body)),
                b"ANMF" if first_frame.is_none() => first_frame = Some(body),
                _ => still.note(*name, body),
            }
            rest = next;
        }
        let animated = extended.is_some_and(|(animated, _)| animated);
        let canvas = extended.map(|(_, canvas)| canvas);
        let (frame, expected) = match first_frame {
            Some(body) if animated => Frame::of_animation(body).map(|(frame, size)| (frame, Some(size)))?,
            _ => (still, canvas),
        };
        let size = frame.size.ok_or_else(|| damaged("it holds no picture"))?;
        if expected.is_some_and(|expected| expected != size) {
            return Err(damaged("its two headers disagree about its size"));
        }
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        Ok(Self { canvas: canvas.unwrap_or(size), animated, orientation, frame })
    }

    /// Upper bound of what the decoder allocates besides the picture, by reading it: the YUV planes of a lossy frame
    /// (padded to macroblocks), an RGBA copy of a lossless one, the same for compressed alpha and its plane, and for
    /// animations the canvas and the frame.
    fn scratch(&self) -> u64 {
        let area = |(w, h): (u32, u32)| u64::from(w.next_multiple_of(16)) * u64::from(h.next_multiple_of(16));
        let frame = self.frame.size.map_or(0, area);
        let planes = if self.frame.lossy { frame * 3 / 2 } else { 0 };
        let alpha = if self.frame.alpha { frame * 5 } else { 0 };
        let lossless = if self.frame.lossy { 0 } else { frame * 4 };
        let animation = if self.animated { area(self.canvas) * 4 + frame * 4 } else { 0 };
        (8 << 20) + planes + alpha + lossless + animation
    }
}

fn u24(b: &[u8]) -> u32 {
    u32::from_le_bytes([b[0], b[1], b[2], 0])
}

/// Whether the file is animated, and its canvas.
fn vp8x(body: &[u8]) -> Result<(bool, (u32, u32)), DecodeError> {
    const ANIMATION: u8 = 0x02;
    let (Some(flags), Some(size)) = (body.first(), body.get(4..10)) else {
        return Err(damaged("its header is too short"));
    };
    Ok((flags & ANIMATION != 0, (u24(size) + 1, u24(&size[3..]) + 1)))
}

fn vp8_size(body: &[u8]) -> Option<(u32, u32)> {
    let b = body.get(6..10)?;
    let side = |lo, hi| u32::from(u16::from_le_bytes([lo, hi]) & 0x3fff);
    Some((side(b[0], b[1]), side(b[2], b[3])))
}

fn vp8l_size(body: &[u8]) -> Option<(u32, u32)> {
    let bits = u32::from_le_bytes(*body.get(1..)?.first_chunk()?);
    Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
}
