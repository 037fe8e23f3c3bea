#!/usr/bin/env python3
"""An embedding of our own: the same network at a smaller side, trained to say of one view what embed-v0 says of four.

    python student.py ../embed-v0/embed-v0.onnx ../../../shared/data student.onnx --side 160 --minutes 60
    python build.py student.onnx ../../../shared/data own.onnx --side 160

Targets are the pooled layers of embed-v0 at 224 pixels, averaged over a view as it is, mirrored and zoomed into, projected as
embed-v2 projects them, and its five kinds; the student sees each view shifted, scaled, mirrored and through a poor JPEG, its
colours as they are. Besides, two pictures of one character are drawn together and those of others pushed apart; every eighth
character is kept aside, to see whether that carries over. Layers up to the fourteen-by-fourteen maps stand still: they see lines
and colours, and cost the most.
"""

import argparse
import io
import itertools
import json
import random
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from build import LAYERS, build, fit, read
from network import Network
from onnx import numpy_helper
from PIL import Image
from torch.nn import functional as F
from views import SIDE, characters, mirror, pool

BATCH = 16
RATE, WARM = 3e-4, 20
KINDS, CHARACTERS, TEMPERATURE = 0.2, 0.1, 0.2
ASIDE = 8
# The last layer that is not trained on.
FROZEN = "Clip_103"


def disturb(view, side, rng):
    """As another detector, another size and another JPEG might have given it."""
    width = SIDE * rng.uniform(0.8, 1.0)
    left, top = rng.uniform(0, SIDE - width), rng.uniform(0, SIDE - width)
    view = view.resize((side, side), rng.choice((Image.BILINEAR, Image.BICUBIC)), box=(left, top, left + width, top + width))
    if rng.random() < 0.5:
        file = io.BytesIO()
        view.save(file, "JPEG", quality=rng.randint(50, 95))
        view = Image.open(file)
    return mirror(view) if rng.random() < 0.5 else view


def tensor(views):
    return torch.from_numpy(np.stack([np.asarray(v, np.float32) for v in views]).transpose(0, 3, 1, 2).copy() / 255)


def pooled(maps):
    """As `build.pooled`, in PyTorch."""
    blocks = []
    for layer, what in LAYERS:
        value = maps[layer].var((2, 3), correction=0).clamp(min=1e-9).sqrt() if what == "sd" else maps[layer].mean((2, 3))
        blocks.append((value / value.sum(1, keepdim=True).clamp(min=1e-9) + 1e-9).sqrt())
    return torch.cat(blocks, 1)


def kinds(path, views):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.array([session.run(["probs"], {"image": tensor([view]).numpy()})[0][0] for view in views])


def contrast(vectors, who):
    """Supervised contrastive loss; a character that is alone in its batch only pushes."""
    vectors = F.normalize(vectors, dim=1)
    alike = vectors @ vectors.T / TEMPERATURE
    self_ = torch.eye(len(who), dtype=torch.bool)
    same = (who[:, None] == who) & ~self_
    log = alike - alike.masked_fill(self_, -1e9).logsumexp(1, keepdim=True)
    some = same.any(1)
    return -((log * same).sum(1)[some] / same.sum(1)[some]).mean()


def found_again(vectors, who):
    """Of how many pictures the nearest other one shows the same character."""
    vectors = F.normalize(vectors, dim=1)
    alike = vectors @ vectors.T - 2 * torch.eye(len(who))
    return (who[alike.argmax(1)] == who).float().mean().item()


class Batches:
    """Half of each batch are characters in pairs, half are other faces and pictures."""

    def __init__(self, who, rng):
        self.rng, self.by = rng, {}
        for number, name in enumerate(who):
            if name >= 0 and name % ASIDE:
                self.by.setdefault(int(name), []).append(number)
        self.by = {name: numbers for name, numbers in self.by.items() if len(numbers) > 1}
        self.others = [n for n, name in enumerate(who) if name < 0]

    def draw(self):
        pairs = [self.rng.sample(self.by[name], 2) for name in self.rng.sample(sorted(self.by), BATCH // 4)]
        return list(itertools.chain(*pairs)) + self.rng.sample(self.others, BATCH // 2)


def train(network, views, who, targets, probabilities, projection, args):
    mean, matrix = (torch.from_numpy(p).float() for p in projection)
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], RATE, weight_decay=0.0)
    rng = random.Random(1)
    batches, started, step = Batches(who, rng), time.process_time(), 0
    limit = args.minutes * 60
    while (spent := time.process_time() - started) < limit:
        # The rate rises, and falls to nothing when the time is over.
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARM) * min(1.0, 1.5 * (1 - spent / limit))
        which = batches.draw()
        maps, logits = network(tensor([disturb(views[n], args.side, rng) for n in which]))
        vectors = (pooled(maps) - mean) @ matrix
        apart = ((vectors - targets[which]) ** 2).sum(1).mean()
        unsure = F.kl_div(F.log_softmax(logits, 1), probabilities[which], reduction="batchmean")
        near = contrast(vectors, torch.tensor([who[n] if who[n] >= 0 else -1 - n for n in which]))
        loss = apart + KINDS * unsure + CHARACTERS * near
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 10 == 0:
            print(f"step {step} {spent:.0f} s: apart {apart:.4f} kinds {unsure:.4f} characters {near:.3f}", flush=True)
        if step % 100 == 0:
            write(network, args.model, args.out)


@torch.no_grad()
def judge(network, views, who, projection, side):
    aside = [n for n, name in enumerate(who) if name >= 0 and name % ASIDE == 0]
    mean, matrix = (torch.from_numpy(p).float() for p in projection)
    small = [views[n].resize((side, side), Image.BILINEAR) for n in aside]
    vectors = torch.cat([(pooled(network(tensor([v]))[0]) - mean) @ matrix for v in small])
    return found_again(vectors, torch.tensor([who[n] for n in aside]))


def write(network, path, out):
    model = onnx.load(path)
    values = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            conv = network.convs[node.output[0]]
            values |= {node.input[1]: conv.weight.detach().numpy(), node.input[2]: conv.bias.detach().numpy()}
    gemm = next(node for node in model.graph.node if node.op_type == "Gemm")
    values[gemm.input[1]], values[gemm.input[2]] = network.head.weight.detach().numpy().T, network.head.bias.detach().numpy()
    for tensor_ in model.graph.initializer:
        if tensor_.name in values:
            tensor_.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[tensor_.name]), tensor_.name))
    onnx.save(model, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--minutes", type=float, default=60, help="of processor time")
    parser.add_argument("--pooled", type=Path, help="as of build.py: the teacher's pooled layers, kept")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    reader, widths = build(args.model)
    if args.pooled and args.pooled.exists():
        values = np.load(args.pooled)
    else:
        values = read(reader, args.data)
    views = list(pool(args.data))
    names = characters(args.data)
    order = {name: i for i, name in enumerate(sorted(set(names)))}
    who = np.array([order[name] for name in names] + [-1] * (len(views) - len(names)))
    values = values.astype(np.float64)
    mean, matrix = fit(values[0], [(values[0], other) for other in values[1:]], widths)
    targets = torch.from_numpy((np.mean([(v - mean) @ matrix for v in values], 0))).float()
    probabilities = torch.from_numpy(kinds(args.model, views))
    network = Network(args.model, [layer for layer, _ in LAYERS], FROZEN)
    print(f"characters aside found again before: {judge(network, views, who, (mean, matrix), args.side):.3f}", flush=True)
    train(network, views, who, targets, probabilities, (mean, matrix), args)
    print(f"characters aside found again after: {judge(network, views, who, (mean, matrix), args.side):.3f}", flush=True)
    write(network, args.model, args.out)


if __name__ == "__main__":
    main()
