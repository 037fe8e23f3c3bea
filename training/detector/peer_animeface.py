"""What the PyPI package animeface finds, for compare.py. It needs Pillow 11, so it has an environment of its own:

    python3 -m venv PEERS && PEERS/bin/pip install animeface==2.0.3 'pillow<12' numpy
    PEERS/bin/python peer_animeface.py DATA OUT.json LIST.jsonl ...

Writes {"ms": median CPU milliseconds a picture, "found": {"FILE": [[x1, y1, x2, y2, likelihood], ...]}}.
"""

import json
import sys
import time
from pathlib import Path

import animeface
import numpy as np

from infer import read


def boxes_of(picture):
    faces = animeface.detect(picture)
    return [[f.face.pos.x, f.face.pos.y, f.face.pos.x + f.face.pos.width, f.face.pos.y + f.face.pos.height, f.likelihood] for f in faces]


def main():
    data, out, *lists = map(Path, sys.argv[1:])
    found, spent = {}, []
    for path in lists:
        for line in path.read_text().splitlines():
            name = json.loads(line)["file"]
            picture = read(data / name)
            started = time.process_time()
            found[name] = boxes_of(picture)
            spent.append(time.process_time() - started)
    out.write_text(json.dumps({"ms": float(np.median(spent)) * 1000, "found": found}))


if __name__ == "__main__":
    main()
