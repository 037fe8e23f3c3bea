"""Checkpoint -> ONNX, compared with the network and timed.

    python export.py face.pt face.calibration.json face.onnx

In: image [N, 3, H, W], RGB, (v - 127) / 128, H and W multiples of 32. Out: boxes [N, A, 4] xyxy in input pixels,
scores [N, A], probabilities as far as calibrate.py can tell.
"""

import argparse
import json
import time
from pathlib import Path

import onnxruntime
import torch
from torch import nn

import model

OPSET = 17


class Scored(nn.Module):
    """The network with probabilities instead of logits."""

    def __init__(self, detector, scale, shift):
        super().__init__()
        self.m = detector
        self.scale, self.shift = scale, shift

    def forward(self, x):
        logits, boxes = self.m(x)
        return boxes, (logits * self.scale + self.shift).sigmoid()


def export(network, out):
    torch.onnx.export(
        network,
        torch.randn(2, 3, 448, 352),
        out,
        input_names=["image"],
        output_names=["boxes", "scores"],
        dynamic_axes={
            "image": {0: "n", 2: "h", 3: "w"},
            "boxes": {0: "n", 1: "a"},
            "scores": {0: "n", 1: "a"},
        },
        opset_version=OPSET,
        dynamo=False,
    )


@torch.no_grad()
def compare(network, path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for h, w in ((448, 448), (320, 448), (640, 640)):
        x = torch.randn(1, 3, h, w)
        boxes, scores = (torch.from_numpy(o) for o in session.run(["boxes", "scores"], {"image": x.numpy()}))
        want_boxes, want_scores = network(x)
        apart = float((boxes - want_boxes).abs().max()), float((scores - want_scores).abs().max())
        started = time.process_time()
        for _ in range(5):
            session.run(None, {"image": x.numpy()})
        ms = (time.process_time() - started) / 5 * 1000
        print(f"{h}x{w}: boxes differ by {apart[0]:.1e} px, scores by {apart[1]:.1e}; {ms:.0f} ms of CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("calibration", type=Path)
    parser.add_argument("out")
    args = parser.parse_args()
    network = Scored(model.load(args.checkpoint), **json.loads(args.calibration.read_text())).eval()
    export(network, args.out)
    compare(network, args.out)


if __name__ == "__main__":
    main()
