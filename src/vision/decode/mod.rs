//! Bytes from a stranger ─▶ one still picture: RGB, 8 bit, upright, opaque; or an error that says what to do.
//!
//! The order is the point: the format is told from the content (never from a name), the header is read, its numbers
//! are held against the limits, and only then is memory taken and anything decoded. The codecs are driven directly
//! rather than through `image::ImageReader`, which copies JPEG files, accepts half of them as whole, and does not pass
//! the allocation limit on to the WebP decoder.
//!
//! - Animations (GIF, WebP, APNG) give their first frame on its canvas; what the frame leaves open is white. Of an APNG
//!   that is its default image.
//! - ICC profiles and PNG gamma are **not** applied: the models were trained on plain sample values. CMYK is converted
//!   by the naive formula that Pillow uses too.
//! - No AVIF: we found no well-kept decoder in pure Rust under a permissive licence (`image` offers dav1d, a C library
//!   of the system). It is recognised and answered by name, as are HEIC, JPEG XL, SVG and others.
//! - A file that ends early is an error, never half a picture: see each codec for where it draws that line.
//!
//! Nothing in this folder knows the rest of the crate, so that `fuzz/` can build it alone.

mod bmp;
mod error;
mod exif;
mod gif;
mod jpeg;
mod pixels;
mod png;
mod sniff;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

pub use error::DecodeError;
use pixels::Layout;

/// Shortest side, in pixels, of a picture worth looking at: below it no face can be told.
pub const MIN_SIDE: u32 = 8;

/// How much a picture may cost. Checked from the header, before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Length of the file in bytes.
    pub max_bytes: usize,
    /// Width times height.
    pub max_pixels: u64,
    /// Bytes that decoding may allocate at any one time, the finished picture included.
    pub max_alloc: u64,
}

impl Default for DecodeLimits {
    /// 64 MiB, 100 megapixels, 512 MiB: enough for 100 megapixels of PNG or baseline JPEG, not for such a picture as a
    /// progressive JPEG, whose coefficients are kept whole.
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_pixels: 100_000_000, max_alloc: 512 << 20 }
    }
}

/// The formats that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Png,
    Jpeg,
    Gif,
    WebP,
    Bmp,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Png, Self::Jpeg, Self::Gif, Self::WebP, Self::Bmp];

    /// Its name as people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
        }
    }

    /// The format by the file's first bytes; `None` where it is none that can be decoded.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match sniff::sniff(bytes) {
            sniff::Content::Picture(format) => Some(format),
            _ => None,
        }
    }
}

/// A picture as everything downstream sees it.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// 8-bit RGB after EXIF orientation, transparency flattened on white.
    pub image: RgbImage,
    pub format: Format,
}

/// Decodes one picture within `limits`.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Decoded, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.len() > limits.max_bytes {
        return Err(DecodeError::TooManyBytes { bytes: bytes.len(), limit: limits.max_bytes });
    }
    let format = match sniff::sniff(bytes) {
        sniff::Content::Picture(format) => format,
        sniff::Content::OtherPicture(name) => return Err(DecodeError::NotSupported { name }),
        sniff::Content::NoPicture(what) => return Err(DecodeError::NotAPicture { what }),
        sniff::Content::Unknown => return Err(DecodeError::Unknown),
    };
    let image = guard(format, || decode_as(format, bytes, limits))?;
    Ok(Decoded { image, format })
}

/// The last guard: a decoder that panics costs its own picture an error and not the engine's thread its life. All five
/// decoders have had such bugs, and nothing that was half done outlives the closure.
fn guard<T>(format: Format, decode: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or(Err(DecodeError::Crashed { format }))
}

fn decode_as(format: Format, bytes: &[u8], limits: &DecodeLimits) -> Result<RgbImage, DecodeError> {
    match format {
        Format::Png => decode_with::<png::Png>(bytes, limits),
        Format::Jpeg => decode_with::<jpeg::Jpeg>(bytes, limits),
        Format::Gif => decode_with::<gif::Gif>(bytes, limits),
        Format::WebP => decode_with::<webp::WebP>(bytes, limits),
        Format::Bmp => decode_with::<bmp::Bmp>(bytes, limits),
    }
}

/// What a file's header says, before a pixel is decoded.
#[derive(Debug, Clone, Copy)]
struct Header {
    width: u32,
    height: u32,
    /// How the codec will lay down its pixels.
    layout: Layout,
    orientation: Orientation,
    /// Bytes that the codec will need besides the buffer it decodes into.
    scratch: u64,
}

impl Header {
    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of the buffer that is decoded into and then made RGB in place.
    fn buffer(&self) -> u64 {
        self.pixels().saturating_mul(self.layout.bytes_per_pixel().max(3) as u64)
    }

    /// Most bytes held at one time: while decoding, or while a lying picture is set upright into a second one.
    fn peak(&self) -> u64 {
        let turned = if turns(self.orientation) { self.pixels().saturating_mul(6) } else { 0 };
        self.buffer().saturating_add(self.scratch).max(turned)
    }

    fn check(&self, format: Format, limits: &DecodeLimits) -> Result<(), DecodeError> {
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 {
            return Err(DecodeError::Damaged { format, why: format!("its header says {width}×{height} pixels") });
        }
        if width.min(height) < MIN_SIDE {
            return Err(DecodeError::TooSmall { width, height });
        }
        if self.pixels() > limits.max_pixels {
            return Err(DecodeError::TooManyPixels { width, height, limit: limits.max_pixels });
        }
        if self.peak() > limits.max_alloc {
            return Err(DecodeError::TooMuchMemory { width, height, needed: self.peak(), limit: limits.max_alloc });
        }
        Ok(())
    }
}

/// Whether setting the picture upright swaps its sides, which takes a second picture's memory.
fn turns(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// One format's decoder, in two steps so that the limits come between them.
trait Codec<'a>: Sized {
    const FORMAT: Format;

    /// Reads the header; allocates little more than copies of the file's metadata. `limits` are for a codec that must
    /// look at the size twice.
    fn open(bytes: &'a [u8], limits: &DecodeLimits) -> Result<(Self, Header), DecodeError>;

    /// Decodes into `buf`, which has exactly the header's pixels in the header's layout. `scratch` is what the codec
    /// may allocate besides, where it can be told so.
    fn read(self, buf: &mut [u8], scratch: u64) -> Result<(), DecodeError>;
}

fn decode_with<'a, C: Codec<'a>>(bytes: &'a [u8], limits: &DecodeLimits) -> Result<RgbImage, DecodeError> {
    let (codec, header) = C::open(bytes, limits)?;
    header.check(C::FORMAT, limits)?;
    let bytes_per_pixel = header.layout.bytes_per_pixel();
    let pixels = usize::try_from(header.pixels()).expect("the limits are below the address space");
    // Zeroed by the system as it is touched: a lying header costs nothing.
    let mut buf = vec![0; pixels * bytes_per_pixel.max(3)];
    codec.read(&mut buf[..pixels * bytes_per_pixel], limits.max_alloc - header.buffer())?;
    let rgb = pixels::into_rgb8(buf, pixels, header.layout);
    let image = RgbImage::from_raw(header.width, header.height, rgb).expect("three bytes for each pixel");
    if header.orientation == Orientation::NoTransforms {
        return Ok(image);
    }
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(header.orientation);
    Ok(image.into_rgb8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_decoder_is_an_error_that_asks_for_a_report() {
        let result: Result<(), _> = guard(Format::WebP, || panic!("this panic is part of a test"));
        let error = result.expect_err("it panicked");
        assert_eq!(error, DecodeError::Crashed { format: Format::WebP });
        assert!(error.to_string().contains("please report it"), "{error}");
    }

    #[test]
    fn limits_are_checked_from_the_header() {
        let header = |width, height, layout| Header {
            width,
            height,
            layout,
            orientation: Orientation::NoTransforms,
            scratch: 1000,
        };
        let check = |h: Header| h.check(Format::Png, &DecodeLimits::default());
        assert_eq!(check(header(10_000, 10_000, Layout::Rgba8)), Ok(()));
        assert_eq!(
            check(header(10_001, 10_000, Layout::L8)),
            Err(DecodeError::TooManyPixels { width: 10_001, height: 10_000, limit: 100_000_000 })
        );
        assert_eq!(
            check(header(10_000, 10_000, Layout::Rgba16)),
            Err(DecodeError::TooMuchMemory { width: 10_000, height: 10_000, needed: 800_001_000, limit: 512 << 20 })
        );
        let lying = Header { orientation: Orientation::Rotate90, ..header(10_000, 10_000, Layout::Rgb8) };
        assert_eq!(lying.peak(), 600_000_000, "turning holds two pictures at once");
        assert_eq!(check(header(7, 9000, Layout::L8)), Err(DecodeError::TooSmall { width: 7, height: 9000 }));
        assert!(matches!(check(header(0, 9, Layout::L8)), Err(DecodeError::Damaged { .. })));
        assert_eq!(header(u32::MAX, u32::MAX, Layout::Rgba16).peak(), u64::MAX, "no overflow");
    }

    #[test]
    fn bytes_are_counted_before_they_are_looked_at() {
        let limits = DecodeLimits { max_bytes: 3, ..DecodeLimits::default() };
        assert_eq!(decode(b"<htm", &limits).expect_err("too long"), DecodeError::TooManyBytes { bytes: 4, limit: 3 });
        assert_eq!(decode(b"", &limits).expect_err("empty"), DecodeError::Empty);
    }
}
