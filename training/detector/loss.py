"""Task-aligned assignment, quality focal loss, complete IoU."""

import torch
import torch.nn.functional as F

from model import STRIDES


def points(h, w, strides=STRIDES):
    """Centres [A, 2] and strides [A] of the head's points, in the order of the network's outputs."""
    centres, sizes = [], []
    for s in strides:
        rows, columns = h // s, w // s
        y, x = torch.meshgrid((torch.arange(rows) + 0.5) * s, (torch.arange(columns) + 0.5) * s, indexing="ij")
        centres.append(torch.stack([x, y], -1).reshape(-1, 2))
        sizes.append(torch.full((rows * columns,), float(s)))
    return torch.cat(centres), torch.cat(sizes)


def area(b):
    return (b[..., 2] - b[..., 0]).clamp(min=0) * (b[..., 3] - b[..., 1]).clamp(min=0)


def iou(a, b, eps=1e-7):
    top_left = torch.maximum(a[..., :2], b[..., :2])
    bottom_right = torch.minimum(a[..., 2:], b[..., 2:])
    wh = (bottom_right - top_left).clamp(min=0)
    inter = wh[..., 0] * wh[..., 1]
    return inter / (area(a) + area(b) - inter + eps)


def complete_iou(a, b, eps=1e-7):
    overlap = iou(a, b)
    top_left = torch.minimum(a[..., :2], b[..., :2])
    bottom_right = torch.maximum(a[..., 2:], b[..., 2:])
    diagonal = ((bottom_right - top_left) ** 2).sum(-1) + eps
    centre_a, centre_b = (a[..., :2] + a[..., 2:]) / 2, (b[..., :2] + b[..., 2:]) / 2
    distance = ((centre_a - centre_b) ** 2).sum(-1)
    wa, ha = a[..., 2] - a[..., 0], a[..., 3] - a[..., 1]
    wb, hb = b[..., 2] - b[..., 0], b[..., 3] - b[..., 1]
    shape = (4 / torch.pi**2) * (torch.atan(wb / (hb + eps)) - torch.atan(wa / (ha + eps))) ** 2
    with torch.no_grad():
        alpha = shape / (1 - overlap + shape + eps)
    return overlap - distance / diagonal - alpha * shape


def inside(centres, boxes):
    """[A, G]: which points lie in which boxes."""
    return ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(-1)


@torch.no_grad()
def assign(scores, boxes, centres, strides, faces, ignored, topk=9, alpha=0.5, beta=4.0):
    """One picture: scores [A], boxes [A, 4], faces [G, 4], ignored [I, 4] -> target score [A], index of the face [A]
    (-1: background), mask [A] of the points that do not count."""
    count = scores.numel()
    target = torch.zeros(count)
    index = torch.full((count,), -1, dtype=torch.long)
    skip = torch.zeros(count, dtype=torch.bool)
    if len(ignored):
        skip = inside(centres, ignored).any(1)
    if not len(faces):
        return target, index, skip
    middle = (faces[:, :2] + faces[:, 2:]) / 2
    # Small faces always get points, though none may lie in them.
    near = (centres[:, None] - middle[None]).abs().amax(-1) < 1.5 * strides[:, None]
    allowed = inside(centres, faces) | near
    overlap = iou(boxes[:, None], faces[None])
    alignment = (scores[:, None] ** alpha * overlap**beta) * allowed
    alignment = alignment + allowed * 1e-9
    values, rows = alignment.topk(min(topk, count), 0)
    chosen = torch.zeros_like(allowed)
    chosen.scatter_(0, rows, values > 0)
    chosen &= allowed
    contested = chosen.sum(1) > 1
    if contested.any():
        best = (overlap * allowed)[contested].argmax(1)
        only = torch.zeros_like(chosen[contested])
        only[torch.arange(len(best)), best] = True
        chosen[contested] = only
    foreground = chosen.any(1)
    index[foreground] = chosen[foreground].float().argmax(1)
    aligned = alignment * chosen
    best_alignment = aligned.amax(0).clamp(min=1e-9)
    best_overlap = (overlap * chosen).amax(0)
    scaled = (aligned / best_alignment * best_overlap)[foreground, :].amax(1)
    target[foreground] = scaled
    return target, index, skip & ~foreground


def loss(logits, boxes, faces, ignored, h, w):
    """A batch of inputs of h × w pixels -> classification loss, box loss."""
    centres, strides = points(h, w)
    scores, fixed = logits.detach().sigmoid(), boxes.detach()
    assigned = [
        assign(scores[n], fixed[n], centres, strides, faces[n], ignored[n]) for n in range(logits.shape[0])
    ]
    target, index, skip = (torch.stack(column) for column in zip(*assigned))
    norm = target.sum().clamp(min=1)
    # Quality focal loss: each point by how far its confidence is from the overlap that it should foretell.
    weight = (target - scores) ** 2 * ~skip
    classification = (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum() / norm
    foreground = index >= 0
    if not foreground.any():
        return classification, boxes.sum() * 0
    picture = torch.nonzero(foreground)[:, 0]
    wanted = torch.stack([faces[n][face] for n, face in zip(picture.tolist(), index[foreground].tolist())])
    box = ((1 - complete_iou(boxes[foreground], wanted)) * target[foreground]).sum() / norm
    return classification, box
