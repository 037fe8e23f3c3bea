"""Puts the lists together that the detector is trained and measured on.

    python prepare.py ../../../shared/data/faces ../labels ../../../shared/training/face-v0.onnx OUT

Writes into OUT (rows: file relative to the data folder, boxes, ignore, tags):

illustrations.jsonl  corrected illustrations for training
proposed.jsonl       illustrations nobody has corrected: face-v0's surest boxes; its doubtful ones are ignored
cartoons.jsonl       iCartoonFace with its own boxes; where face-v0 is sure of a face that nobody boxed, it is ignored
negatives.jsonl      pictures without a drawn face for training
val-anime.jsonl, val-negatives.jsonl   kept aside to measure with: see split.py
calibration.jsonl, calibration-negatives.jsonl   kept aside to calibrate and decide with
"""

import argparse
import json
from pathlib import Path

from evaluate import iou
from infer import detect, onnx_runner, read
from split import illustration_groups, read_rows

# Of face-v0's boxes on corrected illustrations, 95 % from 0.52 on are faces, and 4 % of those from 0.25 to 0.3.
SURE, DOUBTFUL = 0.52, 0.3


def unboxed(row, found):
    """Boxes that face-v0 is sure of and that touch no label."""
    return [[round(v, 1) for v in box[:4]] for box in found if box[4] >= 0.5 and all(iou(box, b) < 0.2 for b in row["boxes"])]


def proposed(row):
    boxes = list(zip(row["proposals"] + row["unsure"], row["scores"]))
    return {
        "file": row["file"],
        "boxes": [box for box, score in boxes if score >= SURE],
        "ignore": [box for box, score in boxes if DOUBTFUL <= score < SURE],
    }


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(path.name, len(rows), "pictures,", sum(len(row["boxes"]) for row in rows), "faces")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("v0", type=Path)
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
    rest = map(proposed, without(read_rows(args.data / "anime.jsonl"), aside, {row["sha256"] for row in corrected}))
    write(args.out / "proposed.jsonl", [row for row in rest if row["boxes"]])
    write(args.out / "negatives.jsonl", without(negatives, kept["val-negatives"], kept["calibration"]))

    cartoons = without(cartoons, kept["calibration"])
    run = onnx_runner(args.v0)
    for row in cartoons:
        row["ignore"] = unboxed(row, detect(run, read(args.data / row["file"])))
    write(args.out / "cartoons.jsonl", cartoons)
    print("ignored in cartoons:", sum(len(row["ignore"]) for row in cartoons))


if __name__ == "__main__":
    main()
