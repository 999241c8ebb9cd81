"""The convolutional network of the lossy-compression experiments: (weights, images, noise) to layers, in PyTorch.

Noise and dropout are drawn in the order of memory (sample, height, width, channel): PyTorch fills a tensor whose
channels come last in memory some eight times as fast when it is told so.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from ..errors import InputError

SLOPE = 0.01  # of the leaky rectifier
DROPOUT = 0.1  # before each convolution, in training

Where = Literal["input", "output", "none"]


@dataclass(frozen=True)
class Noise:
    """Noise the network runs with, in training and evaluation.

    Attributes:
        where: "input": what enters each layer is multiplied by 1 + sigma eps; "output": sigma_l eps is added after the
            activation of T1..T4; "none".
        sigma: of "input".
        ratio: of "output": sigma_l is this share of the layer's root mean square at the reference.
        reference: of "output": "start", the network's own initialisation; "trained", the end of a pilot run.
        sigmas: of "output", by layer T1..T4, once they are known.
    """

    where: Where = "none"
    sigma: float = 0.0
    ratio: float = 0.0
    reference: Literal["start", "trained"] = "trained"
    sigmas: tuple[float, ...] = ()

    def __str__(self) -> str:
        if self.where == "input":
            return f"what enters each layer is multiplied by 1 + {self.sigma:g} eps, eps standard normal"
        if self.where == "output":
            when = {"start": "at initialisation", "trained": "at the end of a pilot run without noise"}[self.reference]
            return f"normal, {self.ratio:g} of the layer's root mean square {when}, added after its activation"
        return "none"


@dataclass(frozen=True)
class Network:
    """Convolutions 3x3, each with 2x2 max-pooling and a leaky rectifier; dense layers; log-softmax.

    Attributes:
        image: (height, width, channels) of the input.
        filters: of the convolutions.
        dense: widths of the dense layers, the last the number of classes.
        padding: "valid" or "same".
    """

    image: tuple[int, int, int] = (28, 28, 1)
    filters: tuple[int, ...] = (8, 16, 32)
    dense: tuple[int, ...] = (32, 10)
    padding: Literal["valid", "same"] = "valid"

    @property
    def layers(self) -> tuple[str, ...]:
        """T1, T2, ..., the last of which is the log-softmax."""
        return tuple(f"T{k}" for k in range(1, len(self.filters) + len(self.dense) + 1))

    @property
    def sides(self) -> list[tuple[int, int, int]]:
        """(height, width, channels) of what each convolution gives after pooling."""
        found, (height, width) = [], self.image[:2]
        lost = 2 if self.padding == "valid" else 0
        for count in self.filters:
            height, width = (height - lost) // 2, (width - lost) // 2
            found.append((height, width, count))
        return found

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the weights: (filters, channels, 3, 3), (filters,), ..., (outputs, inputs), (outputs,), ..."""
        channels = [self.image[2], *self.filters]
        widths = [int(np.prod(self.sides[-1])), *self.dense]
        found: list[tuple[int, ...]] = []
        for before, after in itertools.pairwise(channels):
            found += [(after, before, 3, 3), (after,)]
        for before, after in itertools.pairwise(widths):
            found += [(after, before), (after,)]
        return found

    @property
    def n_parameters(self) -> int:
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def start(self, seed: int) -> np.ndarray:
        """(P,) float32 weights to start from: uniform within one over the root of the inputs, as PyTorch has them."""
        random = np.random.default_rng([seed, 0x1C])
        found, inputs = [], 1
        for shape in self.shapes:
            inputs = int(np.prod(shape[1:])) if len(shape) > 1 else inputs
            found.append(random.uniform(-1.0, 1.0, int(np.prod(shape))) / np.sqrt(inputs))
        return np.concatenate(found).astype(np.float32)

    def apart(self, weights: torch.Tensor) -> list[torch.Tensor]:
        """The tensors of a flat row of weights.

        Raises:
            InputError: another number of weights than this network has.
        """
        if weights.shape != (self.n_parameters,):
            raise InputError(f"The network has {self.n_parameters} weights, got {tuple(weights.shape)}.")
        parts = weights.split([int(np.prod(shape)) for shape in self.shapes])
        return [part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)]


def forward(
    network: Network,
    weights: torch.Tensor,
    x: torch.Tensor,
    noise: Noise,
    draw: torch.Generator,
    *,
    training: bool = False,
    centres: bool = False,
) -> dict[str, torch.Tensor]:
    """Layers T1, T2, ... of a batch, each (n, d), the last the log-softmax.

    Args:
        network, weights: what to run; (P,) weights.
        x: (n, channels, height, width), channels last in memory.
        noise: what it runs with.
        draw: where noise and dropout come from.
        training: with dropout before the convolutions.
        centres: give T1..T4 before the noise that is added to them; what follows still has it.
    """
    parts = network.apart(weights)
    found: dict[str, torch.Tensor] = {}
    here = x
    for index, name in enumerate(network.layers):
        matrix, bias = parts[2 * index], parts[2 * index + 1]
        if index < len(network.filters):
            if training:
                here = here * _dropout(here, draw)
            matrix = matrix.clone(memory_format=torch.channels_last)  # so that what comes out has them last too
            here = functional.conv2d(_entering(here, noise, draw), matrix, bias, padding=network.padding)
            here = functional.leaky_relu(functional.max_pool2d(here, 2), SLOPE)
        else:
            here = functional.linear(_entering(here.flatten(1), noise, draw), matrix, bias)
            last = name == network.layers[-1]
            here = functional.log_softmax(here, 1) if last else functional.leaky_relu(here, SLOPE)
        clean = here
        if noise.where == "output" and index < len(noise.sigmas):
            here = here + noise.sigmas[index] * _normal(here, draw)
        found[name] = (clean if centres else here).flatten(1)
    return found


def _entering(x: torch.Tensor, noise: Noise, draw: torch.Generator) -> torch.Tensor:
    return x * _normal(x, draw).mul_(noise.sigma).add_(1.0) if noise.where == "input" else x


def _normal(like: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    return _as(like, torch.randn(_in_memory(like), generator=draw))


def _dropout(like: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """1 / (1 - p) where kept, else 0."""
    kept = torch.rand(_in_memory(like), generator=draw).ge_(DROPOUT).mul_(1.0 / (1.0 - DROPOUT))
    return _as(like, kept)


def _in_memory(like: torch.Tensor) -> Sequence[int]:
    return like.permute(0, 2, 3, 1).shape if like.ndim == 4 else like.shape


def _as(like: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    return drawn.permute(0, 3, 1, 2) if like.ndim == 4 else drawn


def images(x: np.ndarray, mean: Any, std: Any) -> torch.Tensor:
    """(n, channels, height, width) of (n, height, width[, channels]) images, normalised, channels last in memory."""
    values = (x[..., None] if x.ndim == 3 else x) - np.asarray(mean, np.float32)
    values = np.ascontiguousarray(values / np.asarray(std, np.float32), np.float32)
    return torch.from_numpy(values).permute(0, 3, 1, 2)


def generator(*numbers: int) -> torch.Generator:
    """Random numbers that depend on these numbers alone."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(seed)


def evaluate(
    network: Network,
    weights: np.ndarray,
    x: torch.Tensor,
    noise: Noise,
    stream: Sequence[int],
    *,
    centres: bool = False,
    rows: int = 1000,
) -> Mapping[str, np.ndarray]:
    """Layers of all images by name, (n, d) float32, with one draw of the noise; in batches."""
    draw, flat = generator(*stream), torch.from_numpy(np.asarray(weights, np.float32))
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in network.layers}
    with torch.no_grad():
        for start in range(0, len(x), rows):
            found = forward(network, flat, x[start : start + rows], noise, draw, centres=centres)
            for name, values in found.items():
                pieces[name].append(values.numpy())
    return {name: np.concatenate(values) for name, values in pieces.items()}
