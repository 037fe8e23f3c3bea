#!/usr/bin/env python3
"""The story's own systems on the bot's splits: networks that learn from the ratings' pixels alone.

    cargo run --example splits -- ../shared/data/ratings/rater_a.jsonl > splits.json
    python pixels.py ../../../shared/data/ratings/rater_a.jsonl splits.json alexnet-face --splits 3 --out alexnet-face.jsonl

Appends a line for each fit (split, ratings learnt from, Spearman with the held-out), and goes on where an earlier run stopped.
When to stop training is decided by a fifth of the ratings learnt from, by groups; those held out are looked at once.
"""

import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import torch
from networks import SYSTEMS, augment, parameters_in_groups
from PIL import Image

SIZES = (30, 100, 400)
BATCH = 16
# Passes over the ratings learnt from: at most, and this many without a better one.
EPOCHS, PATIENCE = 40, 8
# Steps an epoch at least: 30 ratings make two batches.
STEPS = 8


def spearman(a, b):
    def ranks(x):
        _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[inverse]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def read(rows, folder, what, width, height):
    """[N, 3, H, W] u8"""
    key = "crop" if what == "face" else "picture"
    views = [Image.open(folder / row[key]).convert("RGB").resize((width, height), Image.BILINEAR) for row in rows]
    return torch.from_numpy(np.stack([np.asarray(view) for view in views]).transpose(0, 3, 1, 2).copy())


@torch.no_grad()
def predict(network, images):
    network.eval()
    return torch.cat([network(part.float() / 127.5 - 1)[:, 0] for part in images.split(32)])


def fit(build, images, stars, groups, seed):
    """The network as it was when the fifth kept aside was predicted best."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    aside = rng.permutation(np.unique(groups))
    aside = np.isin(groups, aside[: max(1, len(aside) // 5)])
    learn, judge = torch.from_numpy(np.flatnonzero(~aside)), torch.from_numpy(np.flatnonzero(aside))
    network = build().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(parameters_in_groups(network), weight_decay=0.02)
    best, kept, since = float("inf"), None, 0
    for _ in range(EPOCHS):
        network.train()
        order = torch.randperm(len(learn), generator=generator)
        while len(order) < STEPS * BATCH:
            order = torch.cat([order, torch.randperm(len(learn), generator=generator)])
        for part in order.split(BATCH):
            if len(part) < 4:
                continue
            which = learn[part]
            out = network(augment(images[which], generator).contiguous(memory_format=torch.channels_last))[:, 0]
            loss = ((out - stars[which]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        error = ((predict(network, images[judge]) - stars[judge]) ** 2).mean().item()
        since += 1
        if error < best:
            best, kept, since = error, copy.deepcopy(network.state_dict()), 0
        if since >= PATIENCE:
            break
    network.load_state_dict(kept)
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ratings", type=Path)
    parser.add_argument("splits", type=Path)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--splits", dest="count", type=int, default=20)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    what, width, height, build = SYSTEMS[args.system]
    rows = [row for row in map(json.loads, args.ratings.read_text().splitlines()) if not row["no_face"]]
    images = read(rows, args.ratings.parent, what, width, height)
    stars = torch.tensor([float(row["rating"]) for row in rows]) - 3
    groups = np.array([row["group"] for row in rows])
    splits = json.loads(args.splits.read_text())
    done = {(d["split"], d["learnt"]) for d in map(json.loads, args.out.read_text().splitlines())} if args.out.exists() else set()
    for number, split in enumerate(splits[: args.count]):
        held_out = torch.tensor(split["held_out"])
        for size in SIZES:
            if (number, size) in done:
                continue
            start = time.monotonic()
            learnt = torch.tensor(split["pool"][:size])
            network = fit(build, images[learnt], stars[learnt], groups[learnt.numpy()], number)
            found = spearman(predict(network, images[held_out]).numpy(), stars[held_out].numpy())
            line = {"split": number, "learnt": size, "spearman": round(found, 4), "seconds": round(time.monotonic() - start)}
            with args.out.open("a") as out:
                out.write(json.dumps(line) + "\n")
            print(args.system, line, flush=True)


if __name__ == "__main__":
    main()
