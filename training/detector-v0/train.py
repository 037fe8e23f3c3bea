"""Trains the detector; writes a checkpoint of its averaged weights.

    python train.py --rows train.jsonl negatives.jsonl --root ../../../shared/data/faces --out face.pt --minutes 40
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
from torch import nn

import data
from loss import loss
from model import Detector

SAVE_EVERY = 250
REPORT_EVERY = 50


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", required=True, help="JSON Lines: file, boxes, optional ignore")
    parser.add_argument("--root", type=Path, required=True, help="folder that the rows' file and --rows are relative to")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--init", type=Path, help="checkpoint to start from")
    parser.add_argument("--minutes", type=float, default=45, help="how long to train, unless --steps is given")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--size", type=int, default=320, help="input side; 32 less and 32 more are used, too")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--freeze", type=int, default=3, help="blocks of the backbone that stay as they are")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def training_mode(model):
    """Trains all but the backbone's batch norms: with batches this small their pretrained statistics are better."""
    model.train()
    for part in [model.stem, *model.blocks]:
        for module in part.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def parameter_groups(model, freeze):
    """Head and backbone parameters; the first blocks are frozen."""
    for part in [model.stem, *model.blocks[:freeze]]:
        for parameter in part.parameters():
            parameter.requires_grad_(False)
    backbone = [p for block in model.blocks[freeze:] for p in block.parameters()]
    known = {id(p) for p in backbone}
    head = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    return head, backbone


@torch.no_grad()
def average(ema, model, step):
    decay = min(0.998, (1 + step) / (10 + step))
    for kept, new in zip(ema.state_dict().values(), model.state_dict().values()):
        if kept.dtype.is_floating_point:
            kept.mul_(decay).add_(new, alpha=1 - decay)
        else:
            kept.copy_(new)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    rows = [json.loads(line) for name in args.rows for line in (args.root / name).read_text().splitlines()]
    positives = data.load([row for row in rows if row["boxes"]], args.root)
    negatives = data.load([row for row in rows if not row["boxes"]], args.root)
    print(f"{len(positives)} pictures with faces, {len(negatives)} without", flush=True)

    model = Detector()
    if args.init:
        model.load_state_dict(torch.load(args.init)["m"])
    ema = Detector(pretrained=False)
    ema.load_state_dict(model.state_dict())
    ema.requires_grad_(False)
    head, backbone = parameter_groups(model, args.freeze)
    groups = [{"params": head, "lr": args.lr}, {"params": backbone, "lr": args.lr * 0.2}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.02)
    base = [group["lr"] for group in optimizer.param_groups]
    model = model.to(memory_format=torch.channels_last)

    started, step, sums = time.time(), 0, [0.0, 0.0]
    while True:
        done = step / args.steps if args.steps else (time.time() - started) / (args.minutes * 60)
        if done >= 1:
            break
        # 100 steps of warm-up, then a cosine down to a fiftieth.
        factor = min(1, (step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * done)) * 0.98 + 0.02)
        for group, rate in zip(optimizer.param_groups, base):
            group["lr"] = rate * factor
        side = rng.choice((args.size - 32, args.size, args.size + 32))
        training_mode(model)
        # Towards the end mostly whole pictures, as they are at inference.
        mosaics = 0.6 if done < 0.85 else 0.2
        batch = [data.sample(positives, negatives, side, rng, mosaics) for _ in range(args.batch)]
        x = torch.stack([b[0] for b in batch]).to(memory_format=torch.channels_last)
        logits, boxes = model(x)
        classification, box = loss(logits, boxes, [b[1] for b in batch], [b[2] for b in batch], side, side)
        optimizer.zero_grad()
        (classification + 2 * box).backward()
        nn.utils.clip_grad_norm_(head + backbone, 10.0)
        optimizer.step()
        step += 1
        average(ema, model, step)
        sums = [sums[0] + classification.item(), sums[1] + box.item()]
        if step % REPORT_EVERY == 0:
            cls, box = (s / REPORT_EVERY for s in sums)
            rate = optimizer.param_groups[0]["lr"]
            print(f"step {step} t {time.time() - started:.0f}s cls {cls:.3f} box {box:.3f} lr {rate:.2e}", flush=True)
            sums = [0.0, 0.0]
        if step % SAVE_EVERY == 0:
            torch.save({"m": ema.state_dict(), "step": step}, args.out)
    torch.save({"m": ema.state_dict(), "step": step}, args.out)
    print("done after", step, "steps")


if __name__ == "__main__":
    main()
