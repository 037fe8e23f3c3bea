#!/usr/bin/env python3
"""Puts boxes corrected in Mekiki's box editor among the pictures that the detector is trained on.

    own.py CORRECTED/boxes.jsonl [MORE ...] DATA LISTS

CORRECTED is what `mekiki export --format boxes CORRECTED` wrote; DATA is the data folder that the lists' files are relative
to, and LISTS holds illustrations.jsonl and, kept aside, val-*.jsonl and calibration*.jsonl. Adds a row a picture to
illustrations.jsonl; run again, the rows are replaced. What is kept aside stays so: a picture that is in one of those lists,
or looks almost like one (difference hashes at most 8 of 64 bits apart), is left out.
"""
import argparse, json, os
from pathlib import Path
from PIL import Image

BITS = 8


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def dhash(path):
    """64 bits: whether a cell of the picture in grey at 9×8 is darker than its right neighbour."""
    with Image.open(path) as picture:
        cells = picture.convert('L').resize((9, 8), Image.Resampling.BOX).tobytes()
    pairs = [(9 * row + column) for row in range(8) for column in range(8)]
    return sum((cells[i] < cells[i + 1]) << n for n, i in enumerate(pairs))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('exports', nargs='+', type=Path); p.add_argument('data', type=Path); p.add_argument('lists', type=Path)
    a = p.parse_args()
    aside = [row for name in ('val-*.jsonl', 'calibration*.jsonl') for path in sorted(a.lists.glob(name)) for row in read(path)]
    if not aside: raise SystemExit(f'{a.lists} keeps nothing aside: it has neither val-*.jsonl nor calibration*.jsonl')
    known = {row['sha256'] for row in aside if 'sha256' in row}
    hashes = [dhash(a.data / row['file']) for row in aside]
    rows, left_out = {}, 0
    for export in a.exports:
        for row in read(export):
            path = export.parent / row['file']
            own = dhash(path)
            if row['sha256'] in known or any((own ^ other).bit_count() <= BITS for other in hashes):
                left_out += 1
                continue
            rows[row['sha256']] = {**row, 'file': os.path.relpath(path.resolve(), a.data.resolve())}
    target = a.lists / 'illustrations.jsonl'
    before = [row for row in read(target) if row.get('sha256') not in rows]
    target.write_text(''.join(json.dumps(row) + '\n' for row in before + list(rows.values())))
    faces = sum(len(row['boxes']) for row in rows.values())
    print(f'{target}: {len(before)} pictures, and {len(rows)} of your own with {faces} faces; {left_out} are kept aside and left out')


if __name__ == '__main__':
    main()
