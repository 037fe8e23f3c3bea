"""Trains the detector on the lists of prepare.py; writes a checkpoint of its averaged weights and all that going on needs.

    python train.py LISTS DATA face.pt --init face-v0.pt --steps 700
    python mine.py face.pt LISTS DATA
    python train.py LISTS DATA face.pt --resume --steps 1500 --cool 700 --shares 0.45 0.05 0.25 0.25

Repeatable with one thread: a step's pictures depend on the seed and the step alone, also after --resume.
"""

import argparse
import os
import random
import time
from pathlib import Path

import torch
from torch import nn

import data
from loss import loss
from model import Detector

SAVE_EVERY = 50
REPORT_EVERY = 25
WARM_UP = 100
# Input sides and how many inputs a step has, so that steps take about as long.
BATCHES = ((320, 16), (384, 11), (448, 8), (448, 8), (576, 5))
FROZEN_BLOCKS = 3
SHARES = (0.42, 0.08, 0.30, 0.20, 0.0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, help="checkpoint to write")
    parser.add_argument("--init", type=Path, help="checkpoint whose averaged weights to start from")
    parser.add_argument("--resume", action="store_true", help="go on from `out`")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--cool", type=int, default=0, help="last steps, over which the learning rate falls to nothing")
    parser.add_argument("--shares", type=float, nargs=len(data.LISTS), default=SHARES, help=f"of {', '.join(data.LISTS)}")
    parser.add_argument("--lr", type=float, default=8e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class Batches(torch.utils.data.Dataset):
    """Step -> its inputs. A process of its own makes them while the network is busy."""

    def __init__(self, pools, args):
        self.pools, self.args = pools, args

    def __len__(self):
        return self.args.steps

    def __getitem__(self, step):
        rng = random.Random(f"{self.args.seed} {step}")
        side, count = rng.choice(BATCHES)
        # Towards the end mostly whole pictures, as they are at inference.
        mosaics = 0.5 if step < self.args.steps - self.args.cool else 0.3
        samples = [data.sample(self.pools, side, rng, mosaics) for _ in range(count)]
        return torch.stack([s[0] for s in samples]), [s[1] for s in samples], [s[2] for s in samples]


def training_mode(model):
    """Batch norms keep their statistics: batches are small, and the shared head would mix three levels in them."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def parameter_groups(model, lr):
    """Head and backbone parameters; the first blocks are frozen."""
    for part in [model.stem, *model.blocks[:FROZEN_BLOCKS]]:
        for parameter in part.parameters():
            parameter.requires_grad_(False)
    backbone = [p for block in model.blocks[FROZEN_BLOCKS:] for p in block.parameters()]
    known = {id(p) for p in backbone}
    head = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    return [{"params": head, "base": lr}, {"params": backbone, "base": lr * 0.25}]


@torch.no_grad()
def average(ema, model, step):
    decay = min(0.998, (1 + step) / (10 + step))
    for kept, new in zip(ema.state_dict().values(), model.state_dict().values()):
        if kept.dtype.is_floating_point:
            kept.mul_(decay).add_(new, alpha=1 - decay)
        else:
            kept.copy_(new)


def save(path, model, ema, optimizer, step):
    state = {"m": ema.state_dict(), "model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    pools = data.pools(args.lists, args.data, dict(zip(data.LISTS, args.shares)))
    print({name: len(items) for name, items in pools.items.items()}, flush=True)

    model = Detector()
    if args.init:
        model.load_state_dict(torch.load(args.init)["m"])
    ema = Detector(pretrained=False).requires_grad_(False)
    ema.load_state_dict(model.state_dict())
    groups = parameter_groups(model, args.lr)
    optimizer = torch.optim.AdamW(groups, weight_decay=0.02)
    step = 0
    if args.resume:
        state = torch.load(args.out)
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["m"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    model = model.to(memory_format=torch.channels_last)
    training_mode(model)

    loader = torch.utils.data.DataLoader(
        Batches(pools, args), batch_size=None, num_workers=1, sampler=range(step, args.steps), prefetch_factor=3
    )
    started, sums = time.time(), [0.0, 0.0]
    for x, faces, ignored in loader:
        factor = min(1, (step + 1) / WARM_UP, max(0.01, (args.steps - step) / max(args.cool, 1)))
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * factor
        side = x.shape[-1]
        logits, boxes = model(x.to(memory_format=torch.channels_last))
        classification, box = loss(logits, boxes, faces, ignored, side, side)
        optimizer.zero_grad()
        (classification + 2 * box).backward()
        nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 10.0)
        optimizer.step()
        step += 1
        average(ema, model, step)
        sums = [sums[0] + classification.item(), sums[1] + box.item()]
        if step % REPORT_EVERY == 0:
            cls, box = (s / REPORT_EVERY for s in sums)
            print(f"step {step} t {time.time() - started:.0f}s cls {cls:.3f} box {box:.3f} lr x{factor:.2f}", flush=True)
            sums = [0.0, 0.0]
        if step % SAVE_EVERY == 0:
            save(args.out, model, ema, optimizer, step)
    save(args.out, model, ema, optimizer, step)
    print("done after", step, "steps")


if __name__ == "__main__":
    main()
