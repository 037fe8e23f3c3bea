//! What a file is, by its first bytes. Names and media types lie.

use super::Format;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A picture that can be decoded.
    Picture(Format),
    /// A picture of another kind, by its name.
    OtherPicture(&'static str),
    /// Known not to be a picture; with its article, to be put after "this is".
    NoPicture(&'static str),
    Unknown,
}

/// Beginnings that tell all. Text and the boxes of ISO media files are looked at apart.
const MAGIC: &[(&[u8], Content)] = &[
    (b"\x89PNG\r\n\x1a\n", Content::Picture(Format::Png)),
    (b"\xff\xd8\xff", Content::Picture(Format::Jpeg)),
    (b"GIF87a", Content::Picture(Format::Gif)),
    (b"GIF89a", Content::Picture(Format::Gif)),
    (b"BM", Content::Picture(Format::Bmp)),
    (b"\xff\x0a", Content::OtherPicture("JPEG XL")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Content::OtherPicture("JPEG XL")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Content::OtherPicture("JPEG 2000")),
    (b"\xff\x4f\xff\x51", Content::OtherPicture("JPEG 2000")),
    (b"II*\0", Content::OtherPicture("TIFF")),
    (b"MM\0*", Content::OtherPicture("TIFF")),
    (b"II\xbc", Content::OtherPicture("JPEG XR")),
    (b"\0\0\x01\0", Content::OtherPicture("ICO")),
    (b"\0\0\x02\0", Content::OtherPicture("CUR")),
    (b"\x8aMNG", Content::OtherPicture("MNG")),
    (b"\x8bJNG", Content::OtherPicture("JNG")),
    (b"8BPS", Content::OtherPicture("Photoshop (PSD)")),
    (b"gimp xcf", Content::OtherPicture("GIMP (XCF)")),
    (b"qoif", Content::OtherPicture("QOI")),
    (b"DDS ", Content::OtherPicture("DDS")),
    (b"v/1\x01", Content::OtherPicture("OpenEXR")),
    (b"#?RADIANCE", Content::OtherPicture("Radiance HDR")),
    (b"farbfeld", Content::OtherPicture("farbfeld")),
    (b"%!PS", Content::OtherPicture("PostScript")),
    (b"%PDF-", Content::NoPicture("a PDF document")),
    (b"PK\x03\x04", Content::NoPicture("a ZIP archive or a document made of one")),
    (b"PK\x05\x06", Content::NoPicture("an empty ZIP archive")),
    (b"Rar!\x1a\x07", Content::NoPicture("a RAR archive")),
    (b"7z\xbc\xaf\x27\x1c", Content::NoPicture("a 7z archive")),
    (b"\x1f\x8b", Content::NoPicture("a gzip archive")),
    (b"\x1a\x45\xdf\xa3", Content::NoPicture("a WebM or Matroska video")),
    (b"OggS", Content::NoPicture("an Ogg file")),
    (b"FLV\x01", Content::NoPicture("a Flash video")),
    (b"\0\0\x01\xba", Content::NoPicture("an MPEG video")),
    (b"ID3", Content::NoPicture("an MP3 file")),
    (b"\x7fELF", Content::NoPicture("a program")),
    (b"MZ", Content::NoPicture("a program")),
];

pub(super) fn sniff(bytes: &[u8]) -> Content {
    if let Some((_, content)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return *content;
    }
    if let Some(content) = riff(bytes).or_else(|| iso_media(bytes)).or_else(|| netpbm(bytes)) {
        return content;
    }
    markup(bytes).unwrap_or(Content::Unknown)
}

fn riff(bytes: &[u8]) -> Option<Content> {
    let kind = bytes.strip_prefix(b"RIFF")?.get(4..8)?;
    match kind {
        b"WEBP" => Some(Content::Picture(Format::WebP)),
        b"AVI " => Some(Content::NoPicture("an AVI video")),
        b"WAVE" => Some(Content::NoPicture("a WAV sound")),
        _ => None,
    }
}

/// The boxes of MP4, which AVIF and HEIC are made of, too.
fn iso_media(bytes: &[u8]) -> Option<Content> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    // The major brand may be a generic one: the compatible brands after it tell then.
    let size = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let brands = || bytes[..size.clamp(8, 256).min(bytes.len())][8..].chunks_exact(4);
    let is = |names: &[&[u8]]| brands().any(|b| names.contains(&b));
    Some(if is(&[b"avif", b"avis"]) {
        Content::OtherPicture("AVIF")
    } else if is(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"]) {
        Content::OtherPicture("HEIC")
    } else {
        Content::NoPicture("a video (MP4 or QuickTime)")
    })
}

/// `P1` … `P7` and white space.
fn netpbm(bytes: &[u8]) -> Option<Content> {
    match bytes {
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n', ..] => Some(Content::OtherPicture("Netpbm (PPM)")),
        _ => None,
    }
}

fn markup(bytes: &[u8]) -> Option<Content> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if !text.starts_with(b"<") {
        return None;
    }
    let head = text[..text.len().min(1024)].to_ascii_lowercase();
    let has = |tag: &[u8]| head.windows(tag.len()).any(|w| w == tag);
    if has(b"<!doctype html") || has(b"<html") || has(b"<head") || has(b"<body") || has(b"<script") {
        Some(Content::NoPicture("a web page (HTML)"))
    } else if has(b"<svg") {
        Some(Content::OtherPicture("SVG"))
    } else if has(b"<?xml") {
        Some(Content::NoPicture("an XML file"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_the_format() {
        use Content::{NoPicture, OtherPicture, Picture, Unknown};
        let cases: &[(&[u8], Content)] = &[
            (b"\x89PNG\r\n\x1a\n....", Picture(Format::Png)),
            (b"\xff\xd8\xff\xe0", Picture(Format::Jpeg)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Picture(Format::WebP)),
            (b"RIFF\x10\0\0\0AVI ", NoPicture("an AVI video")),
            (b"\0\0\0\x1cftypavif\0\0\0\0", OtherPicture("AVIF")),
            (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", OtherPicture("AVIF")),
            (b"\0\0\0\x18ftypheic\0\0\0\0", OtherPicture("HEIC")),
            (b"\0\0\0\x18ftypisom\0\0\0\0", NoPicture("a video (MP4 or QuickTime)")),
            (b"\xff\xff\xff\xffftyp", NoPicture("a video (MP4 or QuickTime)")),
            (b"  <!DOCTYPE html><svg>", NoPicture("a web page (HTML)")),
            (b"\xef\xbb\xbf<?xml version='1.0'?><svg xmlns=''>", OtherPicture("SVG")),
            (b"<?xml version='1.0'?><rss>", NoPicture("an XML file")),
            (b"P6\n2 2 255\n", OtherPicture("Netpbm (PPM)")),
            (b"P6Q", Unknown),
            (b"RIFF", Unknown),
            (b"\x89PNG\r\n", Unknown),
            (b"<3", Unknown),
            (b"", Unknown),
        ];
        for (bytes, want) in cases {
            assert_eq!(sniff(bytes), *want, "{}", bytes.escape_ascii());
        }
    }
}
