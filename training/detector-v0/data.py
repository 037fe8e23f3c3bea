"""Labelled pictures -> mosaics with random scale, crop, mirroring and colour."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image


def boxes_of(row, key):
    return np.array(row.get(key) or [], np.float32).reshape(-1, 4)


def load(rows, root, side=448):
    """Each row's picture (at most `side` pixels long) with its boxes and the boxes that do not count."""
    items = []
    for row in rows:
        try:
            picture = Image.open(Path(root, row["file"])).convert("RGB")
        except OSError as error:
            print("skipped", row["file"], error)
            continue
        scale = min(1, side / max(picture.size))
        if scale < 1:
            size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
            picture = picture.resize(size, Image.BILINEAR)
        items.append((np.asarray(picture), boxes_of(row, "boxes") * scale, boxes_of(row, "ignore") * scale))
    return items


def mirrored(boxes, width):
    if not len(boxes):
        return boxes
    return boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]


def place(canvas, faces, ignored, item, cell, rng, smallest, largest):
    """Puts a randomly scaled, cropped and mirrored copy of `item` into the cell (x, y, w, h) of the canvas."""
    x0, y0, w, h = cell
    picture, own_faces, own_ignored = item
    ih, iw = picture.shape[:2]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        own_faces, own_ignored = mirrored(own_faces, iw), mirrored(own_ignored, iw)
    scale = min(w / iw, h / ih) * rng.uniform(smallest, largest)
    stretch = rng.uniform(0.9, 1.1)
    nw, nh = max(8, round(iw * scale * stretch)), max(8, round(ih * scale / stretch))
    picture = np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((nw, nh), Image.BILINEAR))
    sx, sy = nw / iw, nh / ih
    dx = rng.randint(min(0, w - nw), max(0, w - nw))
    dy = rng.randint(min(0, h - nh), max(0, h - nh))
    left, top, right, bottom = max(0, dx), max(0, dy), min(w, dx + nw), min(h, dy + nh)
    canvas[y0 + top : y0 + bottom, x0 + left : x0 + right] = picture[top - dy : bottom - dy, left - dx : right - dx]
    for boxes, kept in ((own_faces, faces), (own_ignored, ignored)):
        for b in boxes:
            b = np.array([b[0] * sx + dx, b[1] * sy + dy, b[2] * sx + dx, b[3] * sy + dy])
            whole = (b[2] - b[0]) * (b[3] - b[1])
            c = np.array([max(b[0], left), max(b[1], top), min(b[2], right), min(b[3], bottom)])
            cw, ch = c[2] - c[0], c[3] - c[1]
            if cw < 3 or ch < 3:
                continue
            # A face that is mostly cut off or tiny is neither wanted nor background.
            cut_off = cw * ch / max(whole, 1e-6) < 0.5 or min(cw, ch) < 6
            (ignored if cut_off else kept).append(c + [x0, y0, x0, y0])


def jitter(x, rng):
    x = x.astype(np.float32)
    if rng.random() < 0.12:
        x = np.repeat(x @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, 2)
    elif rng.random() < 0.3:
        x = x * np.array([rng.uniform(0.8, 1.2) for _ in range(3)], np.float32)
    x = (x - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-25, 25)
    if rng.random() < 0.05:
        x = 255 - x
    return np.clip(x, 0, 255)


def sample(positives, negatives, side, rng, mosaics=0.6):
    """One input of side × side: tensor [3, S, S], faces [G, 4], ignored [I, 4]."""
    canvas = np.full((side, side, 3), rng.choice([114, 255, 0, 128]), np.uint8)
    faces, ignored = [], []

    def pick():
        return rng.choice(negatives) if negatives and rng.random() < 0.15 else rng.choice(positives)

    if rng.random() < mosaics:
        mx, my = round(side * rng.uniform(0.35, 0.65)), round(side * rng.uniform(0.35, 0.65))
        cells = (
            (0, 0, mx, my),
            (mx, 0, side - mx, my),
            (0, my, mx, side - my),
            (mx, my, side - mx, side - my),
        )
        for cell in cells:
            place(canvas, faces, ignored, pick(), cell, rng, 0.9, 2.2)
    else:
        place(canvas, faces, ignored, pick(), (0, 0, side, side), rng, 0.4, 1.8)
    x = torch.from_numpy(((jitter(canvas, rng) - 127.0) / 128.0).transpose(2, 0, 1).copy())
    return x, as_tensor(faces), as_tensor(ignored)


def as_tensor(boxes):
    return torch.tensor(np.array(boxes, np.float32).reshape(-1, 4))
