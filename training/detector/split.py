"""Keeps pictures aside: to measure with, 300 corrected illustrations and 500 pictures without a drawn face; and to calibrate
confidences and decide by, 120 illustrations, 150 cartoons and 100 pictures without a face.

    python split.py ../../../shared/data/faces ../labels

Writes val-anime.txt, val-negatives.txt and calibration.txt into the second folder: SHA-256s, one a line. Whole groups of near-duplicates
go to one side: pictures whose hashes differ by at most 8 of 64 bits, and the pairs that were noticed while correcting.
Run once; the lists are committed, and everything else reads them.
"""

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "labels"))
from sheets import ordered  # noqa: E402

ILLUSTRATIONS = 300
NEGATIVES = 500
CALIBRATION = {"illustrations": 120, "cartoons": 150, "negatives": 100}
BITS = 8
# Tiles (the order of sheets.py) of near-duplicates that the hash does not catch; see labels/README.md.
NOTICED = (
    (199, 299), (147, 447), (288, 460), (364, 464), (191, 392), (92, 482), (68, 421), (419, 421, 422), (623, 799),
    (703, 931), (754, 869), (669, 677, 982, 987),
)  # fmt: skip


def read_rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def groups(rows, pairs=()):
    """Each row's SHA-256 -> the SHA-256s of its group."""
    parent = list(range(len(rows)))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    hashes = [int(row["dhash"], 16) for row in rows]
    for i, a in enumerate(hashes):
        for j in range(i):
            if (a ^ hashes[j]).bit_count() <= BITS:
                parent[root(i)] = root(j)
    index = {row["sha256"]: i for i, row in enumerate(rows)}
    for a, b in pairs:
        parent[root(index[a])] = root(index[b])
    members = {}
    for i, row in enumerate(rows):
        members.setdefault(root(i), []).append(row["sha256"])
    return {sha: group for group in members.values() for sha in group}


def illustration_groups(data):
    tiles = ordered(data / "anime.jsonl")
    pairs = [(tiles[same[0]]["sha256"], tiles[n]["sha256"]) for same in NOTICED for n in same[1:]]
    return groups(read_rows(data / "anime.jsonl"), pairs)


def choose(candidates, group_of, count, rng):
    """Whole groups in random order, until `count` candidates are chosen; a group that would go beyond is left out."""
    candidates = sorted(candidates)
    rng.shuffle(candidates)
    wanted, chosen = set(candidates), []
    for sha in candidates:
        group = [member for member in group_of[sha] if member in wanted]
        if sha not in chosen and len(chosen) + len(group) <= count:
            chosen += group
    return sorted(chosen)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("labels", type=Path)
    args = parser.parse_args()
    rng = random.Random(20261124)
    corrected = [row["sha256"] for row in read_rows(args.labels / "anime.jsonl")]
    group_of = illustration_groups(args.data)
    illustrations = choose(corrected, group_of, ILLUSTRATIONS, rng)
    faceless = read_rows(args.data / "negatives.jsonl")
    faceless_of = groups(faceless)
    negatives = choose([row["sha256"] for row in faceless], faceless_of, NEGATIVES, rng)

    cartoons = read_rows(args.data / "train.jsonl")
    aside = {member for sha in illustrations for member in group_of[sha]}
    left = {
        "illustrations": ([sha for sha in corrected if sha not in aside], group_of),
        "cartoons": ([row["sha256"] for row in cartoons], groups(cartoons)),
        "negatives": ([sha for sha in faceless_of if sha not in negatives], faceless_of),
    }
    calibration = [sha for name, (shas, of) in left.items() for sha in choose(shas, of, CALIBRATION[name], rng)]
    for name, chosen in (
        ("val-anime.txt", illustrations),
        ("val-negatives.txt", negatives),
        ("calibration.txt", calibration),
    ):
        (args.labels / name).write_text("\n".join(chosen) + "\n")
        print(name, len(chosen))


if __name__ == "__main__":
    main()
