"""Finds how the network's logits become probabilities: sigmoid(scale * logit + shift), fitted on the calibration split.

    python calibrate.py face.pt LISTS DATA face.calibration.json

A box counts as right when it overlaps a free label by half or more. Illustrations and pictures without a face only: the
cartoons' labels are incomplete. Pictures without a face count as if they were half of all pictures. Every picture is seen
mirrored, too. Fitted twice: first on one look, then on what both looks say when they are merged by the first fit's odds. The
map is monotone and goes into the exported file.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from evaluate import evaluate, match
from infer import checkpoint_runner, detect, find, logit, read, sigmoid
from split import read_rows

# Raw confidences of the first fit lie between 0.1 and 0.7; what is calibrated counts from 0.01.
FLOORS = 0.1, 0.01
CUTS = np.arange(0.2, 0.81, 0.05)


def fit(x, right, weight, rounds=50):
    """Weighted logistic regression with one input by Newton's method. Platt's targets keep it from certainty."""
    n = (weight * right).sum(), (weight * ~right).sum()
    wanted = np.where(right, (n[0] + 1) / (n[0] + 2), 1 / (n[1] + 2))
    inputs, w = np.stack([x, np.ones_like(x)], 1), np.array([1.0, 0.0])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-inputs @ w))
        w -= np.linalg.solve((inputs.T * (weight * p * (1 - p))) @ inputs, inputs.T @ (weight * (p - wanted)))
    return w


def mirrored(row, mirror):
    """The row with a name of its own, mirrored or not."""
    width = row["width"]
    turn = {key: [[width - b[2], b[1], width - b[0], b[3]] for b in row.get(key) or []] for key in ("boxes", "ignore")}
    return {**row, **(turn if mirror else {}), "mirror": mirror, "name": f"{row['file']} {mirror}"}


def open_picture(data, row):
    picture = read(data / row["file"])
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if row["mirror"] else picture


def calibrated(run, scale, shift):
    def calibrated_run(x):
        boxes, scores = run(x)
        return boxes, sigmoid(scale * logit(scores) + shift)

    return calibrated_run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("lists", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    with_faces = [row for row in read_rows(args.lists / "calibration.jsonl") if "tags" in row]
    without = read_rows(args.lists / "calibration-negatives.jsonl")
    rows = [mirrored(row, mirror) for row in with_faces + without for mirror in (False, True)]
    share = len(with_faces) / len(without)
    pictures = {row["name"]: open_picture(args.data, row) for row in rows}
    raw = checkpoint_runner(args.checkpoint)

    scale, shift = 1.0, 0.0
    for look, floor in zip((detect, find), FLOORS):
        run = calibrated(raw, scale, shift)
        found = {name: look(run, picture, floor=floor) for name, picture in pictures.items()}
        answers = [(*a[:2], 1 if row["boxes"] else share) for row in rows for a in match(row, found[row["name"]])]
        sure, right, weight = np.array([(a[0], a[1] > 0, a[2]) for a in answers]).T
        more, added = fit(logit(sure), right > 0, weight)
        scale, shift = scale * more, shift * more + added
        print(f"probability = sigmoid({scale:.3f} * logit + {shift:.3f}), from {len(answers)} boxes")
    args.out.write_text(json.dumps({"scale": round(scale, 4), "shift": round(shift, 4)}) + "\n")

    run = calibrated(raw, scale, shift)
    found = {name: find(run, picture) for name, picture in pictures.items()}
    for row in rows:
        row["file"] = row["name"]
    for cut in CUTS:
        f = evaluate(rows, found, cut)
        print(
            f"cut {cut:.2f}: recall {f['recall']:.3f}, precision {f['precision']:.3f}, "
            f"false alarms {f['false_alarms']} of {f['without_face']}"
        )


if __name__ == "__main__":
    main()
