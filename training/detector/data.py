"""Labelled pictures -> training inputs: mosaics, whole pictures and close-ups, turned, scaled, mirrored and worn."""

import io
import json
import math
import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIDE = 512
GREYS = (114, 255, 0, 128)
# How many of the negatives are parts of illustrations, how far from any face they keep, in parts of its size.
PARTS, MARGIN = 0.2, 0.15
# How many of the mosaics have nine cells instead of four: small faces.
NINE = 0.35


@dataclass
class Item:
    picture: np.ndarray
    faces: np.ndarray
    ignored: np.ndarray


@dataclass
class Stored:
    """A picture as it waits for its turn: compressed, which takes a tenth of the memory."""

    file: bytes
    faces: np.ndarray
    ignored: np.ndarray
    weight: float

    def item(self):
        picture = Image.open(io.BytesIO(self.file)).convert("RGB")
        return Item(np.asarray(picture), self.faces, self.ignored)


LISTS = ("illustrations", "proposed", "cartoons", "negatives", "scenes")
# Illustrations with these tags come twice as often as others.
HARD = {"tiny", "profile", "closed", "occluded", "grey", "crowd", "male", "mask"}


def boxes_of(row, key):
    return np.array(row.get(key) or [], np.float32).reshape(-1, 4)


def load(rows, root, side=SIDE):
    """Each row's picture (at most `side` pixels long) with its boxes and the boxes that do not count."""
    items = []
    for row in rows:
        file = Path(root, row["file"]).read_bytes()
        picture = Image.open(io.BytesIO(file))
        scale = min(1, side / max(picture.size))
        if scale < 1:
            size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
            smaller = io.BytesIO()
            picture.convert("RGB").resize(size, Image.BILINEAR).save(smaller, "JPEG", quality=95)
            file = smaller.getvalue()
        weight = row.get("weight", 2.0 if HARD & set(row.get("tags", ())) else 1.0)
        items.append(Stored(file, boxes_of(row, "boxes") * scale, boxes_of(row, "ignore") * scale, weight))
    return items


@dataclass
class Pools:
    """The lists' pictures, and how often one comes from which list."""

    items: dict
    shares: dict

    def __post_init__(self):
        self.weights = {name: list(accumulate(item.weight for item in items)) for name, items in self.items.items()}

    def pick(self, rng, name=None):
        name = name or rng.choices(list(self.items), [self.shares[name] for name in self.items])[0]
        if name == "negatives" and rng.random() < PARTS:
            part = faceless_part(self.pick(rng, "illustrations"), rng)
            if part:
                return part
        return rng.choices(self.items[name], cum_weights=self.weights[name])[0].item()


def read_list(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def faceless_part(item, rng, tries=8):
    """A part of the picture without a face: hair, hands, clothes, background. None where there is no room for one."""
    h, w = item.picture.shape[:2]
    boxes = np.concatenate([item.faces, item.ignored])
    margin = (boxes[:, 2:] - boxes[:, :2]) * MARGIN
    left_top, right_bottom = boxes[:, :2] - margin, boxes[:, 2:] + margin
    for _ in range(tries):
        pw, ph = (max(32, round(side * rng.uniform(0.25, 0.8))) for side in (w, h))
        x, y = rng.randint(0, max(0, w - pw)), rng.randint(0, max(0, h - ph))
        if not ((left_top < [x + pw, y + ph]) & (right_bottom > [x, y])).all(1).any():
            return Item(item.picture[y : y + ph, x : x + pw], boxes_of({}, ""), boxes_of({}, ""))
    return None


def pools(lists, root, shares, limit=None):
    """Illustrations in which there is no face are negatives, too."""
    rows = {name: read_list(lists / f"{name}.jsonl") for name in LISTS if shares[name]}
    faceless = [row for row in rows["illustrations"] if not row["boxes"]]
    rows["illustrations"] = [row for row in rows["illustrations"] if row["boxes"]]
    rows["negatives"] += faceless
    if limit:
        rows = {name: random.Random(0).sample(listed, min(limit, len(listed))) for name, listed in rows.items()}
    return Pools({name: load(listed, root) for name, listed in rows.items()}, shares)


def mirrored(boxes, width):
    if not len(boxes):
        return boxes
    return boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]


def turned(item, degrees, fill):
    """The picture turned about its middle, as large as before. A face is taken to fill its box as an ellipse does."""
    h, w = item.picture.shape[:2]
    picture = Image.fromarray(item.picture).rotate(degrees, Image.BILINEAR, fillcolor=(fill,) * 3)
    # Pillow turns counter-clockwise, with y downwards.
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def turn(boxes):
        if not len(boxes):
            return boxes
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2 - w / 2, (boxes[:, 1] + boxes[:, 3]) / 2 - h / 2
        a, b = (boxes[:, 2] - boxes[:, 0]) / 2, (boxes[:, 3] - boxes[:, 1]) / 2
        cx, cy = x * cos + y * sin + w / 2, -x * sin + y * cos + h / 2
        rx, ry = np.hypot(a * cos, b * sin), np.hypot(a * sin, b * cos)
        return np.stack([cx - rx, cy - ry, cx + rx, cy + ry], -1)

    return Item(np.asarray(picture), turn(item.faces), turn(item.ignored))


def varied(item, rng, fill):
    """Mirrored and turned at random."""
    if rng.random() < 0.5:
        w = item.picture.shape[1]
        item = Item(np.ascontiguousarray(item.picture[:, ::-1]), mirrored(item.faces, w), mirrored(item.ignored, w))
    if rng.random() < 0.25:
        item = turned(item, rng.uniform(-30, 30), fill)
    return item


class Canvas:
    """One input while it is put together."""

    def __init__(self, side, fill):
        self.pixels = np.full((side, side, 3), fill, np.uint8)
        self.faces, self.ignored = [], []

    def place(self, item, cell, scale, stretch, corner):
        """Puts a scaled copy of `item` with its top left at `corner` into the cell (x, y, w, h); the rest is cut."""
        x0, y0, w, h = cell
        ih, iw = item.picture.shape[:2]
        nw, nh = max(8, round(iw * scale * stretch)), max(8, round(ih * scale / stretch))
        dx, dy = corner(nw, nh)
        left, top, right, bottom = max(0, dx), max(0, dy), min(w, dx + nw), min(h, dy + nh)
        if right <= left or bottom <= top:
            # A face that turning took out of the picture, placed in the middle.
            return
        sx, sy = nw / iw, nh / ih
        # Only what will be seen is scaled: close-ups would be huge.
        part = ((left - dx) / sx, (top - dy) / sy, (right - dx) / sx, (bottom - dy) / sy)
        seen = Image.fromarray(item.picture).resize((right - left, bottom - top), Image.BILINEAR, box=part, reducing_gap=2.0)
        self.pixels[y0 + top : y0 + bottom, x0 + left : x0 + right] = np.asarray(seen)
        for boxes, kept in ((item.faces, self.faces), (item.ignored, self.ignored)):
            for b in boxes:
                b = np.array([b[0] * sx + dx, b[1] * sy + dy, b[2] * sx + dx, b[3] * sy + dy])
                whole = (b[2] - b[0]) * (b[3] - b[1])
                c = np.array([max(b[0], left), max(b[1], top), min(b[2], right), min(b[3], bottom)])
                cw, ch = c[2] - c[0], c[3] - c[1]
                if cw < 3 or ch < 3:
                    continue
                # A face that is mostly cut off or tiny is neither wanted nor background.
                cut_off = cw * ch / max(whole, 1e-6) < 0.5 or min(cw, ch) < 6
                (self.ignored if cut_off else kept).append(c + [x0, y0, x0, y0])

    def place_anywhere(self, item, cell, rng, smallest, largest):
        """Scaled to between `smallest` and `largest` times what fits the cell."""
        _, _, w, h = cell
        ih, iw = item.picture.shape[:2]
        scale = min(w / iw, h / ih) * math.exp(rng.uniform(math.log(smallest), math.log(largest)))

        def corner(nw, nh):
            return rng.randint(min(0, w - nw), max(0, w - nw)), rng.randint(min(0, h - nh), max(0, h - nh))

        self.place(item, cell, scale, rng.uniform(0.9, 1.1), corner)

    def place_face(self, item, rng):
        """One of the faces, half as large as the input or up to a little larger than it."""
        side = len(self.pixels)
        x1, y1, x2, y2 = item.faces[rng.randrange(len(item.faces))]
        scale = side * rng.uniform(0.5, 1.05) / max(x2 - x1, y2 - y1)
        ih, iw = item.picture.shape[:2]

        def corner(nw, nh):
            cx, cy = (x1 + x2) / 2 * nw / iw, (y1 + y2) / 2 * nh / ih
            ax, ay = side * rng.uniform(0.4, 0.6), side * rng.uniform(0.4, 0.6)
            return round(ax - cx), round(ay - cy)

        self.place(item, (0, 0, side, side), scale, rng.uniform(0.95, 1.05), corner)


def worn(x, rng):
    """Colour and contrast changed, sometimes grey, inverted or saved as a poor JPEG."""
    if rng.random() < 0.2:
        file = io.BytesIO()
        Image.fromarray(x).save(file, "JPEG", quality=rng.randint(20, 75))
        x = np.asarray(Image.open(file))
    x = x.astype(np.float32)
    if rng.random() < 0.15:
        x = np.repeat(x @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, 2)
    elif rng.random() < 0.3:
        x = x * np.array([rng.uniform(0.8, 1.2) for _ in range(3)], np.float32)
    x = (x - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-25, 25)
    if rng.random() < 0.04:
        x = 255 - x
    return np.clip(x, 0, 255)


def cells(side, across, rng):
    """The input cut into `across`² cells (x, y, w, h) of uneven size."""

    def cuts():
        inner = [round(side * (n + rng.uniform(-0.3, 0.3)) / across) for n in range(1, across)]
        return [0, *inner, side]

    columns, rows = cuts(), cuts()
    return [(x, y, x2 - x, y2 - y) for y, y2 in zip(rows, rows[1:]) for x, x2 in zip(columns, columns[1:])]


def sample(pools, side, rng, mosaics=0.5):
    """One input of side × side: tensor [3, S, S], faces [G, 4], ignored [I, 4]."""
    fill = rng.choice(GREYS)
    canvas = Canvas(side, fill)
    kind = rng.random()
    if kind < mosaics:
        for cell in cells(side, 3 if rng.random() < NINE else 2, rng):
            canvas.place_anywhere(varied(pools.pick(rng), rng, fill), cell, rng, 0.9, 2.2)
    elif kind < mosaics + 0.1:
        item = pools.pick(rng, "illustrations")
        canvas.place_face(varied(item, rng, fill), rng)
    else:
        canvas.place_anywhere(varied(pools.pick(rng), rng, fill), (0, 0, side, side), rng, 0.45, 1.6)
    x = torch.from_numpy(((worn(canvas.pixels, rng) - 127.0) / 128.0).transpose(2, 0, 1).copy())
    return x, as_tensor(canvas.faces), as_tensor(canvas.ignored)


def as_tensor(boxes):
    return torch.tensor(np.array(boxes, np.float32).reshape(-1, 4))
