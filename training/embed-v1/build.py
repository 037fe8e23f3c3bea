#!/usr/bin/env python3
"""embed-v0 -> embed-v1: the same network, read at four depths in two views, projected to a short vector.

    python build.py ../../models/embed-v0.onnx ../../../shared/data embed-v1.onnx

No weight is trained and no rating is read. What is fitted are statistics of unlabelled pictures: means, deviations and
principal directions of the pooled layers, over drawn faces and whole pictures. In: image [N, 3, 224, 224] f32, RGB, 0-1.
Out: feat [N, 256], probs [N, 5], the latter as embed-v0 gives it, from the image as it is.
"""

import argparse
import io
import json
import random
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 224
# The second view: mirrored, and without a margin of a tenth.
MARGIN = 22
# Layer, what of it over the map's positions, and its share of the signal. Clip_275 is what embed-v0's feat averages.
LAYERS = (("Clip_275", "mean", 1 / 2), ("Clip_213", "mean", 1 / 6), ("Clip_103", "mean", 1 / 6), ("Clip_166", "sd", 1 / 6))
# Part of a block's mean variance that is added to each dimension's, so that those that hardly vary do not explode.
FLOOR = 1.0
EPSILON = 1e-9
DIMS = 256
# How far below its mean the variance between two crops of one face must lie for a direction to count as undisturbed.
NUISANCE_FLOOR = 4.0
CHARACTERS_EACH, PICTURES = 7, 1300


class Graph:
    def __init__(self, model):
        self.model, self.nodes, self.count = model, [], 0

    def const(self, array):
        self.count += 1
        name = f"v1_const_{self.count}"
        self.model.graph.initializer.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def op(self, kind, *inputs, name=None, **attributes):
        self.count += 1
        name = name or f"v1_{kind}_{self.count}"
        inputs = [i if isinstance(i, str) else self.const(i) for i in inputs]
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name


def ints(*values):
    return np.array(values, np.int64)


def with_views(model):
    """The body reads the image and its second view as one batch; outputs stay [2N, ...] for `average` to fold."""
    graph = Graph(model)
    end, start = SIDE - MARGIN, MARGIN
    # A negative step mirrors: from the last column kept down to the first.
    part = graph.op("Slice", "image", ints(start, end - 1), ints(end, start - 1), ints(2, 3), ints(1, -1))
    scale = SIDE / (end - start)
    view = graph.op(
        "Resize", part, np.array([], np.float32), np.array([1, 1, scale, scale], np.float32),
        mode="linear", coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    both = graph.op("Concat", "image", view, axis=0)
    for node in model.graph.node:
        node.input[:] = [both if name == "image" else name for name in node.input]
    before, graph.nodes = graph.nodes, []
    return graph, before


def average(graph, tensor, width):
    """Mean over both views."""
    return graph.op("ReduceMean", graph.op("Reshape", tensor, ints(2, -1, width)), axes=[0], keepdims=0)


def pooled(graph, layer, what, width):
    """Square roots of each channel's share, as for the Hellinger distance: rectified values are long-tailed."""
    mean = graph.op("ReduceMean", layer, axes=[2, 3], keepdims=1)
    if what == "sd":
        off = graph.op("Sub", layer, mean)
        variance = graph.op("ReduceMean", graph.op("Mul", off, off), axes=[2, 3], keepdims=0)
        value = graph.op("Sqrt", variance)
    else:
        value = graph.op("Reshape", mean, ints(-1, width))
    value = average(graph, value, width)
    total = graph.op("ReduceSum", value, ints(1), keepdims=1)
    total = graph.op("Max", total, np.array(EPSILON, np.float32))
    return graph.op("Sqrt", graph.op("Div", value, total))


def build(path, projection=None):
    """With `projection` (mean, matrix) the model itself, without one the pooled layers, to fit it on."""
    model = onnx.load(path)
    shapes = onnx.shape_inference.infer_shapes(model)
    widths = {v.name: v.type.tensor_type.shape.dim[1].dim_value for v in shapes.graph.value_info}
    graph, before = with_views(model)
    blocks = [pooled(graph, layer, what, widths[layer]) for layer, what, _ in LAYERS]
    feat = graph.op("Concat", *blocks, axis=1, name="pooled")
    width = sum(widths[layer] for layer, _, _ in LAYERS)
    if projection is not None:
        mean, matrix = projection
        feat = graph.op("MatMul", graph.op("Sub", feat, mean.astype(np.float32)), matrix.astype(np.float32))
        width = matrix.shape[1]
    final = {"feat": feat, "probs": None}
    # The old outputs' names are taken over by the new.
    kept = []
    for node in model.graph.node:
        if "feat" in node.output:
            continue
        node.output[:] = ["v0_probs" if name == "probs" else name for name in node.output]
        kept.append(node)
    as_is = graph.op("Reshape", "v0_probs", ints(2, -1, 5))
    final["probs"] = graph.op("Gather", as_is, np.array(0, np.int64), axis=0)
    tail = [helper.make_node("Identity", [inner], [outer]) for outer, inner in final.items()]
    del model.graph.node[:], model.graph.output[:], model.graph.value_info[:]
    model.graph.node.extend(before + kept + graph.nodes + tail)
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in (("feat", width), ("probs", 5))
    )
    model.graph.name = "embed-v1"
    onnx.checker.check_model(model)
    return model, [widths[layer] for layer, _, _ in LAYERS]


def crop_face(picture, box, jitter=None):
    """As the bot cuts it: the larger side times 1.75, the centre raised by 0.12 of the height. With `jitter` as another
    detector, another size and another JPEG might have given it."""
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1) * 1.75 / 2
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2 - 0.12 * (y2 - y1)
    if jitter:
        half *= jitter.uniform(0.85, 1.15)
        cx, cy = cx + jitter.uniform(-0.08, 0.08) * (x2 - x1), cy + jitter.uniform(-0.08, 0.08) * (y2 - y1)
    square = tuple(round(v) for v in (cx - half, cy - half, cx + half, cy + half))
    crop = picture.crop(square)
    if jitter:
        side = max(32, round(crop.width * jitter.uniform(0.6, 1.0)))
        crop = crop.resize((side, side), Image.BILINEAR)
        file = io.BytesIO()
        crop.save(file, "JPEG", quality=jitter.randint(50, 90))
        crop = Image.open(file).convert("RGB")
        crop = crop.transpose(Image.FLIP_LEFT_RIGHT) if jitter.random() < 0.5 else crop
    return crop.resize((SIDE, SIDE), Image.BILINEAR)


def pool(data):
    """Unlabelled views: faces by character; faces of illustrations and the whole illustrations, in turn; those faces again,
    jittered. Pictures that were rated are left out."""
    rng = random.Random(1)
    ratings = (data / "ratings/rater_a.jsonl").read_text().splitlines()
    rated = {Path(json.loads(line)["picture"]).name for line in ratings}
    characters = {}
    for line in (data / "characters/index.jsonl").read_text().splitlines():
        row = json.loads(line)
        characters.setdefault(row["character"], []).append(row["file"])
    for files in characters.values():
        for file in rng.sample(files, min(len(files), CHARACTERS_EACH)):
            yield Image.open(data / "characters" / file).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
    rows = [json.loads(line) for line in (data / "faces/anime.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["proposals"] and Path(row["file"]).name not in rated]
    rows = rng.sample(rows, PICTURES)
    for row in rows:
        picture = Image.open(data / "faces" / row["file"]).convert("RGB")
        yield crop_face(picture, row["proposals"][0])
        yield picture.resize((SIDE, SIDE), Image.BILINEAR)
    for row in rows:
        yield crop_face(Image.open(data / "faces" / row["file"]).convert("RGB"), row["proposals"][0], jitter=rng)


def fit(values, again, widths, shares):
    """Standardises each block, weighs it by its share, finds the principal directions, and turns down those in which two
    crops of one face differ. `again` are the pool's last faces once more, jittered."""
    mean, variance = values.mean(0), values.var(0)
    factors, start = [], 0
    for width, share in zip(widths, shares, strict=True):
        v = variance[start : start + width]
        scale = 1 / np.sqrt(v + FLOOR * v.mean())
        # Mean squared length of a block is its share.
        factors.append(scale * np.sqrt(share / (v * scale**2).sum()))
        start += width
    factor = np.concatenate(factors)
    scaled = (values - mean) * factor
    weights, directions = np.linalg.eigh(scaled.T @ scaled)
    matrix = directions[:, ::-1][:, :DIMS]
    print(f"{DIMS} directions keep {weights[::-1][:DIMS].sum() / weights.sum():.3f} of the variance")
    faces = scaled[len(scaled) - 2 * len(again) :: 2]
    apart = (faces - (again - mean) * factor) @ matrix / np.sqrt(2)
    nuisance, axes = np.linalg.eigh(apart.T @ apart / len(apart))
    print(f"two crops of one face differ by {nuisance.sum():.3f} of a squared length of 1")
    matrix = matrix @ (axes / np.sqrt(nuisance + NUISANCE_FLOOR * nuisance.mean()))
    # Strongest first again, and a mean squared length of 1.
    turned = scaled @ matrix
    weights, directions = np.linalg.eigh(turned.T @ turned / len(turned))
    matrix = matrix @ directions[:, ::-1] / np.sqrt(weights.sum())
    # A direction's sign is arbitrary: the largest entry is made positive, so that it is the same on every machine.
    matrix *= np.sign(matrix[np.abs(matrix).argmax(0), np.arange(DIMS)])
    return mean, factor[:, None] * matrix


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pooled", type=Path, help="keep the pool's pooled layers here, and read them when they are there")
    args = parser.parse_args()
    reader, widths = build(args.model)
    if args.pooled and args.pooled.exists():
        values = np.load(args.pooled)
    else:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(reader.SerializeToString(), options, providers=["CPUExecutionProvider"])
        values = []
        for view in pool(args.data):
            image = np.asarray(view, np.float32).transpose(2, 0, 1)[None] / 255
            values.append(session.run(["feat"], {"image": image})[0][0])
        values = np.array(values)
        if args.pooled:
            np.save(args.pooled, values)
    print(f"{len(values)} views, {values.shape[1]} pooled values")
    values = values.astype(np.float64)
    projection = fit(values[:-PICTURES], values[-PICTURES:], widths, [share for _, _, share in LAYERS])
    onnx.save(build(args.model, projection)[0], args.out)


if __name__ == "__main__":
    main()
