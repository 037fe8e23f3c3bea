"""Draws the small pictures of this folder and records how Pillow reads them.

    python3 make.py     (needs Pillow 11 or newer, with WebP)

Each file is a kind of picture that the Rust encoders at hand cannot write. `expected.json` holds, for each, the size after
EXIF orientation and the RGB values that Pillow gives at a grid of points after flattening on white. Pictures are our own.
"""

import io
import json
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

HERE = Path(__file__).parent
W, H = 48, 32


def scene(mode="RGB"):
    """A lop-sided drawing: no two of its eight orientations look alike."""
    im = Image.new("RGB", (W, H), (250, 240, 230))
    d = ImageDraw.Draw(im)
    d.rectangle((0, 0, 15, 15), fill=(200, 30, 40))
    d.rectangle((32, 0, 47, 15), fill=(30, 160, 60))
    d.rectangle((0, 16, 15, 31), fill=(40, 60, 190))
    d.rectangle((16, 16, 31, 31), fill=(240, 200, 20))
    d.rectangle((32, 16, 47, 31), fill=(10, 10, 10))
    return im.convert(mode)


def with_alpha():
    im = scene("RGBA")
    alpha = Image.new("L", (W, H), 255)
    d = ImageDraw.Draw(alpha)
    d.rectangle((0, 0, 15, 15), fill=128)
    d.rectangle((16, 0, 31, 15), fill=0)
    d.rectangle((32, 16, 47, 31), fill=77)
    im.putalpha(alpha)
    return im


def saved(im, fmt, **options):
    out = io.BytesIO()
    im.save(out, fmt, **options)
    return out.getvalue()


def png(width, height, depth, colour, rows, interlaced=False, extra=b"", last=b""):
    """A PNG from raw rows, for what Pillow cannot write."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    data = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + data + last + chunk(b"IEND", b"")


def samples(im, depth, mode):
    """`rows[y][x]`, a pixel's bytes, big-endian; 16-bit values are 257 times the 8-bit ones, give or take 100."""
    im = im.convert(mode)

    def sample(v, x):
        if depth == 8:
            return bytes([v])
        return struct.pack(">H", min(65535, max(0, v * 257 + (x * 37) % 201 - 100)))

    flat = [v for v in im.get_flattened_data()] if hasattr(im, "get_flattened_data") else list(im.getdata())
    px = [p if isinstance(p, tuple) else (p,) for p in flat]
    return [[b"".join(sample(v, x) for v in px[y * W + x]) for x in range(W)] for y in range(H)]


def plain_rows(s):
    return b"".join(b"\0" + b"".join(row) for row in s)


def adam7_rows(s):
    out = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        for y in range(y0, H, dy):
            out += b"\0" + b"".join(s[y][x] for x in range(x0, W, dx))
    return out


def ycck(**options):
    """Pillow writes no YCCK, but a JPEG's four components are what we say they are: give it Y, Cb, Cr and K (inverted,
    since it inverts) and change the transform in its Adobe marker."""
    y, cb, cr = scene("YCbCr").split()
    k = Image.linear_gradient("L").resize((W, H)).point(lambda v: 255 - v // 3)
    im = Image.merge("CMYK", [ImageOps.invert(c) for c in (y, cb, cr, k)])
    data = bytearray(saved(im, "JPEG", quality=95, **options))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def without_adobe(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


ADOBE_0 = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    e[0x010E] = "drawn by make.py"
    return e.tobytes()


def bmp_rle8():
    """Four runs and an absolute stretch a row; Pillow reads run lengths and does not write them."""
    im = scene("RGB").quantize(8)
    palette = (im.getpalette() + [0] * 24)[:24]
    table = b"".join(bytes([palette[i + 2], palette[i + 1], palette[i], 0]) for i in range(0, 24, 3))
    px = im.tobytes()
    body = b""
    for y in reversed(range(H)):
        row = px[y * W : (y + 1) * W]
        for x in (0, 16):
            body += bytes([16, row[x]])
        body += bytes([0, 16]) + row[32:48] + b"\0\0"
    body += b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, W, H, 1, 8, 1, len(body), 0, 0, 8, 0)
    offset = 14 + len(head) + len(table)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + head + table + body


def bmp_565_top_down():
    px = list(scene().convert("RGB").tobytes())
    body = b""
    for i in range(0, len(px), 3):
        r, g, b = px[i : i + 3]
        body += struct.pack("<H", r >> 3 << 11 | g >> 2 << 5 | b >> 3)
    head = struct.pack("<IiiHHIIiiIIIII", 40, W, -H, 1, 16, 3, len(body), 0, 0, 0, 0, 0xF800, 0x07E0, 0x001F)
    offset = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + head + body


def frames(mode):
    second = ImageOps.invert(scene())
    return scene(mode), [second.convert(mode)]


def small_first_gif():
    """The drawing as a first frame at 10, 6 on a canvas of 64×48."""
    data = bytearray(saved(scene().quantize(8), "GIF"))
    data[6:10] = struct.pack("<HH", 64, 48)
    at = data.index(b"\x2c\0\0\0\0")
    data[at + 1 : at + 5] = struct.pack("<HH", 10, 6)
    return bytes(data)


def small_first_webp(alpha):
    """The same as an animated WebP, whose frames lie on even positions."""
    still = saved(scene(), "WEBP", lossless=True)
    body = still[12:]
    u24 = lambda v: struct.pack("<I", v)[:3]
    anmf = u24(5) + u24(3) + u24(W - 1) + u24(H - 1) + u24(100) + b"\x02" + body

    def chunk(name, b):
        return name + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2)

    riff = b"WEBP" + chunk(b"VP8X", bytes([2 | (16 if alpha else 0), 0, 0, 0]) + u24(63) + u24(47))
    riff += chunk(b"ANIM", b"\xff\0\0\xff\0\0") + chunk(b"ANMF", anmf)
    return b"RIFF" + struct.pack("<I", len(riff)) + riff


def main():
    cmyk = Image.merge("CMYK", [*ImageOps.invert(scene()).split(), Image.linear_gradient("L").resize((W, H)).point(lambda v: v // 3)])
    first, more = frames("RGB")
    first_a, more_a = frames("RGBA")
    rgb8, rgb16 = samples(scene(), 8, "RGB"), samples(scene(), 16, "RGB")
    e = exif(6)[6:]
    exif_chunk = struct.pack(">I", len(e)) + b"eXIf" + e + struct.pack(">I", zlib.crc32(b"eXIf" + e))
    files = {
        "420.jpg": saved(scene(), "JPEG", quality=90, subsampling="4:2:0"),
        "422.jpg": saved(scene(), "JPEG", quality=90, subsampling="4:2:2"),
        "444.jpg": saved(scene(), "JPEG", quality=95, subsampling="4:4:4"),
        "progressive.jpg": saved(scene(), "JPEG", quality=90, progressive=True),
        "restart.jpg": saved(scene(), "JPEG", quality=90, restart_marker_blocks=2),
        "grey.jpg": saved(scene("L"), "JPEG", quality=95),
        "grey_adobe.jpg": (lambda d: d[:2] + ADOBE_0 + d[2:])(saved(scene("L"), "JPEG", quality=95)),
        "rgb_adobe.jpg": saved(scene(), "JPEG", quality=95, keep_rgb=True),
        "cmyk.jpg": saved(cmyk, "JPEG", quality=95),
        "cmyk_progressive.jpg": saved(cmyk, "JPEG", quality=95, progressive=True),
        "cmyk_plain.jpg": without_adobe(saved(cmyk, "JPEG", quality=95)),
        "ycck.jpg": ycck(),
        "ycck_progressive.jpg": ycck(progressive=True),
        "exif_6.jpg": saved(scene(), "JPEG", quality=95, subsampling="4:4:4", exif=exif(6)),
        "rgb16.png": png(W, H, 16, 2, plain_rows(rgb16)),
        "rgba16.png": png(W, H, 16, 6, plain_rows(samples(with_alpha(), 16, "RGBA"))),
        "grey16.png": png(W, H, 16, 0, plain_rows(samples(scene(), 16, "L"))),
        "grey_alpha.png": saved(with_alpha().convert("LA"), "PNG"),
        "adam7.png": png(W, H, 8, 2, adam7_rows(rgb8), interlaced=True),
        "adam7_16.png": png(W, H, 16, 2, adam7_rows(rgb16), interlaced=True),
        "palette.png": saved(scene().quantize(8), "PNG"),
        "palette_trns.png": saved(scene().quantize(8), "PNG", transparency=bytes([255, 0, 128, 255, 60])),
        "rgb_trns.png": saved(scene(), "PNG", transparency=(200, 30, 40)),
        "one_bit.png": saved(scene("1"), "PNG"),
        "apng.png": saved(first, "PNG", save_all=True, append_images=more, duration=100),
        "exif_8.png": saved(scene(), "PNG", exif=exif(8)),
        "exif_last_6.png": png(W, H, 8, 2, plain_rows(rgb8), last=exif_chunk),
        "palette.gif": saved(scene().quantize(8), "GIF"),
        "transparent.gif": saved(scene().quantize(8), "GIF", transparency=1),
        "animated.gif": saved(first, "GIF", save_all=True, append_images=more, duration=100, loop=0),
        "small_first.gif": small_first_gif(),
        "lossy.webp": saved(scene(), "WEBP", quality=90),
        "lossy_alpha.webp": saved(with_alpha(), "WEBP", quality=90, exact=True),
        "lossless.webp": saved(scene(), "WEBP", lossless=True),
        "lossless_alpha.webp": saved(with_alpha(), "WEBP", lossless=True, exact=True),
        "animated.webp": saved(first, "WEBP", save_all=True, append_images=more, duration=100, quality=90),
        "animated_alpha.webp": saved(first_a, "WEBP", save_all=True, append_images=more_a, duration=100, lossless=True),
        "small_first.webp": small_first_webp(alpha=False),
        "small_first_alpha.webp": small_first_webp(alpha=True),
        "exif_5.webp": saved(scene(), "WEBP", lossless=True, exif=exif(5)),
        "rgb24.bmp": saved(scene(), "BMP"),
        "palette8.bmp": saved(scene().quantize(8), "BMP"),
        "one_bit.bmp": saved(scene("1"), "BMP"),
        "rle8.bmp": bmp_rle8(),
        "565_top_down.bmp": bmp_565_top_down(),
        "rgba32.bmp": saved(with_alpha(), "BMP"),
    }
    expected = {}
    for name, data in files.items():
        assert len(data) < 20_000, name
        (HERE / name).write_bytes(data)
        expected[name] = pillow_reads(data)
        if name.startswith("small_first"):
            # Outside the frame Pillow paints the file's background colour, browsers (and we) nothing.
            inside = lambda p: 10 <= p[0] < 10 + W and 6 <= p[1] < 6 + H
            expected[name]["points"] = [p for p in expected[name]["points"] if inside(p)]
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in expected.items())
    (HERE / "expected.json").write_text("{\n" + lines + "\n}\n")


def pillow_reads(data):
    im = Image.open(io.BytesIO(data))
    im.seek(0)
    im = ImageOps.exif_transpose(im)
    if im.mode.startswith("I"):
        # Pillow clips 16-bit grey to 255 instead of scaling it; scale as for colour.
        im = im.convert("I").point(lambda v: v * (1 / 256)).convert("L")
    if im.mode in ("P", "RGB") and "transparency" in im.info or im.mode in ("LA", "RGBA"):
        im = im.convert("RGBA")
        white = Image.new("RGBA", im.size, (255, 255, 255, 255))
        im = Image.alpha_composite(white, im)
    im = im.convert("RGB")
    points = [[x, y, *im.getpixel((x, y))] for y in range(5, im.height, 16) for x in range(5, im.width, 16)]
    return {"size": im.size, "points": points}


if __name__ == "__main__":
    main()
