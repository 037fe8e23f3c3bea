"""face-v0.onnx -> a checkpoint to go on from. The PyTorch weights were not kept, and the export folded the batch norms
into the convolutions; this unfolds them.

    python warm_start.py face-v0.onnx LISTS DATA face-v0.pt

Backbone: its batch norms never left ImageNet's statistics, so those and ImageNet's scales are put back. Neck and head:
the statistics are measured on training pictures, and scale and shift are chosen so that nothing changes.
"""

import argparse
import random
import re
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

import data
from model import Detector
from train import SHARES

PICTURES, SIDE, BATCH = 384, 320, 16


def folded(path):
    """Name of a convolution in PyTorch -> weight, bias."""
    graph = onnx.load(str(path)).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type == "Conv":
            # "/m/blocks.0/_project_conv/Conv"; parts inside a Sequential repeat the path: "/m/cls_t/cls_t.0/cls_t.0.3/Conv".
            parts = node.name.split("/")[2:-1]
            name = parts[-1] if parts[-1].startswith(parts[0]) else ".".join(parts)
            # The head runs three times; the first one has the plain name.
            if not re.search(r"_\d$", name):
                found[name] = values[node.input[1]], values[node.input[2]]
    scales = [float(values[name]) for name in sorted(n for n in values if n.startswith("onnx::Mul_"))]
    return found, torch.tensor(scales)


def norm_after(name):
    """The batch norm that follows a convolution."""
    if name.startswith("blocks"):
        block, conv = name.rsplit(".", 1)
        return f"{block}._bn{('_expand_conv', '_depthwise_conv', '_project_conv').index(conv)}"
    *path, last = name.split(".")
    return ".".join([*path, str(int(last) + 1)])


def unfold(conv, norm, weight, bias):
    """Keeps the norm's scale and statistics and solves for the weight and the shift."""
    spread = (norm.running_var + norm.eps).sqrt()
    gain = norm.weight / spread
    # A channel that ImageNet's scale all but switches off cannot be unfolded by it.
    weak = gain.abs() < 1e-3
    norm.weight[weak], gain[weak] = spread[weak], 1.0
    conv.weight.copy_(weight / gain[:, None, None, None])
    norm.bias.copy_(bias + norm.running_mean * gain)


def identity(conv, norm, weight, bias):
    conv.weight.copy_(weight)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def statistics(model, norms, batches):
    """Mean and variance of what enters each norm, and how often."""
    sums = {norm: [0.0, 0.0, 0] for norm in norms}

    def count(norm, inputs):
        x = inputs[0].double()
        total = sums[norm]
        total[0] += x.sum((0, 2, 3))
        total[1] += (x**2).sum((0, 2, 3))
        total[2] += x.numel() // x.shape[1]

    hooks = [norm.register_forward_pre_hook(count) for norm in norms]
    for batch in batches:
        model(batch)
    for hook in hooks:
        hook.remove()
    return {norm: ((s / n).float(), (q / n - (s / n) ** 2).clamp(min=1e-8).float()) for norm, (s, q, n) in sums.items()}


def settle(conv, norm, mean, variance):
    """Gives the norm the measured statistics, and the weights the size of a fresh network's: the output stays."""
    fan_in = conv.weight[0].numel()
    size = conv.weight.pow(2).mean((1, 2, 3)).sqrt().clamp(min=1e-6)
    k = (1 / (3 * fan_in)) ** 0.5 / size
    conv.weight.mul_(k[:, None, None, None])
    norm.running_mean.copy_(mean * k)
    norm.running_var.copy_(variance * k**2)
    # Was y = x + bias.
    norm.weight.copy_((norm.running_var + norm.eps).sqrt() / k)
    norm.bias.add_(mean)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onnx", type=Path)
    parser.add_argument("lists", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    torch.manual_seed(0)
    rng = random.Random(0)
    model = Detector().eval()
    modules = dict(model.named_modules())
    convs, scales = folded(args.onnx)
    head = []
    for name, (weight, bias) in convs.items():
        conv = modules[name]
        assert conv.weight.shape == weight.shape, name
        if name in ("cls", "box"):
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)
            continue
        norm = modules[norm_after(name)]
        assert isinstance(norm, nn.BatchNorm2d), name
        if name.startswith(("stem", "blocks")):
            unfold(conv, norm, weight, bias)
        else:
            identity(conv, norm, weight, bias)
            head.append((conv, norm))
    assert len(convs) == sum(isinstance(m, nn.Conv2d) for m in model.modules())
    model.scale.copy_(scales)

    probe = torch.randn(1, 3, SIDE, SIDE)
    before = model(probe)
    pools = data.pools(args.lists, args.data, dict(zip(data.LISTS, SHARES)), limit=PICTURES)
    batches = [
        torch.stack([data.sample(pools, SIDE, rng)[0] for _ in range(BATCH)]) for _ in range(PICTURES // BATCH)
    ]
    measured = statistics(model, [norm for _, norm in head], batches)
    for conv, norm in head:
        settle(conv, norm, *measured[norm])
    after = model(probe)
    apart = [float((a - b).abs().max()) for a, b in zip(before, after)]
    print(f"unfolding changed logits by up to {apart[0]:.1e}, boxes by {apart[1]:.1e} px")
    torch.save({"m": model.state_dict(), "step": 0}, args.out)


if __name__ == "__main__":
    main()
