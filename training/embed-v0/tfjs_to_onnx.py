#!/usr/bin/env python3
"""A TensorFlow.js model of nsfwjs (MIT) -> ONNX, without TensorFlow.

    python tfjs_to_onnx.py OUT/mobilenet_v2_mid embed.onnx --side 224

The folder holds model.json and weights.bin, as dump_nsfwjs.js writes them. In: image [N, 3, S, S] f32 RGB, 0-1. Out:
probs [N, 5] (drawing, hentai, neutral, porn, sexy), feat [N, F], the input of the last dense layer.
"""

import argparse
import base64
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
ACTIVATIONS = {"relu": "Relu", "Relu": "Relu", "softmax": "Softmax", "linear": None}


def read_weights(manifest, raw):
    """Weights by name; quantised ones as floats."""
    weights, offset = {}, 0
    for group in manifest:
        for entry in group["weights"]:
            count = int(np.prod(entry["shape"])) if entry["shape"] else 1
            quantization = entry.get("quantization")
            dtype = np.dtype((quantization or entry)["dtype"])
            values = np.frombuffer(raw, dtype, count, offset)
            offset += count * dtype.itemsize
            if quantization and "scale" in quantization:
                values = values.astype(np.float32) * np.float32(quantization["scale"])
                values = values + np.float32(quantization["min"])
            weights[entry["name"]] = values.reshape(entry["shape"])
    assert offset == len(raw), f"{len(raw)} bytes of weights, {offset} of them used"
    return weights


def padding(kind):
    return {"auto_pad": "SAME_UPPER"} if kind.lower() == "same" else {"auto_pad": "VALID"}


class Graph:
    """ONNX nodes and constants, each with a name of its own."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def name(self, hint):
        self.count += 1
        return f"{hint}_{self.count}"

    def const(self, array, hint="c"):
        name = self.name(hint)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind, inputs, name=None, **attributes):
        name = name or self.name(kind)
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def activation(self, x, kind, cap=None):
        if cap:
            return self.op("Clip", [x, self.const(np.float32(0)), self.const(np.float32(cap))])
        match ACTIVATIONS[kind]:
            case None:
                return x
            case "Softmax":
                return self.op("Softmax", [x], axis=-1)
            case name:
                return self.op(name, [x])

    def conv(self, x, kernel, strides, pad, bias=None, dilations=(1, 1)):
        """`kernel` HWIO."""
        inputs = [x, self.const(kernel.transpose(3, 2, 0, 1), "w")]
        if bias is not None:
            inputs.append(self.const(bias, "b"))
        return self.op("Conv", inputs, strides=list(strides), dilations=list(dilations), **padding(pad))

    def depthwise(self, x, kernel, strides, pad, bias=None):
        """`kernel` HWC1."""
        channels = kernel.shape[2] * kernel.shape[3]
        inputs = [x, self.const(kernel.reshape(*kernel.shape[:2], channels).transpose(2, 0, 1)[:, None], "w")]
        if bias is not None:
            inputs.append(self.const(bias, "b"))
        return self.op("Conv", inputs, strides=list(strides), group=kernel.shape[2], **padding(pad))

    def pool(self, kind, x, size, strides, pad):
        return self.op(kind, [x], kernel_shape=size, strides=strides, **padding(pad))


def layers_model(graph, topology, weights):
    """Keras's format: one entry a layer. Names of probs and feat."""
    values, features, last = {}, None, None
    for layer in topology.get("model_config", topology)["config"]["layers"]:
        config, name, kind = layer["config"], layer["name"], layer["class_name"]
        inputs = [values[i[0]] for i in (layer["inbound_nodes"][0] if layer["inbound_nodes"] else [])]

        def weight(suffix, name=name):
            return weights.get(f"{name}/{suffix}")

        match kind:
            case "InputLayer":
                y = "image"
            case "Conv2D" | "DepthwiseConv2D":
                bias = weight("bias") if config.get("use_bias") else None
                if kind == "Conv2D":
                    shape = config["strides"], config["padding"], bias, config["dilation_rate"]
                    y = graph.conv(inputs[0], weight("kernel"), *shape)
                else:
                    shape = config["strides"], config["padding"], bias
                    y = graph.depthwise(inputs[0], weight("depthwise_kernel"), *shape)
                y = graph.activation(y, config["activation"])
            case "BatchNormalization":
                mean = weight("moving_mean")
                gamma = weight("gamma")
                gamma = np.ones_like(mean) if gamma is None else gamma
                parts = (gamma, weight("beta"), mean, weight("moving_variance"))
                constants = [graph.const(part.astype(np.float32)) for part in parts]
                y = graph.op("BatchNormalization", [inputs[0], *constants], epsilon=float(config["epsilon"]))
            case "ReLU":
                y = graph.activation(inputs[0], "relu", config.get("max_value"))
            case "Activation":
                y = graph.activation(inputs[0], config["activation"])
            case "Add":
                y = graph.op("Add", inputs)
            case "Concatenate":
                y = graph.op("Concat", inputs, axis=1)
            case "ZeroPadding2D":
                (top, bottom), (left, right) = config["padding"]
                pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
                y = graph.op("Pad", [inputs[0], graph.const(pads)])
            case "AveragePooling2D" | "MaxPooling2D":
                pool = "AveragePool" if kind.startswith("A") else "MaxPool"
                y = graph.pool(pool, inputs[0], list(config["pool_size"]), list(config["strides"]), config["padding"])
            case "Flatten":
                y = features = graph.op("Flatten", [graph.op("Transpose", inputs, perm=[0, 2, 3, 1])])
            case "Dense":
                y = graph.op("Gemm", [inputs[0], graph.const(weight("kernel")), graph.const(weight("bias"))])
                y = graph.activation(y, config["activation"])
            case "Dropout":
                y = inputs[0]
            case _:
                raise SystemExit(f"layers of kind {kind} are not known here")
        values[name] = last = y
    return last, features


def attribute(node, key, kind, default=None):
    return node.get("attr", {}).get(key, {}).get(kind, default)


def text(encoded):
    return base64.b64decode(encoded).decode()


def integers(node, key):
    return [int(v) for v in (attribute(node, key, "list", {}) or {}).get("i", [1, 1, 1, 1])][1:3]


def in_order(nodes):
    """Each node after all of its inputs; with the names of these."""
    todo, done = list(nodes), set()
    while todo:
        later = []
        for node in todo:
            inputs = [name.split(":")[0].lstrip("^") for name in node.get("input", [])]
            if all(name in done for name in inputs):
                done.add(node["name"])
                yield node, inputs
            else:
                later.append(node)
        assert len(later) < len(todo), f"a cycle at {later[0]['name']}"
        todo = later


def graph_model(graph, topology, weights):
    """TensorFlow's frozen graph. Names of probs and feat."""
    values, constants, features, last = {}, {}, None, None
    for node, inputs in in_order(topology["node"]):
        name, kind = node["name"], node["op"]
        pad = attribute(node, "padding", "s")
        pad = text(pad) if pad else "VALID"
        match kind:
            case "Const":
                constants[name] = weights[name]
                continue
            case "Placeholder":
                y = "image"
            case "_FusedConv2D" | "FusedDepthwiseConv2dNative" | "Conv2D" | "DepthwiseConv2dNative":
                convolve = graph.depthwise if "Depthwise" in kind else graph.conv
                bias = constants[inputs[2]] if len(inputs) > 2 else None
                y = convolve(values[inputs[0]], constants[inputs[1]], integers(node, "strides"), pad, bias)
                fused = [text(s) for s in (attribute(node, "fused_ops", "list", {}) or {}).get("s", [])]
                if "Relu6" in fused:
                    y = graph.activation(y, None, 6)
                elif "Relu" in fused:
                    y = graph.activation(y, "relu")
            case "Add" | "AddV2" | "Mul" | "Sub":

                def operand(name):
                    if name in values:
                        return values[name]
                    constant = constants[name]
                    return graph.const(constant.reshape(1, -1, 1, 1) if constant.ndim == 1 else constant)

                y = graph.op("Add" if kind == "AddV2" else kind, [operand(name) for name in inputs])
            case "AvgPool" | "MaxPool":
                pool = "AveragePool" if kind == "AvgPool" else kind
                y = graph.pool(pool, values[inputs[0]], integers(node, "ksize"), integers(node, "strides"), pad)
            case "Squeeze":
                y = features = graph.op("Flatten", [values[inputs[0]]])
            case "_FusedMatMul":
                factors = [graph.const(constants[name]) for name in inputs[1:3]]
                y = graph.op("Gemm", [values[inputs[0]], *factors])
            case "Softmax":
                y = graph.activation(values[inputs[0]], "softmax")
            case "Identity":
                y = values[inputs[0]]
            case _:
                raise SystemExit(f"operations of kind {kind} are not known here")
        values[name] = last = y
    return last, features


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out")
    parser.add_argument("--side", type=int, default=224)
    args = parser.parse_args()
    description = json.loads((args.folder / "model.json").read_text())
    weights = read_weights(description["weightsManifest"], (args.folder / "weights.bin").read_bytes())
    topology = description["modelTopology"]
    graph = Graph()
    convert = graph_model if "node" in topology else layers_model
    probabilities, features = convert(graph, topology, weights)
    graph.op("Identity", [probabilities], "probs")
    graph.op("Identity", [features], "feat")
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, args.side, args.side])
    outputs = [
        helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["n", 5]),
        helper.make_tensor_value_info("feat", TensorProto.FLOAT, ["n", "f"]),
    ]
    onnx_graph = helper.make_graph(graph.nodes, "nsfwjs", [image], outputs, graph.constants)
    model = helper.make_model(onnx_graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 9
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    onnx.save(model, args.out)
    print(f"{args.out}: {len(graph.nodes)} nodes")


if __name__ == "__main__":
    main()
