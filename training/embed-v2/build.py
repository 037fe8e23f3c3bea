#!/usr/bin/env python3
"""embed-v0 -> embed-v2: the same network, read at five depths, projected to a short vector, its weights kept small.

    python build.py ../embed-v0/embed-v0.onnx ../../../shared/data embed-v2.onnx

No weight is trained and no rating is read. What is fitted are statistics of unlabelled pictures: means, deviations and
principal directions of the pooled layers, over drawn faces and whole pictures, and how far those move when a picture is
mirrored, zoomed into, or cut and saved anew. In: image [N, 3, 224, 224] f32, RGB, 0-1. Out: feat [N, 256], probs [N, 5].
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from small import shrink
from views import SIDE, mirror, pool, zoom

# Layer, and what of it over the map's positions; all have the same share of the signal. Clip_275 is what embed-v0's feat
# averages.
LAYERS = (("Clip_275", "mean"), ("Clip_213", "mean"), ("Clip_166", "sd"), ("Clip_103", "mean"), ("Clip_62", "sd"))
# Part of a block's mean variance that is added to each dimension's, so that those that hardly vary do not explode.
FLOOR = 1.0
EPSILON = 1e-9
DIMS = 256
# How far below its mean the variance between two views of one picture must lie for a direction to count as undisturbed.
NUISANCE_FLOOR = 0.3
# Kept in eight bits: the largest layer. The rest in sixteen: in eight, the projection alone cost .003 of the features' cosine.
COARSE = ("w_270",)


class Graph:
    def __init__(self, model):
        self.model, self.nodes, self.count = model, [], 0

    def const(self, array, name=None):
        self.count += 1
        name = name or f"v2_const_{self.count}"
        self.model.graph.initializer.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def op(self, kind, *inputs, name=None, **attributes):
        self.count += 1
        name = name or f"v2_{kind}_{self.count}"
        inputs = [i if isinstance(i, str) else self.const(i) for i in inputs]
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name


def ints(*values):
    return np.array(values, np.int64)


def pooled(graph, layer, what, width):
    """Square roots of each channel's share, as for the Hellinger distance: rectified values are long-tailed."""
    mean = graph.op("ReduceMean", layer, axes=[2, 3], keepdims=1)
    if what == "sd":
        off = graph.op("Sub", layer, mean)
        variance = graph.op("ReduceMean", graph.op("Mul", off, off), axes=[2, 3], keepdims=0)
        value = graph.op("Sqrt", variance)
    else:
        value = graph.op("Reshape", mean, ints(-1, width))
    total = graph.op("ReduceSum", value, ints(1), keepdims=1)
    total = graph.op("Max", total, np.array(EPSILON, np.float32))
    return graph.op("Sqrt", graph.op("Div", value, total))


def scaled_down(graph, side):
    """The network reads the view at another side than the bot gives it."""
    scales = np.array([1, 1, side / SIDE, side / SIDE], np.float32)
    small = graph.op("Resize", "image", np.array([], np.float32), scales, mode="linear")
    for node in graph.model.graph.node:
        node.input[:] = [small if name == "image" else name for name in node.input]
    before, graph.nodes = graph.nodes, []
    return before


def build(path, projection=None, side=SIDE):
    """With `projection` (mean, matrix) the model itself, without one the pooled layers, to fit it on."""
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "AveragePool":
            # Of seven by seven, the whole map; so that a network of another side can be read, too.
            node.op_type = "GlobalAveragePool"
            del node.attribute[:]
    shapes = onnx.shape_inference.infer_shapes(model)
    widths = {v.name: v.type.tensor_type.shape.dim[1].dim_value for v in shapes.graph.value_info}
    graph = Graph(model)
    before = [] if side == SIDE else scaled_down(graph, side)
    feat = graph.op("Concat", *(pooled(graph, layer, what, widths[layer]) for layer, what in LAYERS), axis=1)
    width = sum(widths[layer] for layer, _ in LAYERS)
    if projection is not None:
        mean, matrix = projection
        feat = graph.op("MatMul", feat, graph.const(matrix.astype(np.float32), "projection"))
        feat = graph.op("Sub", feat, graph.const((mean @ matrix).astype(np.float32), "centre"))
        width = matrix.shape[1]
    kept = [node for node in model.graph.node if "feat" not in node.output]
    del model.graph.node[:], model.graph.output[:], model.graph.value_info[:]
    model.graph.node.extend([*before, *kept, *graph.nodes, helper.make_node("Identity", [feat], ["feat"])])
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in (("feat", width), ("probs", 5))
    )
    model.graph.name = "embed-v2"
    return model, [widths[layer] for layer, _ in LAYERS]


def fit(plain, disturbed, widths):
    """Standardises each block, gives all the same weight, finds the principal directions, and turns down those in which views of
    one picture differ. `disturbed` are pairs (views, the same pictures' other views)."""
    mean, variance = plain.mean(0), plain.var(0)
    factors, start = [], 0
    for width in widths:
        v = variance[start : start + width]
        scale = 1 / np.sqrt(v + FLOOR * v.mean())
        # A mean squared length of 1 over all blocks, the same part from each.
        factors.append(scale / np.sqrt(len(widths) * (v * scale**2).sum()))
        start += width
    factor = np.concatenate(factors)
    scaled = (plain - mean) * factor
    weights, directions = np.linalg.eigh(scaled.T @ scaled)
    matrix = directions[:, ::-1][:, :DIMS]
    print(f"{DIMS} directions keep {weights[::-1][:DIMS].sum() / weights.sum():.3f} of the variance")
    apart = np.zeros((DIMS, DIMS))
    for some, others in disturbed:
        moved = ((some - others) * factor) @ matrix / np.sqrt(2)
        apart += moved.T @ moved / len(moved)
    nuisance, axes = np.linalg.eigh(apart)
    print(f"views of one picture differ by {nuisance.sum():.3f} of a squared length of 1")
    matrix = matrix @ (axes / np.sqrt(nuisance + NUISANCE_FLOOR * nuisance.mean()))
    # Strongest first again, and a mean squared length of 1.
    turned = scaled @ matrix
    weights, directions = np.linalg.eigh(turned.T @ turned / len(turned))
    matrix = matrix @ directions[:, ::-1] / np.sqrt(weights.sum())
    # A direction's sign is arbitrary: the largest entry is made positive, so that it is the same on every machine.
    matrix *= np.sign(matrix[np.abs(matrix).argmax(0), np.arange(DIMS)])
    return mean, factor[:, None] * matrix


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def read(reader, data):
    """Pooled layers of each view of the pool: [as it is, mirrored, zoomed into] x views x values."""
    runner = session(reader)

    def layers(view):
        image = np.asarray(view, np.float32).transpose(2, 0, 1)[None] / 255
        return runner.run(["feat"], {"image": np.ascontiguousarray(image)})[0][0]

    return np.array([[layers(v) for v in (view, mirror(view), zoom(view))] for view in pool(data)]).transpose(1, 0, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--side", type=int, default=SIDE, help="that the network reads views at; it gets them at 224")
    parser.add_argument("--pooled", type=Path, help="keep the pool's pooled layers here, and read them when they are there")
    args = parser.parse_args()
    reader, widths = build(args.model, side=args.side)
    if args.pooled and args.pooled.exists():
        values = np.load(args.pooled)
    else:
        values = read(reader, args.data)
        if args.pooled:
            np.save(args.pooled, values)
    print(f"{values.shape[1]} views, {values.shape[2]} pooled values")
    plain, mirrored, zoomed = values.astype(np.float64)
    projection = fit(plain, [(plain, mirrored), (plain, zoomed)], widths)
    model = build(args.model, projection, args.side)[0]
    shrink(model, COARSE)
    onnx.checker.check_model(model)
    onnx.save(model, args.out)


if __name__ == "__main__":
    main()
