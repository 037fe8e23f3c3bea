"""Forty of our own drawn scenes with what the detector finds in them. Twenty as they are, mistakes first; and, since those are
easy, twenty in which it goes wrong when they fill an eighth of a picture's side, enlarged.

    cargo run --example draw -- SCENES 0 500
    python gallery.py ../../models/face-v2.onnx SCENES ../../docs/images/detector.jpg

Labels are green, or red where no box hits them; boxes are blue with their confidence, or orange where they hit no label.
"""

import argparse
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from evaluate import match
from infer import find, onnx_runner, read
from split import read_rows

PICTURES, COLUMNS, TILE = 20, 8, 200
SHRUNK = 8
HIT, LABEL, MISSED, WRONG = "#2b7bff", "#1fbf3f", "#ff2020", "#ff9500"


def drawn(picture, row, found, answers):
    scale = TILE / max(picture.size)
    tile = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.LANCZOS)
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(11)
    hits = {confidence: label for confidence, _, label in answers if label is not None}
    for n, box in enumerate(row["boxes"]):
        colour = LABEL if n in hits.values() else MISSED
        draw.rectangle([v * scale for v in box], outline=colour, width=1 if colour == LABEL else 2)
    for *box, confidence in found:
        colour = HIT if confidence in hits else WRONG
        x1, y1, x2, y2 = (v * scale for v in box)
        draw.rectangle([x1, y1, x2, y2], outline=colour, width=1 if colour == HIT else 2)
        draw.text((x1 + 2, y2 - 13), f"{confidence:.2f}", fill=colour, font=font, stroke_width=1, stroke_fill="white")
    return tile


def shrunk(picture):
    """The scene, small in the middle of a grey picture of its old size, and where."""
    size = max(1, picture.width // SHRUNK), max(1, picture.height // SHRUNK)
    whole = Image.new("RGB", picture.size, (200, 200, 200))
    corner = (picture.width - size[0]) // 2, (picture.height - size[1]) // 2
    whole.paste(picture.resize(size, Image.LANCZOS), corner)
    return whole, corner


def looked_at(row, scenes, find, small):
    """The scene, what is found in it in the scene's own pixels, the answers, and whether all is right."""
    picture = read(scenes / row["file"])
    if small:
        whole, (left, top) = shrunk(picture)
        found = [
            [(x1 - left) * SHRUNK, (y1 - top) * SHRUNK, (x2 - left) * SHRUNK, (y2 - top) * SHRUNK, confidence]
            for x1, y1, x2, y2, confidence in find(whole)
        ]
        picture = whole.crop((left, top, left + picture.width // SHRUNK, top + picture.height // SHRUNK)).resize(
            picture.size, Image.BILINEAR
        )
    else:
        found = find(picture)
    answers = match(row, found)
    hits = sum(label is not None for _, _, label in answers)
    return (picture, row, found, answers), hits == len(row["boxes"]) == len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cut", type=float, default=0.5)
    args = parser.parse_args()
    run = onnx_runner(args.model, threads=1)

    def looks(picture):
        return [box for box in find(run, picture) if box[4] >= args.cut]

    rows = [row for row in read_rows(args.scenes / "scenes.jsonl") if row["boxes"]]
    chosen = []
    for small in (False, True):
        scenes = [looked_at(row, args.scenes, looks, small) for row in rows]
        wrong = [scene for scene, good in scenes if not good]
        right = [scene for scene, good in scenes if good]
        print(f"{'small' if small else 'as they are'}: {len(wrong)} of {len(rows)} scenes with a mistake")
        random.Random(0).shuffle(right)
        chosen += (wrong + right)[:PICTURES]
    height = -(-len(chosen) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (TILE + 4), height * (TILE + 4)), "white")
    for n, scene in enumerate(chosen):
        sheet.paste(drawn(*scene), (n % COLUMNS * (TILE + 4), n // COLUMNS * (TILE + 4)))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.out, quality=85, optimize=True)


if __name__ == "__main__":
    main()
