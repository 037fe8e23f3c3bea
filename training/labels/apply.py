#!/usr/bin/env python3
"""Turns corrections made while looking at the sheets into labels.

    apply.py ANIME.jsonl OUT.jsonl CORRECTIONS.txt ...

A line a picture: NUMBER, then words separated by semicolons:
    12                       all proposals are right and none is missing
    12; drop 2 3             proposals that are no face (or doubles)
    12; take a c             unsure ones that are faces
    12; add 40,10,55,30      a missing face, in percent of the picture: left, top, right, bottom
    12; move 1 38,12,56,33   a proposal that is a face, better boxed
    12; ignore 3 b           a face that is cut, hidden or too doubtful to train on or be measured by
    12; tags grey crowd      of: tiny profile closed occluded grey chibi crowd male mask back huge
    12; skip                 not usable (no picture of the kind, unsure throughout)
A file that begins with `proposals FILE` counts on the boxes of FILE (JSON Lines beside it: sha256, proposals, unsure) instead
of those of ANIME.jsonl.
OUT has one object a line: sha256, file, width, height, boxes, ignore, tags, and `proposals`: what became of them.
"""
import argparse, collections, json, pathlib, re
from sheets import LETTERS, ordered

TAGS = {'tiny', 'profile', 'closed', 'occluded', 'grey', 'chibi', 'crowd', 'male', 'mask', 'back', 'huge'}


def percent_box(text, row):
    v = [float(x) for x in text.split(',')]
    if len(v) != 4 or not (v[0] < v[2] <= 100.5 and v[1] < v[3] <= 100.5):
        raise ValueError(f'not a box: {text}')
    w, h = row['width'] / 100, row['height'] / 100
    return [round(c, 1) for c in (v[0] * w, v[1] * h, min(v[2], 100) * w, min(v[3], 100) * h)]


def correct(row, words):
    named = {str(i + 1): b for i, b in enumerate(row['proposals'])}
    unsure = {LETTERS[i]: b for i, b in enumerate(row['unsure'][:26])}
    faces, ignore, tags, done = dict(named), [], [], collections.Counter()
    for word in words:
        verb, *rest = word.split()
        if verb == 'skip':
            return None
        elif verb == 'drop':
            for n in rest: del faces[n]; done['dropped'] += 1
        elif verb == 'take':
            for n in rest: faces[n] = unsure[n]; done['taken'] += 1
        elif verb == 'add':
            for box in rest: faces[f'+{len(faces)}{box}'] = percent_box(box, row); done['added'] += 1
        elif verb == 'move':
            n, box = rest; faces[n] if n in faces else unsure[n]; faces[n] = percent_box(box, row); done['moved'] += 1
        elif verb == 'ignore':
            for n in rest: ignore.append(faces.pop(n, None) or unsure[n]); done['ignored'] += 1
        elif verb == 'tags':
            bad = set(rest) - TAGS
            if bad: raise ValueError(f'unknown tags {bad}')
            tags += rest
        else:
            raise ValueError(f'unknown word {verb}')
    done['proposed'] = len(named)
    return dict(sha256=row['sha256'], file=row['file'], width=row['width'], height=row['height'], boxes=list(faces.values()),
                ignore=ignore, tags=sorted(set(tags)), proposals=dict(sorted(done.items())))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('rows'); p.add_argument('out'); p.add_argument('corrections', nargs='+')
    a = p.parse_args()
    rows, labels, skipped, total = ordered(a.rows), {}, 0, collections.Counter()
    for path in a.corrections:
        instead = {}
        for n, line in enumerate(open(path), 1):
            line = re.sub(r'#.*', '', line).strip()
            if not line: continue
            if line.startswith('proposals '):
                other = pathlib.Path(path).parent / line.split()[1]
                instead = {row['sha256']: row for row in map(json.loads, open(other))}
                continue
            number, *words = [w.strip() for w in line.split(';') if w.strip()]
            try:
                row = rows[int(number)]
                label = correct({**row, **instead[row['sha256']]} if instead else row, words)
            except (ValueError, KeyError, IndexError) as e:
                raise SystemExit(f'{path}, line {n}: {line}: {e!r}')
            if label is None: skipped += 1
            else: labels[int(number)] = label; total.update(label['proposals'])
    with open(a.out, 'w') as f:
        for number in sorted(labels): f.write(json.dumps(labels[number]) + '\n')
    faces = sum(len(l['boxes']) for l in labels.values())
    print(f'{len(labels)} pictures, {faces} faces, {skipped} skipped; proposals: {dict(total)}')


if __name__ == '__main__':
    main()
