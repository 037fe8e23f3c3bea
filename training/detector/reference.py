"""Records what Pillow and Python's ONNX Runtime make of the same pictures, for tests/it/reference.rs to compare with.

    python reference.py ../../models VAL.jsonl SCENES ../../tests/data/reference

SCENES: a folder written by `cargo run --example draw -- SCENES 0 40`. Writes into the last folder:

faces.json  figures on all of VAL.jsonl, and the boxes (score >= 0.04) of every second picture
views.png   20 views of 224 x 224 pixels with a drawn face each, side by side
views.json  of each view, the colour histogram and a part of the embedder's output; the latter also of crops that
            overlap several views, made by Pillow
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from evaluate import evaluate
from infer import find, onnx_runner, read

CUTS = (0.001, 0.5)
KEPT = 0.04
EVERY = 2
SIDE = 224
COLUMNS, ROWS = 5, 4
# Every second of 256 features is kept, and the norm of all.
STEP = 2
# Boxes of 200 pixels whose crops (350 pixels, raised by 24) have whole coordinates; some reach outside.
CROPPED = [(x, y, x + 200, y + 200) for y in (60, 224, 650) for x in (20, 300, 501, 880)]


def record_faces(model, labels):
    run = onnx_runner(model)
    rows = [json.loads(line) for line in labels.read_text().splitlines()]
    found = {row["file"]: find(run, read(labels.parent / row["file"])) for row in rows}
    pictures = {
        row["file"]: [[round(v, 3) for v in box[:4]] + [round(box[4], 5)] for box in found[row["file"]] if box[4] >= KEPT]
        for row in rows[::EVERY]
    }
    return {"figures": [evaluate(rows, found, cut) for cut in CUTS], "pictures": pictures}


def views_of(scenes):
    """A view around the first face of each scene that is large enough."""
    for line in (scenes / "scenes.jsonl").read_text().splitlines():
        row = json.loads(line)
        if not row["boxes"] or min(row["width"], row["height"]) < SIDE:
            continue
        x1, y1, x2, y2 = row["boxes"][0]
        left = min(max(0, round((x1 + x2 - SIDE) / 2)), row["width"] - SIDE)
        top = min(max(0, round((y1 + y2 - SIDE) / 2)), row["height"] - SIDE)
        yield read(scenes / row["file"]).crop((left, top, left + SIDE, top + SIDE))


def crop_square(box):
    """The square that is looked at: 1.75 times the larger side, raised by 0.12 of the height."""
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1) * 1.75 / 2
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2 - 0.12 * (y2 - y1)
    square = (cx - half, cy - half, cx + half, cy + half)
    assert all(v == round(v) for v in square), square
    return tuple(map(int, square))


def colour_counts(view):
    """Pixels in each of hue 12 x saturation 4 x value 4 bins, index (hue * 4 + saturation) * 4 + value."""
    rgb = np.asarray(view).astype(np.int64).reshape(-1, 3)
    r, g, b = rgb.T
    most, chroma = rgb.max(1), rgb.max(1) - rgb.min(1)
    value = most * 4 // 256
    saturation = np.minimum(chroma * 4 // (most + 1), 3)
    safe = np.maximum(chroma, 1)
    sixths = np.select([most == r, most == g], [(g - b) / safe, (b - r) / safe + 2], (r - g) / safe + 4)
    hue = np.floor(np.round(sixths * 2, 9)).astype(np.int64) % 12
    index = np.where(chroma == 0, value, (hue * 4 + saturation) * 4 + value)
    return np.bincount(index, minlength=192).tolist()


def embed(session, view):
    image = (np.asarray(view).astype(np.float32) / 255.0).transpose(2, 0, 1)[None].copy()
    features, probabilities = (output[0] for output in session.run(["feat", "probs"], {"image": image}))
    return {
        "features": [round(float(v), 5) for v in features[::STEP]],
        "norm": round(float(np.linalg.norm(features)), 4),
        "probabilities": [round(float(v), 6) for v in probabilities],
    }


def record_views(model, scenes, out):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * SIDE))
    corners = [(column * SIDE, row * SIDE) for row in range(ROWS) for column in range(COLUMNS)]
    for corner, view in zip(corners, views_of(scenes), strict=False):
        sheet.paste(view, corner)
    # Few colours: a small file.
    sheet = sheet.quantize(96, dither=Image.Dither.NONE)
    sheet.save(out, optimize=True)
    sheet = sheet.convert("RGB")
    views = []
    for x, y in corners:
        view = sheet.crop((x, y, x + SIDE, y + SIDE))
        views.append({"colour": colour_counts(view), **embed(session, view)})
    crops = []
    for box in CROPPED:
        crop = sheet.crop(crop_square(box)).resize((SIDE, SIDE), Image.BILINEAR)
        crops.append({"box": box, **embed(session, crop)})
    return {"views": views, "crops": crops}


def write(path, value):
    path.write_text(json.dumps(value, separators=(",", ":")).replace('],"images', '],\n"images') + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / "faces.json", record_faces(args.models / "face-v2.onnx", args.labels))
    write(args.out / "views.json", record_views(args.models / "embed-v2.onnx", args.scenes, args.out / "views.png"))


if __name__ == "__main__":
    main()
