"""The card's tables: detectors on the same pictures in the same run, on one thread.

    python compare.py LISTS DATA OUT --model v1=face-v2.onnx v0=face-v0.onnx --peer animeface=animeface.json

Prints Markdown and writes it with the precision-recall curves (SVG) into OUT. Pictures and labels: val-anime.jsonl and
val-negatives.jsonl of LISTS, and val.jsonl of DATA. A peer's boxes follow another convention: they are moved and scaled
by the fractions that fit best on the calibration split. --cut NAME=0.5 sets where a detector's table cuts.
"""

import argparse
import json
import time
from pathlib import Path

import matplotlib
import numpy as np

from evaluate import answers_of, average_precision, curve, evaluate, iou, match
from infer import SIDE, detect, find, onnx_runner, read
from split import read_rows

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

TAGS = ("tiny", "profile", "closed", "occluded", "grey", "chibi", "crowd", "huge", "male", "mask")
SIZES = (0, 15, 20, 30, 50, 100, 200, 1000)
BINS = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0001])


def by_model(path, sets, data, look):
    """Milliseconds of CPU in session.run a picture, median and mean, and what is found."""
    session, spent, found = onnx_runner(path, threads=1), {}, {}

    for rows in sets.values():
        for row in rows:
            spent[row["file"]] = 0.0

            def run(x, name=row["file"]):
                started = time.process_time()
                outputs = session(x)
                spent[name] += time.process_time() - started
                return outputs

            found[row["file"]] = look(run, read(data / row["file"]))
    spent = list(spent.values())
    return (float(np.median(spent)) * 1000, float(np.mean(spent)) * 1000), found


def fitted(found, rows):
    """A peer's boxes in our convention: centre and size by the median fractions between its boxes and the labels."""
    shifts = []
    for row in rows:
        for box in found.get(row["file"], []):
            best = max(row["boxes"], key=lambda b: iou(box, b), default=None)
            if best is not None and iou(box, best) > 0.2:
                w, h = box[2] - box[0], box[3] - box[1]
                shifts.append([(best[0] - box[0]) / w, (best[1] - box[1]) / h, (best[2] - box[2]) / w, (best[3] - box[3]) / h])
    left, top, right, bottom = np.median(shifts, 0)

    def moved(b):
        w, h = b[2] - b[0], b[3] - b[1]
        return [b[0] + left * w, b[1] + top * h, b[2] + right * w, b[3] + bottom * h, b[4]]

    return {name: [moved(b) for b in boxes] for name, boxes in found.items()}


def best_cut(rows, found):
    """Where recall and precision are best together (F1): for detectors without a cut of their own."""
    answers, faces = answers_of(rows, found), sum(len(row["boxes"]) for row in rows)
    points = curve(answers, faces)
    return answers[max(range(len(points)), key=lambda i: points[i][0] * points[i][1] / (sum(points[i]) + 1e-9))][0]


def table(detectors, sets):
    yield "| detector | cut | val-anime: recall | precision | AP | mean IoU | val: recall | precision | AP | mean IoU | false alarms | CPU ms, median / mean |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for name, (ms, found, cut) in detectors.items():
        cells = [name, f"{cut:.2f}"]
        for part in ("val-anime", "val"):
            at, whole = evaluate(sets[part], found, cut), evaluate(sets[part], found)
            cells += [f"{v:.3f}" for v in (at["recall"], at["precision"], whole["ap50"], at["mean_iou"])]
        alarms = evaluate(sets["val-negatives"], found, cut)
        spent = " / ".join(f"{v:.0f}" for v in np.atleast_1d(ms))
        cells += [f"{alarms['false_alarms']} of {alarms['without_face']}", spent]
        yield "| " + " | ".join(cells) + " |"


def tag_table(detectors, rows):
    """By the pictures' tags; `tiny` and `crowd` are those of the labels."""
    names = list(detectors)
    yield "| tag | pictures | faces | " + " | ".join(f"{name}: recall | precision | AP" for name in names) + " |"
    yield "|---|---|---|" + "---|---|---|" * len(names)
    for tag in (None, *TAGS):
        some = [row for row in rows if tag is None or tag in row["tags"]]
        faces = sum(len(row["boxes"]) for row in some)
        if not some or not faces:
            continue
        cells = [tag or "all", str(len(some)), str(faces)]
        for _, found, cut in detectors.values():
            at, whole = evaluate(some, found, cut), evaluate(some, found)
            cells += [f"{at['recall']:.3f}", f"{at['precision']:.3f}", f"{whole['ap50']:.3f}"]
        yield "| " + " | ".join(cells) + " |"


def cut_table(found, sets):
    """The first detector at other cuts."""
    yield "| cut | recall | precision | mean IoU | false alarms |"
    yield "|---|---|---|---|---|"
    for cut in np.arange(0.1, 0.95, 0.1):
        f, alarms = evaluate(sets["val-anime"], found, cut), evaluate(sets["val-negatives"], found, cut)
        cells = [f"{f[key]:.3f}" for key in ("recall", "precision", "mean_iou")]
        yield f"| {cut:.1f} | " + " | ".join(cells) + f" | {alarms['false_alarms']} of {alarms['without_face']} |"


def size_table(detectors, rows):
    """Faces found at the cut, by their larger side in pixels of the first input."""
    yield "| side | faces | " + " | ".join(detectors) + " |"
    yield "|---|---|" + "---|" * len(detectors)
    sides = {}
    for r, row in enumerate(rows):
        scale = SIDE / max(row["width"], row["height"])
        for n, b in enumerate(row["boxes"]):
            sides[r, n] = max(b[2] - b[0], b[3] - b[1]) * scale
    hits = {}
    for name, (_, found, cut) in detectors.items():
        boxes = [[b for b in found.get(row["file"], []) if b[4] >= cut] for row in rows]
        hits[name] = {(r, n) for r, row in enumerate(rows) for _, _, n in match(row, boxes[r]) if n is not None}
    for low, high in zip(SIZES, SIZES[1:]):
        some = [face for face, side in sides.items() if low <= side < high]
        if some:
            shares = [f"{np.mean([face in hits[name] for face in some]):.2f}" for name in detectors]
            yield f"| {low}–{high} | {len(some)} | " + " | ".join(shares) + " |"


def reliability(rows, found):
    """How often a box is right, by its confidence."""
    answers = [a for row in rows for a in match(row, found.get(row["file"], []))]
    yield "| confidence | boxes | mean confidence | right |"
    yield "|---|---|---|---|"
    for low, high in zip(BINS, BINS[1:]):
        some = [a for a in answers if low <= a[0] < high]
        if some:
            mean, right = np.mean([a[0] for a in some]), np.mean([a[1] > 0 for a in some])
            yield f"| {low:.1f}–{min(high, 1):.1f} | {len(some)} | {mean:.2f} | {right:.2f} |"


def plot(detectors, rows, title, out):
    pyplot.rcParams["svg.fonttype"] = "none"
    pyplot.rcParams["svg.hashsalt"] = "mekiki"
    figure, axes = pyplot.subplots(figsize=(6, 4.2))
    faces = sum(len(row["boxes"]) for row in rows)
    for name, (_, found, cut) in detectors.items():
        answers = answers_of(rows, found)
        points = curve(answers, faces)
        (line,) = axes.plot(*zip(*points), label=f"{name}, AP {average_precision(points):.3f}", linewidth=1.5)
        at = evaluate(rows, found, cut)
        axes.plot(at["recall"], at["precision"], "o", color=line.get_color(), markersize=5)
    axes.set(xlim=(0, 1), ylim=(0.3, 1.01), xlabel="recall", ylabel="precision", title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})
    pyplot.close(figure)


def named(text):
    name, _, value = text.partition("=")
    return name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=named, nargs="+", default=[])
    parser.add_argument("--peer", type=named, nargs="+", default=[])
    parser.add_argument("--cut", type=named, nargs="+", default=[])
    parser.add_argument("--once", nargs="*", default=[], help="models that never look a second time")
    args = parser.parse_args()
    sets = {
        "val-anime": read_rows(args.lists / "val-anime.jsonl"),
        "val": read_rows(args.data / "val.jsonl"),
        "val-negatives": read_rows(args.lists / "val-negatives.jsonl"),
    }
    calibration = [row for row in read_rows(args.lists / "calibration.jsonl") if "tags" in row]
    cuts = {name: float(value) for name, value in args.cut}
    detectors = {}
    for name, path in args.model:
        ms, found = by_model(path, {**sets, "calibration": calibration}, args.data, detect if name in args.once else find)
        detectors[name] = ms, found, cuts.get(name) or best_cut(calibration, found)
    for name, path in args.peer:
        recorded = json.loads(Path(path).read_text())
        found = fitted(recorded["found"], calibration)
        detectors[name] = recorded["ms"], found, cuts.get(name) or best_cut(calibration, found)

    ours = next(iter(detectors))
    parts = [
        table(detectors, sets),
        tag_table({name: detectors[name] for name, _ in args.model}, sets["val-anime"]),
        size_table({name: detectors[name] for name, _ in args.model}, sets["val-anime"]),
        cut_table(detectors[ours][1], sets),
        reliability(sets["val-anime"] + sets["val-negatives"], detectors[ours][1]),
    ]
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    print(text)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "tables.md").write_text(text)
    plot(detectors, sets["val-anime"], "300 illustrations kept aside (val-anime)", args.out / "val-anime.svg")
    plot(detectors, sets["val"], "TV cartoons (val)", args.out / "val.svg")


if __name__ == "__main__":
    main()
