"""Puts the lists together that the detector is trained and measured on.

    python prepare.py ../../../shared/data/faces ../labels ../../../shared/training/face-v0.onnx SCENES OUT

SCENES: a folder written by `cargo run --example draw -- SCENES 100000 400`. Writes into OUT (rows: file relative to the data
folder, boxes, ignore, tags, weight):

illustrations.jsonl  corrected illustrations for training
proposed.jsonl       illustrations nobody has corrected: face-v1's surest boxes (../labels/proposals.jsonl); its doubtful ones are ignored
cartoons.jsonl       iCartoonFace with its own boxes; where face-v0 is sure of a face that nobody boxed, it is ignored
negatives.jsonl      pictures without a drawn face for training; faceless.py adds more
scenes.jsonl         our own drawn scenes
val-anime.jsonl, val-negatives.jsonl   kept aside to measure with: see split.py
calibration.jsonl, calibration-negatives.jsonl   kept aside to calibrate and decide with
"""

import argparse
import json
from pathlib import Path

from evaluate import iou
from infer import detect, onnx_runner, read
from split import illustration_groups, read_rows

# face-v1's confidences, the mean of four looks (448 and 640 pixels, mirrored or not): boxes from SURE on are taken for faces.
SURE = 0.75
# Illustrations with a face below this many pixels of the stored picture come twice as often.
SMALL = 45
FACELESS_WEIGHT = 0.25


def unboxed(row, found):
    """Boxes that face-v0 is sure of and that touch no label."""
    return [[round(v, 1) for v in box[:4]] for box in found if box[4] >= 0.5 and all(iou(box, b) < 0.2 for b in row["boxes"])]


def proposed(row, found):
    boxes = [box[:4] for box in found if box[4] >= SURE]
    small = any(max(b[2] - b[0], b[3] - b[1]) < SMALL for b in boxes)
    doubtful = [box[:4] for box in found if box[4] < SURE]
    return {"file": row["file"], "boxes": boxes, "ignore": doubtful, "weight": 2.0 if small else 1.0}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(path.name, len(rows), "pictures,", sum(len(row["boxes"]) for row in rows), "faces")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("v0", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    kept = {path.stem: set(path.read_text().split()) for path in args.labels.glob("*.txt")}
    group_of = illustration_groups(args.data)
    corrected = read_rows(args.labels / "anime.jsonl")
    negatives = read_rows(args.data / "negatives.jsonl")
    cartoons = read_rows(args.data / "train.jsonl")

    def those(rows, name):
        return [row for row in rows if row["sha256"] in kept[name]]

    def without(rows, *shas):
        return [row for row in rows if not any(row["sha256"] in some for some in shas)]

    write(args.out / "val-anime.jsonl", those(corrected, "val-anime"))
    write(args.out / "val-negatives.jsonl", those(negatives, "val-negatives"))
    write(args.out / "calibration.jsonl", those(corrected, "calibration") + those(cartoons, "calibration"))
    write(args.out / "calibration-negatives.jsonl", those(negatives, "calibration"))

    aside = {member for name in ("val-anime", "calibration") for sha in kept[name] for member in group_of.get(sha, ())}
    write(args.out / "illustrations.jsonl", without(corrected, aside))
    proposals = {row["sha256"]: row for row in read_rows(args.labels / "proposals.jsonl")}
    rest = [row for row in read_rows(args.data / "anime.jsonl") if row["sha256"] in proposals and row["sha256"] not in aside]
    rows = [proposed(row, proposals[row["sha256"]]["boxes"]) for row in rest]
    write(args.out / "proposed.jsonl", [row for row in rows if row["boxes"]])
    faceless = [row for row in rest if proposals[row["sha256"]].get("faceless")]
    faceless = [{"file": row["file"], "boxes": [], "weight": FACELESS_WEIGHT} for row in faceless]
    write(args.out / "negatives.jsonl", without(negatives, kept["val-negatives"], kept["calibration"]) + faceless)

    scenes = read_rows(args.scenes / "scenes.jsonl")
    for row in scenes:
        row["file"] = str((args.scenes / row["file"]).resolve())
    write(args.out / "scenes.jsonl", [row for row in scenes if row["boxes"]])

    cartoons = without(cartoons, kept["calibration"])
    run = onnx_runner(args.v0)
    for row in cartoons:
        row["ignore"] = unboxed(row, detect(run, read(args.data / row["file"])))
    write(args.out / "cartoons.jsonl", cartoons)
    print("ignored in cartoons:", sum(len(row["ignore"]) for row in cartoons))


if __name__ == "__main__":
    main()
