"""The unlabelled views that the projection is fitted on, and what a taste should not see in them."""

import json
import random
from pathlib import Path

from PIL import Image

SIDE = 224
PICTURES = 1073
# Of each character at most, before every other one is left out.
CHARACTERS_EACH = 7
# What is cut off each side by the view without a margin.
MARGIN = 22


def squash(picture):
    return picture.resize((SIDE, SIDE), Image.BILINEAR)


def mirror(view):
    return view.transpose(Image.FLIP_LEFT_RIGHT)


def zoom(view):
    return view.resize((SIDE, SIDE), Image.BILINEAR, box=(MARGIN, MARGIN, SIDE - MARGIN, SIDE - MARGIN))


def crop_face(picture, box):
    """As the bot cuts it: the larger side times 1.75, the centre raised by 0.12 of the height."""
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1) * 1.75 / 2
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2 - 0.12 * (y2 - y1)
    return squash(picture.crop(tuple(round(v) for v in (cx - half, cy - half, cx + half, cy + half))))


def drawn_characters(data, rng):
    """(file, character), a few files of each character."""
    files = {}
    for line in (data / "characters/index.jsonl").read_text().splitlines():
        row = json.loads(line)
        files.setdefault(row["character"], []).append(row["file"])
    drawn = [(f, name) for name, some in files.items() for f in rng.sample(some, min(len(some), CHARACTERS_EACH))]
    return drawn[::2]


def characters(data):
    """Who is seen in the pool's first views."""
    return [name for _, name in drawn_characters(data, random.Random(1))]


def pool(data):
    """Faces by character, then faces of illustrations and the whole illustrations, in turn. Pictures that were rated are left
    out."""
    rng = random.Random(1)
    ratings = (data / "ratings/rater_a.jsonl").read_text().splitlines()
    rated = {Path(json.loads(line)["picture"]).name for line in ratings}
    for file, _ in drawn_characters(data, rng):
        yield squash(Image.open(data / "characters" / file).convert("RGB"))
    rows = [json.loads(line) for line in (data / "faces/anime.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["proposals"] and Path(row["file"]).name not in rated]
    for row in rng.sample(rows, PICTURES):
        picture = Image.open(data / "faces" / row["file"]).convert("RGB")
        yield crop_face(picture, row["proposals"][0])
        yield squash(picture)
