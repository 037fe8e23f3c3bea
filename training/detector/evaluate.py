"""Predictions against boxes by hand: recall, precision, average precision, mean IoU of the hits, false alarms.

    python evaluate.py rows.jsonl predictions.json --cut 0 0.5
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


def covered(box, region):
    """How much of `box` lies in `region`."""
    w, h = min(box[2], region[2]) - max(box[0], region[0]), min(box[3], region[3]) - max(box[1], region[1])
    return max(w, 0) * max(h, 0) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


def match(row, found):
    """Greedy by confidence: a box takes the free label that it overlaps most. [(confidence, overlap or 0, label or None)];
    boxes without a label that lie in a region to be ignored are left out."""
    free, answers = dict(enumerate(row["boxes"])), []
    for p in sorted(found, key=lambda p: -p[4]):
        best = max(free, key=lambda n: iou(p, free[n]), default=None)
        overlap = iou(p, free[best]) if best is not None else 0
        if overlap >= HIT_IOU:
            del free[best]
            answers.append((p[4], overlap, best))
        elif all(covered(p, region) < 0.5 for region in row.get("ignore") or []):
            answers.append((p[4], 0.0, None))
    return answers


def curve(answers, faces):
    """(recall, precision) after each answer, surest first; the answers are sorted."""
    hits, points = 0, []
    for n, (_, overlap, _) in enumerate(answers, 1):
        hits += overlap > 0
        points.append((hits / max(faces, 1), hits / n))
    return points


def average_precision(points):
    """Area under (recall, precision), precision made monotone."""
    best, monotone = 0.0, []
    for recall, precision in reversed(points):
        best = max(best, precision)
        monotone.append((recall, best))
    area, last = 0.0, 0.0
    for recall, precision in reversed(monotone):
        area += (recall - last) * precision
        last = recall
    return area


def answers_of(rows, predictions, cut=0.0):
    """All pictures' answers, surest first."""
    found = (match(row, [p for p in predictions.get(row["file"], []) if p[4] >= cut]) for row in rows)
    return sorted((answer for answers in found for answer in answers), key=lambda answer: -answer[0])


def evaluate(rows, predictions, cut=0.0):
    faces = sum(len(row["boxes"]) for row in rows)
    answers = answers_of(rows, predictions, cut)
    overlaps = [overlap for _, overlap, _ in answers if overlap]
    empty = [row for row in rows if not row["boxes"] and not row.get("ignore")]
    alarms = sum(any(p[4] >= cut for p in predictions.get(row["file"], [])) for row in empty)
    return {
        "cut": cut,
        "faces": faces,
        "recall": len(overlaps) / max(faces, 1),
        "precision": len(overlaps) / max(len(answers), 1),
        "ap50": average_precision(curve(answers, faces)),
        "mean_iou": sum(overlaps) / max(len(overlaps), 1),
        "false_alarms": alarms,
        "without_face": len(empty),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--cut", type=float, nargs="+", default=[0.0, 0.5])
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.rows.read_text().splitlines()]
    predictions = json.loads(args.predictions.read_text())
    for cut in args.cut:
        figures = evaluate(rows, predictions, cut)
        print({name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()})


if __name__ == "__main__":
    main()
