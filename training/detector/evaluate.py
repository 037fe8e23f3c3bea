"""Predictions against boxes by hand: recall, precision, average precision, mean IoU of the hits, false alarms.

    python evaluate.py rows.jsonl predictions.json --cut 0.05 0.44
"""

import argparse
import json
from pathlib import Path

HIT_IOU = 0.5


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    inter = w * h
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def average_precision(curve):
    """Area under (recall, precision), precision made monotone."""
    best, monotone = 0.0, []
    for recall, precision in reversed(curve):
        best = max(best, precision)
        monotone.append((recall, best))
    area, last = 0.0, 0.0
    for recall, precision in reversed(monotone):
        area += (recall - last) * precision
        last = recall
    return area


def evaluate(rows, predictions, cut=0.0):
    """Greedy by confidence in each picture: a box takes the free label that it overlaps most."""
    faces = sum(len(row["boxes"]) for row in rows)
    answers, overlaps, alarms, without = [], [], 0, 0
    for row in rows:
        free = list(row["boxes"])
        found = sorted((p for p in predictions.get(row["file"], []) if p[4] >= cut), key=lambda p: -p[4])
        if not row["boxes"]:
            without += 1
            alarms += bool(found)
        for p in found:
            best = max(free, key=lambda b: iou(p, b), default=None)
            overlap = iou(p, best) if best else 0
            if hit := overlap >= HIT_IOU:
                free.remove(best)
                overlaps.append(overlap)
            answers.append((p[4], hit))
    answers.sort(key=lambda answer: -answer[0])
    hits, curve = 0, []
    for n, (_, hit) in enumerate(answers, 1):
        hits += hit
        curve.append((hits / max(faces, 1), hits / n))
    return {
        "cut": cut,
        "faces": faces,
        "recall": hits / max(faces, 1),
        "precision": hits / max(len(answers), 1),
        "ap50": average_precision(curve),
        "mean_iou": sum(overlaps) / max(len(overlaps), 1),
        "false_alarms": alarms,
        "without_face": without,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--cut", type=float, nargs="+", default=[0.05, 0.44])
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.rows.read_text().splitlines()]
    predictions = json.loads(args.predictions.read_text())
    for cut in args.cut:
        figures = evaluate(rows, predictions, cut)
        print({name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()})


if __name__ == "__main__":
    main()
