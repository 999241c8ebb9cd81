"""A residual network and a vision transformer of the usual form, for images of one channel."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def _convolution(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    """A convolution without bias, and batch normalisation."""
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two convolutions, and a connection that passes them by; its output is that of the last ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(*_convolution(inputs, outputs, stride), nn.ReLU())
        self.second = _convolution(outputs, outputs)
        self.skip = nn.Identity() if (stride, inputs) == (1, outputs) else _convolution(inputs, outputs, stride, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.second(self.inner(x)) + self.skip(x))


class ResNet(nn.Module):
    """ResNet-18 for small images (arXiv:1512.03385; a first convolution of 3 x 3 and no pooling after it).

    Args:
        width: channels of the first stage; 64 is the usual.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(1, width), nn.ReLU())
        before = width
        for k in range(8):
            channels = width * 2 ** (k // 2)
            self.add_module(f"block{k + 1}", ResidualBlock(before, channels, 2 if k in (2, 4, 6) else 1))
            before = channels
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.output = nn.Linear(before, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for part in self.children():
            x = part(x)
        return x


class Attention(nn.Module):
    """Self-attention with several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.three = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        three = self.three(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*three)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))


class TransformerBlock(nn.Module):
    """Attention and a small dense network, each added to what comes in, after layer normalisation."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before_attention, self.before_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.before_attention(x))
        return x + self.dense(self.before_dense(x))


class Embedding(nn.Module):
    """Patches of 4 x 4 pixels to tokens, a token for the class in front, places added."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 4, 4)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, (side // 4) ** 2 + 1, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return torch.cat([self.first.expand(len(x), -1, -1), tokens], 1) + self.places


class VisionTransformer(nn.Module):
    """A small vision transformer (arXiv:2010.11929) that reads its answer off the first token.

    Args:
        width: numbers a token.
        blocks: of attention.
        heads: of each.
        side: pixels of an image's side.
    """

    def __init__(self, width: int = 64, blocks: int = 4, heads: int = 4, side: int = 28) -> None:
        super().__init__()
        self.embedding = Embedding(width, side)
        for k in range(blocks):
            self.add_module(f"block{k + 1}", TransformerBlock(width, heads))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *inner, output = self.children()
        for part in inner:
            x = part(x)
        return output(x[:, 0])
