#!/usr/bin/env python3
"""What learns on frozen features, on the bot's splits: ridge regression, and the bot's own process with blocks left out.

    cargo run --example splits -- ../shared/data/ratings/rater_a.jsonl > splits.json
    python features.py ../../../shared/data/ratings/rater_a.jsonl splits.json ../../models/embed-v2.onnx

Prints a line for each system: mean Spearman over all splits at 30, 100 and 400 ratings, and over the first three, for comparing
with networks that were too slow for more. Ridge's strength is chosen by leave-one-out error on the ratings learnt from.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

import gp
from networks import Pretrained
from pixels import SIZES, read, spearman

sys.path.append(str(Path(__file__).parents[1] / "detector"))
from reference import colour_counts

SIDE, PICTURE_DIMS = 224, 128
# The story's side for face crops.
STORY_SIDE = 360
FEW = (3, 5)


def views(rows, folder, key):
    return [Image.open(folder / row[key]).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR) for row in rows]


def embed(model, pictures):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def one(view):
        image = np.ascontiguousarray(np.asarray(view, np.float32).transpose(2, 0, 1)[None] / 255)
        return session.run(["feat"], {"image": image})[0][0]

    return np.array([one(view) for view in pictures]).astype(np.float64)


@torch.no_grad()
def imagenet(rows, folder):
    """What a network that knows photographs sees of the crops, untrained on them."""
    torch.set_num_threads(1)
    body = Pretrained().body.eval()
    images = read(rows, folder, "face", STORY_SIDE, STORY_SIDE)
    return torch.cat([body.extract_features(i.float() / 127.5 - 1).mean((2, 3)) for i in images.split(8)]).numpy().astype(np.float64)


def ridge(features, learnt, stars, held_out):
    mean, targets = stars.mean(), stars - stars.mean()
    known = features[learnt]
    kernel = known @ known.T
    best = None
    for strength in 10.0 ** np.arange(-2, 3.1, 0.5):
        inverse = np.linalg.inv(kernel + strength * np.eye(len(learnt)))
        weights = inverse @ targets
        error = ((weights / np.diag(inverse)) ** 2).mean()
        if best is None or error < best[0]:
            best = (error, weights)
    return mean + features[held_out] @ known.T @ best[1]


def measure(name, splits, stars, predict):
    found = []
    for split in splits:
        held_out = np.array(split["held_out"])
        learnt = [np.array(split["pool"][:size]) for size in SIZES]
        found.append([spearman(predict(some, stars[some], held_out), stars[held_out]) for some in learnt])
    found = np.array(found)
    means = {"all": found.mean(0), **{f"first {few}": found[:few].mean(0) for few in FEW}}
    print(f"{name:24s}", "   ".join(f"{over}: " + " / ".join(f"{v:.3f}" for v in m) for over, m in means.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ratings", type=Path)
    parser.add_argument("splits", type=Path)
    parser.add_argument("model", type=Path)
    args = parser.parse_args()
    folder = args.ratings.parent
    rows = [row for row in map(json.loads, args.ratings.read_text().splitlines()) if not row["no_face"]]
    stars = np.array([float(row["rating"]) for row in rows])
    crops = views(rows, folder, "crop")
    face, picture = embed(args.model, crops), embed(args.model, views(rows, folder, "picture"))[:, :PICTURE_DIMS]
    colour = gp.rooted(np.array([colour_counts(crop) for crop in crops]))
    splits = json.loads(args.splits.read_text())
    line = np.hstack([face, picture, colour])
    line -= line.mean(0)
    measure("ridge, all features", splits, stars, lambda *a: ridge(line, *a))
    part = np.hstack([face, colour])
    part -= part.mean(0)
    measure("ridge, face + colour", splits, stars, lambda *a: ridge(part, *a))
    photographs = imagenet(rows, folder)
    photographs = (photographs - photographs.mean(0)) / np.sqrt(photographs.var(0).sum())
    measure("ridge, ImageNet at 360", splits, stars, lambda *a: ridge(photographs, *a))
    blocks = [gp.squared_distances(b) for b in (face, picture, colour)]
    for name, held in gp.ONLY.items():
        measure(name, splits, stars, gp.Process(blocks, held).predict)


if __name__ == "__main__":
    main()
