"""Weighs the training pictures without a face by how sure the detector is of a face in them: hard ones come more often.

    python mine.py face.pt LISTS DATA

Rewrites negatives.jsonl with a `weight` in every row, between training's two stages.
"""

import argparse
import json
from pathlib import Path

from infer import checkpoint_runner, detect, read
from split import read_rows

# An easy picture's weight; the hardest one's is 1 more.
EASY = 0.1
FLOOR = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("lists", type=Path)
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    run = checkpoint_runner(args.checkpoint)
    path = args.lists / "negatives.jsonl"
    rows = read_rows(path)
    for row in rows:
        row["weight"] = max((box[4] for box in detect(run, read(args.data / row["file"]), floor=FLOOR)), default=0)
    surest = sorted(row["weight"] for row in rows)
    for row in rows:
        row["weight"] = round(EASY + (row["weight"] / surest[-1]) ** 2, 3)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(f"{len(rows)} pictures; confidence of the surest box: median {surest[len(rows) // 2]:.2f}, most {surest[-1]:.2f}")


if __name__ == "__main__":
    main()
