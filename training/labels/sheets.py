#!/usr/bin/env python3
"""Draws contact sheets of the illustrations with the detector's proposals, to be corrected by looking.

    sheets.py ANIME.jsonl OUTDIR [--first N] [--count N] [--zoom N ...]

The order is fixed: near-duplicates (dhash within 6 bits) are left out, the rest is shuffled with seed 1. Picture N of
that order is tile N. Proposals (confidence >= 0.44) are green and numbered from 1, unsure ones orange with
letters from a; only those of 0.25 and more are shown. The rulers count percent of the picture's width and height. --zoom draws single tiles large.
"""
import argparse, json, pathlib, random
from PIL import Image, ImageDraw, ImageFont

TILE, COLUMNS = 372, 3
UNSURE = 0.25
LETTERS = 'abcdefghijklmnopqrstuvwxyz'


def ordered(path):
    rows = [json.loads(line) for line in open(path)]
    for row in rows:
        unsure_scores = row['scores'][len(row['proposals']):]
        row['unsure'] = [box for box, score in zip(row['unsure'], unsure_scores) if score >= UNSURE][:26]
    kept, seen = [], []
    for row in rows:
        h = int(row['dhash'], 16)
        if all(bin(h ^ s).count('1') > 6 for s in seen):
            seen.append(h)
            kept.append(row)
    random.Random(1).shuffle(kept)
    return kept


def tile(row, number, root, side):
    picture = Image.open(root / row['file']).convert('RGB')
    scale = (side - 24) / max(picture.size)
    picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.LANCZOS)
    out = Image.new('RGB', (side, side), (40, 40, 40))
    out.paste(picture, (22, 20))
    draw = ImageDraw.Draw(out)
    font = ImageFont.load_default(13)
    step = 10 if side < 600 else 5
    for percent in range(0, 101, step):
        x, y = 22 + picture.width * percent / 100, 20 + picture.height * percent / 100
        draw.line([x, 16, x, 20], fill='white')
        draw.line([18, y, 22, y], fill='white')
        if percent % 10 == 0 and percent < 100:
            draw.text((x, 4), str(percent), fill='#999', font=ImageFont.load_default(10), anchor='ma')
            draw.text((16, y), str(percent), fill='#999', font=ImageFont.load_default(10), anchor='rm')
    names = [(str(i + 1), b, '#2f4') for i, b in enumerate(row['proposals'])]
    names += [(LETTERS[i % 26], b, '#f90') for i, b in enumerate(row['unsure'][:26])]
    for name, (x1, y1, x2, y2), colour in reversed(names):
        box = [22 + x1 * scale, 20 + y1 * scale, 22 + x2 * scale, 20 + y2 * scale]
        draw.rectangle(box, outline=colour, width=2 if colour == '#2f4' else 1)
        left, top = (box[0], box[1]) if colour == '#2f4' else (box[2] - 10, box[3] - 14)
        draw.rectangle([left, top, left + 10 + 4 * (len(name) - 1), top + 14], fill='black')
        draw.text((left + 2, top), name, fill=colour, font=font)
    draw.rectangle([0, side - 16, 44, side], fill='white')
    draw.text((2, side - 15), str(number), fill='black', font=font)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('rows', type=pathlib.Path)
    p.add_argument('out', type=pathlib.Path)
    p.add_argument('--first', type=int, default=0)
    p.add_argument('--count', type=int, default=9)
    p.add_argument('--zoom', type=int, nargs='*')
    a = p.parse_args()
    rows, root = ordered(a.rows), a.rows.parent
    a.out.mkdir(parents=True, exist_ok=True)
    if a.zoom:
        for n in a.zoom:
            tile(rows[n], n, root, 1000).save(a.out / f'zoom-{n:04}.png')
        return
    for start in range(a.first, min(a.first + a.count, len(rows)), COLUMNS * COLUMNS):
        sheet = Image.new('RGB', (TILE * COLUMNS, TILE * COLUMNS), 'black')
        for k in range(min(COLUMNS * COLUMNS, a.first + a.count - start, len(rows) - start)):
            sheet.paste(tile(rows[start + k], start + k, root, TILE), (k % COLUMNS * TILE, k // COLUMNS * TILE))
        sheet.save(a.out / f'sheet-{start:04}.png')


if __name__ == '__main__':
    main()
