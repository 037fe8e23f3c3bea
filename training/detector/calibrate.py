"""Finds how the network's logits become probabilities: sigmoid(scale * logit + shift), fitted on the calibration split.

    python calibrate.py face.pt LISTS DATA face.calibration.json

A box counts as right when it overlaps a free label by half or more. Illustrations and pictures without a face only: the
cartoons' labels are incomplete. The map is monotone and goes into the exported file.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from evaluate import answers_of, evaluate
from infer import checkpoint_runner, detect, read
from split import read_rows

FLOOR = 0.1
CUTS = np.arange(0.2, 0.81, 0.05)


def logit(p):
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def fit(x, right, rounds=50):
    """Logistic regression with one input by Newton's method. Platt's targets keep it from certainty."""
    n = right.sum(), (~right).sum()
    wanted = np.where(right, (n[0] + 1) / (n[0] + 2), 1 / (n[1] + 2))
    inputs, w = np.stack([x, np.ones_like(x)], 1), np.array([1.0, 0.0])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-inputs @ w))
        w -= np.linalg.solve((inputs.T * (p * (1 - p))) @ inputs, inputs.T @ (p - wanted))
    return w


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("lists", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    rows = [row for row in read_rows(args.lists / "calibration.jsonl") if "tags" in row]
    rows += read_rows(args.lists / "calibration-negatives.jsonl")
    run = checkpoint_runner(args.checkpoint)
    found = {row["file"]: detect(run, read(args.data / row["file"]), floor=FLOOR) for row in rows}
    answers = answers_of(rows, found)
    scale, shift = fit(logit(np.array([a[0] for a in answers])), np.array([a[1] > 0 for a in answers]))
    args.out.write_text(json.dumps({"scale": round(scale, 4), "shift": round(shift, 4)}) + "\n")
    print(f"probability = sigmoid({scale:.3f} * logit + {shift:.3f}), from {len(answers)} boxes")

    for boxes in found.values():
        for box in boxes:
            box[4] = float(1 / (1 + np.exp(-(scale * logit(box[4]) + shift))))
    for cut in CUTS:
        f = evaluate(rows, found, cut)
        print(
            f"cut {cut:.2f}: recall {f['recall']:.3f}, precision {f['precision']:.3f}, "
            f"false alarms {f['false_alarms']} of {f['without_face']}"
        )


if __name__ == "__main__":
    main()
