"""embed-v0.onnx as a PyTorch network that can be trained on: MobileNet v2, 1.4 times as wide, batch norms folded in."""

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F


class Conv(nn.Module):
    """As TensorFlow pads: what is missing, the larger half after."""

    def __init__(self, weight, bias, stride, groups):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.stride, self.groups = stride, groups

    def forward(self, x):
        kernel = self.weight.shape[2]
        if kernel == 1:
            return F.conv2d(x, self.weight, self.bias)
        pads = []
        for side in (x.shape[3], x.shape[2]):
            missing = max(0, (-(-side // self.stride) - 1) * self.stride + kernel - side)
            pads += [missing // 2, missing - missing // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


class Network(nn.Module):
    """image [N, 3, S, S], RGB, 0-1 -> the maps of `taps` by name, and the five kinds' logits. Nothing is learnt up to and
    with the layer `frozen`."""

    def __init__(self, path, taps, frozen=None):
        super().__init__()
        graph = onnx.load(path).graph
        values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
        self.taps, self.steps, self.convs, self.frozen = taps, [], nn.ModuleDict(), frozen
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            name, inputs = node.output[0], list(node.input)
            if node.op_type == "Conv":
                weight, bias = values[inputs[1]], values[inputs[2]]
                self.convs[name] = Conv(weight, bias, attributes["strides"][0], attributes.get("group", 1))
            if node.op_type in ("Conv", "Clip", "Add"):
                self.steps.append((node.op_type, name, [i for i in inputs if i not in values]))
            if node.op_type == "Gemm":
                assert not attributes.get("transB"), "the head is [channels, kinds]"
                self.head = nn.Linear(*values[inputs[1]].shape)
                self.head.weight.data, self.head.bias.data = values[inputs[1]].T.contiguous(), values[inputs[2]]

        before = [name for _, name, _ in self.steps]
        before = before[: before.index(frozen) + 1] if frozen else []
        for name in before:
            if name in self.convs:
                self.convs[name].requires_grad_(False)

    def forward(self, image):
        # What it reads is -1 to 1.
        found = {None: image * 2 - 1}
        last = None
        for kind, name, inputs in self.steps:
            a = found[inputs[0] if inputs[0] in found else None]
            if kind == "Conv":
                value = self.convs[name](a)
            elif kind == "Clip":
                value = a.clamp(0, 6)
            else:
                value = a + found[inputs[1]]
            found[name] = last = value
        return {tap: found[tap] for tap in self.taps}, self.head(last.mean((2, 3)))
