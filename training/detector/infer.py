"""Detection as the model wants it: letterbox, run, weighted non-maximum suppression; and a second, larger look where faces are
small. What src/vision does in Rust.

    python infer.py face.pt|face.onnx rows.jsonl --out predictions.json

Writes {"FILE": [[x1, y1, x2, y2, score], ...]} with boxes in the picture's pixels, surest first.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 448
STRIDE = 32
PADDING = 114
NMS_IOU = 0.5
FUSED_IOU = 0.6
FLOOR = 0.001
# The second look: where a box of at least HINT is shorter than SMALL pixels of the first input.
SMALL, HINT = 40, 0.05
SECOND_SIDE = 576
SAME_IOU = 0.5
# What a look that did not see a face says of it.
UNSEEN = 0.003


def read(path):
    """The first frame in RGB, transparency flattened on white."""
    picture = Image.open(path)
    if picture.mode in ("P", "PA", "LA", "RGBA"):
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        white.alpha_composite(picture)
        picture = white
    return picture.convert("RGB")


def letterbox(picture, side=SIDE):
    """[1, 3, H, W] f32, and input pixels per picture pixel."""
    scale = side / max(picture.size)
    w, h = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    canvas = np.full((-(-h // STRIDE) * STRIDE, -(-w // STRIDE) * STRIDE, 3), PADDING, np.uint8)
    canvas[:h, :w] = np.asarray(picture.resize((w, h), Image.BILINEAR, reducing_gap=2.0))
    return ((canvas.astype(np.float32) - 127.0) / 128.0).transpose(2, 0, 1)[None].copy(), scale


def area(boxes):
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def overlaps(box, boxes):
    """IoU of one box with each of many."""
    top_left = np.maximum(box[:2], boxes[:, :2])
    bottom_right = np.minimum(box[2:], boxes[:, 2:])
    wh = np.clip(bottom_right - top_left, 0, None)
    inter = wh[:, 0] * wh[:, 1]
    return inter / (area(box) + area(boxes) - inter + 1e-9)


def nms(boxes, scores, threshold=NMS_IOU):
    """Indices of the boxes that stay, surest first."""
    order = scores.argsort()[::-1]
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[overlaps(boxes[best], boxes[rest]) < threshold]
    return kept


def fused(index, boxes, scores):
    """Where a box lies on average of those that overlap it much, by their confidence."""
    like = overlaps(boxes[index], boxes) >= FUSED_IOU
    like[index] = True
    return np.average(boxes[like], 0, scores[like])


def detect(run, picture, side=SIDE, floor=FLOOR):
    """`run`: input -> boxes [1, A, 4] in input pixels, scores [1, A]."""
    x, scale = letterbox(picture, side)
    boxes, scores = (output[0] for output in run(x))
    sure = scores > floor
    boxes, scores = boxes[sure] / scale, scores[sure]
    boxes[:, [0, 2]] = boxes[:, [0, 2]].clip(0, picture.width)
    boxes[:, [1, 3]] = boxes[:, [1, 3]].clip(0, picture.height)
    return [[*map(float, fused(i, boxes, scores)), float(scores[i])] for i in nms(boxes, scores)]


def logit(p):
    p = np.clip(p, 1e-5, 1 - 1e-5)
    return np.log(p / (1 - p))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def wants_second_look(picture, found, side=SIDE):
    scale = side / max(picture.size)
    return any(b[4] >= HINT and max(b[2] - b[0], b[3] - b[1]) * scale < SMALL for b in found)


def merged(first, second):
    """Both looks' boxes: as sure as the mean of the log-odds, where both say on average."""
    all_boxes = []
    for ours, theirs in ((first, second), (second, first)):
        others = np.array(theirs, np.float64).reshape(-1, 5)
        for box in ours:
            like = overlaps(np.array(box[:4]), others[:, :4])
            best = int(like.argmax()) if len(others) and like.max() >= SAME_IOU else None
            other = others[best] if best is not None else [*box[:4], UNSEEN]
            place = np.average([box[:4], other[:4]], 0, [box[4], other[4]])
            all_boxes.append([*map(float, place), float(sigmoid((logit(box[4]) + logit(other[4])) / 2))])
    if not all_boxes:
        return []
    boxes = np.array(all_boxes)
    return [all_boxes[i] for i in nms(boxes[:, :4], boxes[:, 4])]


def find(run, picture, floor=FLOOR):
    """One look, and a second where the first saw small faces."""
    found = detect(run, picture, floor=FLOOR)
    if wants_second_look(picture, found):
        found = merged(found, detect(run, picture, SECOND_SIDE, FLOOR))
    return [box for box in found if box[4] > floor]


def onnx_runner(path, threads=0):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["boxes", "scores"], {"image": x})


def checkpoint_runner(path):
    import torch

    import model

    network = model.load(path)

    @torch.no_grad()
    def run(x):
        logits, boxes = network(torch.from_numpy(x))
        return boxes.numpy(), logits.sigmoid().numpy()

    return run


def runner(path):
    return onnx_runner(path) if Path(path).suffix == ".onnx" else checkpoint_runner(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a checkpoint, or an .onnx file")
    parser.add_argument("rows", type=Path, help="JSON Lines: file (relative to this list)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, help="one look with this long side")
    args = parser.parse_args()
    run = runner(args.model)
    predictions = {}
    for line in args.rows.read_text().splitlines():
        name = json.loads(line)["file"]
        picture = read(args.rows.parent / name)
        predictions[name] = detect(run, picture, args.side) if args.side else find(run, picture)
    args.out.write_text(json.dumps(predictions))


if __name__ == "__main__":
    main()
