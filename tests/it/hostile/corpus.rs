//! The corpus: inputs made by hand, each with the one outcome that is right.

use std::io::Write as _;
use std::path::Path;

use image::Rgb;
use mekiki::vision::decode::{DecodeError, DecodeLimits, Decoded, Format, decode};

use super::bytes::{
    Ihdr, exif, find, grey_rows, inserted, jpeg_resized, jpeg_with_exif, overwritten, patched, png, png_chunk,
    png_of_stream, riff_chunk, segment, vp8x, webp, webp_bitstream, zlib,
};
use super::mutation::{MAGICS, check};
use super::{sample, samples};

/// What must come out.
#[derive(Debug, Clone, Copy)]
enum Want {
    /// A picture of this size.
    Size(u32, u32),
    /// A picture of this size with this colour at 5, 5, give or take 3.
    Colour(u32, u32, [u8; 3]),
    /// The error of this code.
    Error(&'static str),
    /// The error of this code, whose text holds this.
    Says(&'static str, &'static str),
}

impl Want {
    fn is_met(self, got: &Result<Decoded, DecodeError>) -> bool {
        match (self, got) {
            (Self::Size(w, h), Ok(d)) => d.image.dimensions() == (w, h),
            (Self::Colour(w, h, colour), Ok(d)) => {
                let Rgb(pixel) = *d.image.get_pixel(5, 5);
                d.image.dimensions() == (w, h) && pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 3)
            }
            (Self::Error(code), Err(e)) => e.code() == code,
            (Self::Says(code, text), Err(e)) => e.code() == code && e.to_string().contains(text),
            _ => false,
        }
    }
}

struct Input {
    name: String,
    bytes: Vec<u8>,
    want: Want,
}

#[derive(Default)]
struct Corpus(Vec<Input>);

impl Corpus {
    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>, want: Want) {
        self.0.push(Input { name: name.into(), bytes: bytes.into(), want });
    }
}

const RED: [u8; 3] = [200, 30, 40];
const CUT_OFF: Want = Want::Error("cut_off");
const DAMAGED: Want = Want::Error("damaged");
const DRAWING: Want = Want::Colour(48, 32, RED);
const GREY8: Ihdr = Ihdr { width: 16, height: 16, depth: 8, colour: 0 };

fn corpus() -> Vec<Input> {
    let mut c = Corpus::default();
    truncated(&mut c);
    not_pictures(&mut c);
    bombs_and_sizes(&mut c);
    png_tricks(&mut c);
    jpeg_tricks(&mut c);
    gif_bmp_tricks(&mut c);
    webp_tricks(&mut c);
    polyglots(&mut c);
    orientations(&mut c);
    c.0
}

#[test]
fn hostile_inputs_give_a_right_answer_or_a_clear_error_and_no_panic() {
    let inputs = corpus();
    let (mut right, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for Input { name, bytes, want } in &inputs {
        let got = decode(bytes, &DecodeLimits::default());
        match &got {
            Ok(_) => right += 1,
            Err(_) => refused += 1,
        }
        if !want.is_met(&got) {
            let got = got.map(|d| (d.image.dimensions(), *d.image.get_pixel(5, 5)));
            wrong.push(format!("{name}: {want:?} was wanted, {got:?} came"));
        }
        // Under the default cap, which the bombs aim at.
        check(bytes, &DecodeLimits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    println!("{} hostile inputs: {right} decoded right, {refused} refused as they should, 0 panics", inputs.len());
    assert!(wrong.is_empty(), "{} of {} inputs:\n{}", wrong.len(), inputs.len(), wrong.join("\n"));
    assert!(inputs.len() >= 60, "{}", inputs.len());
}

/// Seeds for the fuzzer: `cargo test --test it write_the_fuzz_corpus -- --ignored`.
#[test]
#[ignore = "writes fuzz/corpus/decode for cargo-fuzz; checks nothing"]
fn write_the_fuzz_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    std::fs::create_dir_all(&folder).unwrap();
    // Large inputs teach the fuzzer nothing that small ones don't.
    let hostile = corpus().into_iter().map(|i| i.bytes).filter(|bytes| bytes.len() < 8192);
    for (number, bytes) in samples().into_iter().map(|(_, bytes)| bytes).chain(hostile).enumerate() {
        std::fs::write(folder.join(format!("seed-{number:03}")), bytes).unwrap();
    }
}

/// A file of each kind, cut after each sixteenth.
fn truncated(c: &mut Corpus) {
    let kinds = [
        "444.jpg",
        "progressive.jpg",
        "restart.jpg",
        "ycck.jpg",
        "rgb16.png",
        "adam7.png",
        "palette_trns.png",
        "apng.png",
        "palette.gif",
        "small_first.gif",
        "lossy.webp",
        "lossless_alpha.webp",
        "animated.webp",
        "rgb24.bmp",
        "rle8.bmp",
    ];
    for kind in kinds {
        let file = sample(kind);
        // Until the first frame is there; the second is not looked at, and a WebP's container counts all.
        let whole = match kind {
            "apng.png" => find(&file, b"fdAT") - 4 - 38,
            _ => file.len(),
        };
        for sixteenth in 0..16 {
            let bytes = &file[..whole * sixteenth / 16];
            let magic = if kind.ends_with("webp") { 12 } else { 8 };
            let want = match bytes.len() {
                0 => Want::Error("empty"),
                n if n < magic && Format::of(bytes).is_none() => Want::Error("unknown"),
                _ => CUT_OFF,
            };
            c.add(format!("{kind} cut to {sixteenth}/16"), bytes, want);
        }
    }
    // One byte short: in PNG, GIF and run-length BMP that is an end mark which no pixel needs.
    for (kind, want) in [
        ("444.jpg", CUT_OFF),
        ("rgb16.png", Want::Size(48, 32)),
        ("palette.gif", DRAWING),
        ("lossy.webp", CUT_OFF),
        ("rgb24.bmp", CUT_OFF),
    ] {
        let file = sample(kind);
        c.add(format!("{kind} short of its last byte"), &file[..file.len() - 1], want);
    }
}

fn not_pictures(c: &mut Corpus) {
    let web_page = Want::Says("not_a_picture", "web page");
    c.add("no bytes", b"", Want::Error("empty"));
    c.add("zeros", vec![0; 5000], Want::Error("unknown"));
    c.add("web page named .png", b"<!DOCTYPE html><html><body>404</body></html>", web_page);
    c.add("web page after white space and a byte order mark", b"\xef\xbb\xbf \r\n<HTML>", web_page);
    c.add(
        "SVG",
        b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        Want::Says("not_supported", "SVG"),
    );
    c.add(
        "AVIF",
        b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B",
        Want::Says("not_supported", "AVIF is not supported; save it as PNG"),
    );
    c.add("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Want::Says("not_supported", "HEIC"));
    c.add("JPEG XL", b"\xff\x0a\xfa\x1f", Want::Says("not_supported", "JPEG XL"));
    c.add("JPEG XL in a box", b"\0\0\0\x0cJXL \r\n\x87\n", Want::Says("not_supported", "JPEG XL"));
    c.add("TIFF", b"II*\0\x08\0\0\0\0\0", Want::Says("not_supported", "TIFF"));
    c.add("PDF", b"%PDF-1.7\n%\xe2\xe3", Want::Says("not_a_picture", "PDF"));
    c.add("MP4", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", Want::Says("not_a_picture", "video"));
    c.add("WebM", b"\x1a\x45\xdf\xa3\x01", Want::Says("not_a_picture", "WebM"));
    c.add("ZIP", b"PK\x03\x04\x14\0", Want::Says("not_a_picture", "ZIP"));
    c.add("program", b"\x7fELF\x02\x01\x01", Want::Says("not_a_picture", "program"));
    // An icon of icons: its one image is the file itself.
    let icon = b"\0\0\x01\0\x01\0\0\0\0\0\x01\0\x20\0\x16\0\0\0\0\0\0\0";
    c.add("icon that holds itself", icon.to_vec(), Want::Says("not_supported", "ICO"));
    c.add("random text", b"hello, is this a picture?", Want::Error("unknown"));
    let noise: Vec<u8> = (0..2000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for magic in MAGICS {
        let bytes = [magic, &noise].concat();
        // Which error depends on where the noise hits; it must be one about this file.
        let got = decode(&bytes, &DecodeLimits::default()).expect_err("noise is no picture").code();
        let fair = ["damaged", "cut_off", "too_many_pixels", "too_much_memory", "unsupported_kind", "too_small"];
        assert!(fair.contains(&got), "noise after {}: {got}", magic.escape_ascii());
        c.add(format!("noise after {}", magic.escape_ascii()), bytes, Want::Error(got));
    }
}

fn bombs_and_sizes(c: &mut Corpus) {
    let too_many = Want::Error("too_many_pixels");
    let claim = |width, height, depth, colour| png(Ihdr { width, height, depth, colour }, &[0; 64], b"");
    c.add("PNG claiming 65535×65535", claim(65_535, 65_535, 8, 6), too_many);
    c.add("PNG claiming 2³¹−1 squared", claim(0x7fff_ffff, 0x7fff_ffff, 16, 6), too_many);
    c.add("PNG claiming 2³¹−1 by 8", claim(0x7fff_ffff, 8, 16, 6), too_many);
    c.add("PNG claiming 100 megapixels of 64 bits", claim(10_000, 10_000, 16, 6), Want::Error("too_much_memory"));
    c.add("PNG claiming 64 megapixels and holding none", claim(8000, 8000, 8, 2), DAMAGED);
    let gigabyte = zlib(std::iter::repeat_n(&vec![0_u8; 1 << 20][..], 1024));
    c.add("PNG of 16×16 whose data inflate to 1 GiB", png_of_stream(GREY8, &gigabyte, b""), Want::Size(16, 16));
    let profile = png_chunk("iCCP", &[b"x\0\0", &gigabyte[..]].concat());
    c.add("PNG with a colour profile of 1 GiB", png(GREY8, &grey_rows(16, 16), &profile), Want::Size(16, 16));
    let text = png_chunk("zTXt", &[b"x\0\0", &gigabyte[..]].concat());
    c.add("PNG with a text of 1 GiB", png(GREY8, &grey_rows(16, 16), &text), Want::Size(16, 16));
    for (name, width, height, want) in [
        ("1×20000", 1, 20_000, Want::Error("too_small")),
        ("20000×1", 20_000, 1, Want::Error("too_small")),
        ("8×20000", 8, 20_000, Want::Colour(8, 20_000, [0x80; 3])),
        ("20000×8", 20_000, 8, Want::Colour(20_000, 8, [0x80; 3])),
        ("0×16", 0, 16, DAMAGED),
        ("1×1", 1, 1, Want::Error("too_small")),
    ] {
        let rows = grey_rows(width as usize, height as usize);
        c.add(format!("PNG of {name}"), png(Ihdr { width, height, ..GREY8 }, &rows, b""), want);
    }
    let gif = sample("palette.gif");
    c.add("GIF with a canvas of 65535×65535", patched(&gif, b"GIF", 6, &[0xff; 4]), too_many);
    let frame = patched(&gif, b"\x2c\0\0\0\0", 5, &[0xff; 4]);
    c.add("GIF with a frame of 65535×65535", frame, Want::Says("damaged", "larger than its canvas"));
    c.add("JPEG claiming 65535×65535", jpeg_resized(&sample("444.jpg"), 0xc0, 65_535, 65_535), too_many);
    c.add(
        "progressive JPEG claiming 65535×65535",
        jpeg_resized(&sample("progressive.jpg"), 0xc2, 65_535, 65_535),
        too_many,
    );
    let progressive = jpeg_resized(&sample("progressive.jpg"), 0xc2, 10_000, 10_000);
    c.add("progressive JPEG claiming 100 megapixels", progressive, Want::Error("too_much_memory"));
    let bmp = sample("rgb24.bmp");
    let size = |w: i32, h: i32| [w.to_le_bytes(), h.to_le_bytes()].concat();
    c.add("BMP claiming 65535×65535", patched(&bmp, b"BM", 18, &size(65_535, 65_535)), too_many);
    c.add("BMP claiming 9000×9000", patched(&bmp, b"BM", 18, &size(9000, 9000)), CUT_OFF);
    c.add("BMP of negative width", patched(&bmp, b"BM", 18, &size(-48, 32)), DAMAGED);
    c.add("BMP of the lowest height", patched(&bmp, b"BM", 18, &size(48, i32::MIN)), DAMAGED);
    let huge = vec![0x42; (64 << 20) + 1];
    c.add("one byte more than 64 MiB", huge, Want::Error("too_many_bytes"));
}

fn png_tricks(c: &mut Corpus) {
    let good = png(GREY8, &grey_rows(16, 16), b"");
    let grey = Want::Colour(16, 16, [0x80; 3]);
    c.add(
        "PNG whose header lies about its height, upward",
        png(Ihdr { height: 32, ..GREY8 }, &grey_rows(16, 16), b""),
        DAMAGED,
    );
    c.add(
        "PNG whose header lies about its height, downward",
        png(Ihdr { height: 8, ..GREY8 }, &grey_rows(16, 16), b""),
        Want::Colour(16, 8, [0x80; 3]),
    );
    c.add(
        "PNG whose header is of another colour type",
        png(Ihdr { colour: 6, ..GREY8 }, &grey_rows(16, 16), b""),
        DAMAGED,
    );
    c.add("PNG of colour type 5", png(Ihdr { colour: 5, ..GREY8 }, &grey_rows(16, 16), b""), DAMAGED);
    c.add("PNG of 3 bits", png(Ihdr { depth: 3, ..GREY8 }, &grey_rows(16, 16), b""), DAMAGED);
    c.add(
        "PNG with palette indices and no palette",
        png(Ihdr { colour: 3, ..GREY8 }, &grey_rows(16, 16), b""),
        DAMAGED,
    );
    for length in [1, 2, 3, 4, 5, 766, 767, 768, 769, 774] {
        let palette = png_chunk("PLTE", &vec![0x80; length]);
        let bytes = png(Ihdr { colour: 3, ..GREY8 }, &[0; 17 * 16], &palette);
        let fair = (3..=768).contains(&length) && length % 3 == 0;
        c.add(format!("PNG with a palette of {length} bytes"), bytes, if fair { grey } else { DAMAGED });
    }
    let mut bad_sum = good.clone();
    bad_sum[find(&good, b"IHDR") + 17] ^= 1;
    c.add("PNG with a wrong checksum of its header", bad_sum, DAMAGED);
    let mut bad_data = good.clone();
    bad_data[find(&good, b"IDAT") + 8] ^= 0x40;
    c.add("PNG with a wrong bit in its data", bad_data, DAMAGED);
    let mut bad_text = png(GREY8, &grey_rows(16, 16), &png_chunk("tEXt", b"k\0v"));
    let at = find(&bad_text, b"tEXt");
    bad_text[at + 4] ^= 1;
    c.add("PNG with a wrong checksum of a text", bad_text, grey);
    let rows: Vec<u8> = grey_rows(16, 16).iter().enumerate().map(|(i, v)| if i % 17 == 0 { 9 } else { *v }).collect();
    c.add("PNG with a filter that is none", png(GREY8, &rows, b""), DAMAGED);
    c.add(
        "PNG with a chunk of 2 GiB",
        overwritten(&good, find(&good, b"IDAT") - 4, &[0x7f, 0xff, 0xff, 0xff]),
        CUT_OFF,
    );
    c.add("PNG without data", [&good[..find(&good, b"IDAT") - 4], &png_chunk("IEND", b"")].concat(), DAMAGED);
    c.add("PNG with a second header", inserted(&good, 33, &good[8..33]), DAMAGED);
    c.add("PNG with an unknown critical chunk", inserted(&good, 33, &png_chunk("QRST", b"?")), DAMAGED);
    c.add("animated PNG", sample("apng.png"), DRAWING);
    c.add("PNG of 16 bits", sample("rgb16.png"), DRAWING);
    c.add("interlaced PNG of 16 bits", sample("adam7_16.png"), DRAWING);
    let much_exif = png_chunk("eXIf", &[&exif(1)[..], &vec![0x55; 20 << 20]].concat());
    c.add("PNG with 20 MiB of EXIF", inserted(&good, 33, &much_exif), grey);
}

fn jpeg_tricks(c: &mut Corpus) {
    let (baseline, progressive) = (sample("444.jpg"), sample("progressive.jpg"));
    c.add("JPEG whose header lies about its height, upward", jpeg_resized(&baseline, 0xc0, 48, 320), CUT_OFF);
    c.add("JPEG whose header lies about its width, upward", jpeg_resized(&baseline, 0xc0, 480, 32), CUT_OFF);
    c.add(
        "JPEG whose header lies about its height, downward",
        jpeg_resized(&baseline, 0xc0, 48, 16),
        Want::Colour(48, 16, RED),
    );
    c.add("JPEG claiming 9000×9000", jpeg_resized(&baseline, 0xc0, 9000, 9000), Want::Says("damaged", "more pixels"));
    c.add(
        "progressive JPEG claiming 5000×5000",
        jpeg_resized(&progressive, 0xc2, 5000, 5000),
        Want::Says("damaged", "more pixels"),
    );
    c.add("JPEG of no height", jpeg_resized(&baseline, 0xc0, 48, 0), DAMAGED);
    // Half of the scan, then an honest end marker.
    let scan = find(&baseline, &[0xff, 0xda]) + 14;
    let half = scan + (baseline.len() - scan) / 2;
    c.add("JPEG with half of its scan and an end marker", [&baseline[..half], &[0xff, 0xd9]].concat(), CUT_OFF);
    c.add("JPEG with no scan", [&baseline[..scan - 14], &[0xff, 0xd9]].concat(), DAMAGED);
    c.add("JPEG with an end marker at once", b"\xff\xd8\xff\xd9", DAMAGED);
    c.add("JPEG of 12 bits", patched(&baseline, &[0xff, 0xc0], 4, &[12]), Want::Says("unsupported_kind", "12 bits"));
    c.add("lossless JPEG", patched(&baseline, &[0xff, 0xc0], 1, &[0xc3]), Want::Says("unsupported_kind", "lossless"));
    c.add(
        "arithmetic JPEG",
        patched(&baseline, &[0xff, 0xc0], 1, &[0xc9]),
        Want::Says("unsupported_kind", "arithmetic"),
    );
    c.add("JPEG without Huffman tables", without_segments(&baseline, 0xc4), DAMAGED);
    c.add("JPEG without quantisation tables", without_segments(&baseline, 0xdb), DAMAGED);
    c.add("JPEG with a segment of length 0", inserted(&baseline, 2, &[0xff, 0xe5, 0, 0]), DAMAGED);
    c.add("JPEG with a sampling factor of 0", patched(&baseline, &[0xff, 0xc0], 11, &[0x00]), DAMAGED);
    for kind in
        ["cmyk.jpg", "cmyk_progressive.jpg", "ycck.jpg", "rgb_adobe.jpg", "progressive.jpg", "restart.jpg", "420.jpg"]
    {
        let want = match kind {
            // Their black comes on top.
            k if k.starts_with("cmyk") || k.starts_with("ycck") => Want::Size(48, 32),
            _ => DRAWING,
        };
        c.add(kind, sample(kind), want);
    }
    let large = [&exif(1)[..], &vec![0x55; 65_000]].concat();
    c.add("JPEG with 65 kB of EXIF", jpeg_with_exif(&baseline, &large), DRAWING);
    let comments = segment(0xfe, &vec![0xff; 65_533]).repeat(400);
    c.add("JPEG with 25 MiB of comments", inserted(&baseline, 2, &comments), DRAWING);
    let xmp = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", &vec![b'x'; 60_000][..]].concat()).repeat(300);
    c.add("JPEG with 17 MiB of XMP", inserted(&baseline, 2, &xmp), DRAWING);
}

/// Leaves out the JPEG segments of one marker, before the scan.
fn without_segments(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let length = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != marker {
            out.extend(&jpeg[at..at + length]);
        }
        at += length;
    }
    [&out, &jpeg[at..]].concat()
}

fn gif_bmp_tricks(c: &mut Corpus) {
    let gif = sample("palette.gif");
    c.add("animated GIF", sample("animated.gif"), DRAWING);
    c.add(
        "GIF whose first frame is smaller than its canvas",
        sample("small_first.gif"),
        Want::Colour(64, 48, [255; 3]),
    );
    let frame = find(&gif, b"\x2c\0\0\0\0");
    // Where the end mark is the last byte, the decoder sees the end of the file first.
    c.add("GIF without a frame", [&gif[..frame], b";"].concat(), CUT_OFF);
    c.add("GIF without a frame and with more behind it", [&gif[..frame], b";more"].concat(), DAMAGED);
    c.add("GIF with a code size of 255", patched(&gif, b"\x2c\0\0\0\0", 10, &[255]), DAMAGED);
    c.add("GIF with a canvas of 0×0", patched(&gif, b"GIF", 6, &[0; 4]), DAMAGED);
    c.add(
        "GIF whose frame is beside its canvas",
        patched(&gif, b"\x2c\0\0\0\0", 1, &[200, 0, 200, 0]),
        Want::Colour(48, 32, [255; 3]),
    );
    let bmp = sample("rgb24.bmp");
    c.add("BMP of 23 bits", patched(&bmp, b"BM", 28, &[23]), DAMAGED);
    c.add("BMP that holds a JPEG", patched(&bmp, b"BM", 30, &[4]), Want::Error("unsupported_kind"));
    c.add("BMP whose pixels begin after its end", patched(&bmp, b"BM", 10, &[0xff; 4]), CUT_OFF);
    c.add("BMP with a header of 4 GiB", patched(&bmp, b"BM", 14, &[0xff; 4]), Want::Error("unsupported_kind"));
    let palette = sample("palette8.bmp");
    c.add("BMP with 4 thousand million colours", patched(&palette, b"BM", 46, &[0xff; 4]), DAMAGED);
    c.add("BMP with a colour beyond its palette", patched(&palette, b"BM", 46, &[1, 0, 0, 0]), Want::Size(48, 32));
    c.add("BMP of run lengths", sample("rle8.bmp"), DRAWING);
}

fn webp_tricks(c: &mut Corpus) {
    let disagree = Want::Says("damaged", "disagree about its size");
    let (lossy, lossless) = (sample("lossy.webp"), sample("lossless.webp"));
    c.add("animated WebP", sample("animated.webp"), DRAWING);
    c.add("animated WebP with alpha", sample("animated_alpha.webp"), DRAWING);
    let vp8 = patched(&lossy, b"VP8 ", 14, &[0xff, 0x3f, 0xff, 0x3f]);
    c.add("WebP whose lossy header claims 16383×16383", vp8.clone(), Want::Error("too_many_pixels"));
    c.add("WebP whose lossy header claims 6000×6000", patched(&lossy, b"VP8 ", 14, &[0x70, 0x17, 0x70, 0x17]), DAMAGED);
    let vp8l = patched(&lossless, b"VP8L", 9, &vp8l_size(9000, 9000));
    c.add("WebP whose lossless header claims 9000×9000", vp8l, Want::Error("too_much_memory"));
    c.add("WebP of 16383×16383 on a canvas of 48×32", webp(&[vp8x(0, 48, 32), webp_bitstream(&vp8)]), disagree);
    c.add("WebP of 48×32 on a canvas of 64×64", webp(&[vp8x(0, 64, 64), webp_bitstream(&lossy)]), disagree);
    c.add("WebP with a canvas of 2²⁴ squared", webp(&[vp8x(2, 1 << 24, 1 << 24), webp_bitstream(&lossy)]), disagree);
    let small = sample("small_first.webp");
    let inner = patched(&small, b"VP8L", 9, &vp8l_size(9000, 9000));
    c.add("WebP whose first frame claims another size within", inner, disagree);
    let outside = patched(&small, b"ANMF", 8, &[0xff, 0xff, 0]);
    c.add("WebP whose first frame is beside its canvas", outside, DAMAGED);
    // A frame that is fair and one that is not: the decoder must not be led to the other one.
    let anmf = |parts: &[Vec<u8>]| {
        let head = [&[0_u8; 6][..], &[47, 0, 0, 31, 0, 0], &[0; 4]].concat();
        riff_chunk("ANMF", &[head, parts.concat()].concat())
    };
    let anim = riff_chunk("ANIM", &[0; 6]);
    let fair = webp_bitstream(&lossy);
    let still = webp(&[vp8x(0, 48, 32), anmf(std::slice::from_ref(&fair)), webp_bitstream(&vp8)]);
    c.add("still WebP of 16383×16383 with a small frame of animation", still, disagree);
    let mut disguised = webp_bitstream(&vp8);
    disguised[..4].copy_from_slice(b"XXXX");
    let alpha = riff_chunk("ALPH", &[0; 1 + 48 * 32]);
    let behind = webp(&[vp8x(0x12, 48, 32), anim, anmf(&[alpha, disguised, fair])]);
    c.add("animated WebP whose bitstream of 16383×16383 has another name", behind, Want::Says("damaged", "no picture"));
    let canvas = patched(&small, b"VP8X", 12, &[0xff; 6]);
    c.add("animated WebP with a canvas of 2²⁴ squared", canvas, Want::Error("too_many_pixels"));
    let mut exif_of_4_gib = webp(&[vp8x(8, 48, 32), webp_bitstream(&lossy), riff_chunk("EXIF", b"II*\0")]);
    exif_of_4_gib = patched(&exif_of_4_gib, b"EXIF", 4, &[0xff, 0xff, 0xff, 0xfe]);
    c.add("WebP with 4 GiB of EXIF", exif_of_4_gib, Want::Says("damaged", "more than there is"));
    c.add("WebP that claims 4 GiB", patched(&lossy, b"RIFF", 4, &[0xff; 4]), CUT_OFF);
    c.add("WebP that claims nothing", patched(&lossy, b"RIFF", 4, &[0; 4]), DAMAGED);
    c.add("WebP without a picture", webp(&[vp8x(0, 48, 32)]), Want::Says("damaged", "no picture"));
    let mut half = webp_bitstream(&lossless);
    half.truncate(8 + 20);
    half[4..8].copy_from_slice(&20_u32.to_le_bytes());
    c.add("WebP with half of its data in a whole container", webp(&[half]), DAMAGED);
    let exif = riff_chunk("EXIF", &vec![0x55; 5 << 20]);
    c.add("WebP with 5 MiB of EXIF", webp(&[vp8x(8, 48, 32), webp_bitstream(&lossless), exif]), DRAWING);
}

/// The size field of a lossless bitstream, without alpha.
fn vp8l_size(width: u32, height: u32) -> [u8; 4] {
    ((height - 1) * (1 << 14) + width - 1).to_le_bytes()
}

/// Files that are two things at once: what they are as a picture is what counts.
fn polyglots(c: &mut Corpus) {
    let zip = b"PK\x03\x04\x14\0\0\0\0\0PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let script = b"=1;/*<script>alert(1)</script>*/";
    for kind in ["444.jpg", "progressive.jpg", "rgb16.png", "palette.gif", "lossless.webp", "rgb24.bmp"] {
        let file = sample(kind);
        c.add(format!("{kind} with a ZIP archive behind it"), [&file, &zip[..]].concat(), DRAWING);
        c.add(format!("{kind} with a web page behind it"), [&file, &b"<html><script>"[..]].concat(), DRAWING);
        c.add(format!("{kind} with itself behind it"), file.repeat(2), DRAWING);
    }
    let comment = segment(0xfe, script);
    c.add("JPEG with a script as its comment", inserted(&sample("444.jpg"), 2, &comment), DRAWING);
    let text = png_chunk("tEXt", &[b"Comment\0", &script[..]].concat());
    c.add("PNG with a script as its text", inserted(&sample("rgb16.png"), 33, &text), DRAWING);
    let gif = sample("palette.gif");
    let extension = [b"\x21\xfe", &[script.len() as u8][..], script, &[0]].concat();
    c.add("GIF with a script as its comment", inserted(&gif, find(&gif, b"\x2c\0\0\0\0"), &extension), DRAWING);
    c.add(
        "script that begins as a GIF of 10799×26684",
        b"GIF89a/*<html>*/=1;".to_vec(),
        Want::Error("too_many_pixels"),
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&gif).unwrap();
    c.add("GIF in gzip", gzip.finish().unwrap(), Want::Says("not_a_picture", "gzip"));
}

fn orientations(c: &mut Corpus) {
    let jpeg = sample("444.jpg");
    for orientation in [0, 9, 255, 0x0600, u16::MAX] {
        c.add(format!("JPEG with orientation {orientation}"), jpeg_with_exif(&jpeg, &exif(orientation)), DRAWING);
    }
    c.add("JPEG with orientation 6", jpeg_with_exif(&jpeg, &exif(6)), Want::Size(32, 48));
    c.add("JPEG with EXIF of noise", jpeg_with_exif(&jpeg, &[0xa5; 300]), DRAWING);
    c.add("JPEG with EXIF of nothing", jpeg_with_exif(&jpeg, b""), DRAWING);
    let far = patched(&exif(6), b"II*\0", 4, &[0xff; 4]);
    c.add("JPEG with an EXIF directory 4 GiB away", jpeg_with_exif(&jpeg, &far), DRAWING);
    let many = patched(&exif(6), b"II*\0", 8, &[0xff; 2]);
    c.add("JPEG with an EXIF directory of 65535 entries", jpeg_with_exif(&jpeg, &many), Want::Size(32, 48));
}
