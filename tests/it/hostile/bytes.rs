//! Files put together by hand.

use std::io::Write as _;

/// A PNG chunk with its checksum.
pub(crate) fn png_chunk(name: &str, body: &[u8]) -> Vec<u8> {
    let named = [name.as_bytes(), body].concat();
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// What a PNG's IHDR says.
#[derive(Clone, Copy)]
pub(crate) struct Ihdr {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) depth: u8,
    pub(crate) colour: u8,
}

/// A PNG of `ihdr` whose inflated image data are `rows`, whatever they are; `extra` chunks go before them.
pub(crate) fn png(ihdr: Ihdr, rows: &[u8], extra: &[u8]) -> Vec<u8> {
    png_of_stream(ihdr, &zlib(std::iter::once(rows)), extra)
}

pub(crate) fn png_of_stream(ihdr: Ihdr, stream: &[u8], extra: &[u8]) -> Vec<u8> {
    let mut head = [ihdr.width.to_be_bytes(), ihdr.height.to_be_bytes()].concat();
    head.extend([ihdr.depth, ihdr.colour, 0, 0, 0]);
    let (head, data, end) = (png_chunk("IHDR", &head), png_chunk("IDAT", stream), png_chunk("IEND", b""));
    [b"\x89PNG\r\n\x1a\n", &head[..], extra, &data, &end].concat()
}

/// `count` grey rows of `width` samples, unfiltered.
pub(crate) fn grey_rows(width: usize, count: usize) -> Vec<u8> {
    let mut row = vec![0x80; width + 1];
    row[0] = 0;
    row.repeat(count)
}

pub(crate) fn zlib<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    parts.for_each(|part| out.write_all(part).unwrap());
    out.finish().unwrap()
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The position of `needle`'s first byte.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|w| w == needle).expect("the file holds it")
}

/// `bytes` with `new` written over what stands at `at`.
pub(crate) fn overwritten(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out[at..at + new.len()].copy_from_slice(new);
    out
}

/// `bytes` with `new` written over what stands `offset` after the first `needle`.
pub(crate) fn patched(bytes: &[u8], needle: &[u8], offset: usize, new: &[u8]) -> Vec<u8> {
    overwritten(bytes, find(bytes, needle) + offset, new)
}

/// `bytes` with `new` put in at `at`.
pub(crate) fn inserted(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    [&bytes[..at], new, &bytes[at..]].concat()
}

/// A TIFF block that holds one entry: the orientation.
pub(crate) fn exif(orientation: u16) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend(orientation.to_le_bytes());
    tiff.extend([0; 6]);
    tiff
}

/// A JPEG segment.
pub(crate) fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap();
    [&[0xff, marker][..], &length.to_be_bytes(), body].concat()
}

pub(crate) fn jpeg_with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    inserted(jpeg, 2, &segment(0xe1, &[b"Exif\0\0", tiff].concat()))
}

/// A JPEG whose frame header says another size. `sof` is its marker: 0xc0 baseline, 0xc2 progressive.
pub(crate) fn jpeg_resized(jpeg: &[u8], sof: u8, width: u16, height: u16) -> Vec<u8> {
    patched(jpeg, &[0xff, sof], 5, &[height.to_be_bytes(), width.to_be_bytes()].concat())
}

/// A RIFF chunk.
pub(crate) fn riff_chunk(name: &str, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap();
    let pad = &[0][..body.len() % 2];
    [name.as_bytes(), &size.to_le_bytes(), body, pad].concat()
}

/// A WebP file of these chunks.
pub(crate) fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk("RIFF", &[&b"WEBP"[..], &chunks.concat()].concat())
}

/// A VP8X chunk for a canvas; `flags` are as in the standard (0x10 alpha, 0x08 EXIF, 0x02 animation).
pub(crate) fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |v: u32| (v - 1).to_le_bytes()[..3].to_vec();
    riff_chunk("VP8X", &[vec![flags, 0, 0, 0], side(width), side(height)].concat())
}

/// The bitstream chunk of a simple WebP.
pub(crate) fn webp_bitstream(file: &[u8]) -> Vec<u8> {
    file[12..].to_vec()
}
