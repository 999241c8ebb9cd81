"""An encoder of images: convolutions to the code, a dense network back."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .training import adam, forward, standard_code

if TYPE_CHECKING:
    from .autoencoder import Autoencoder

_CHANNELS = (8, 16)  # of the two convolutions, each of which halves the sides
_ROWS = 1024  # images encoded at a time


class Network(NamedTuple):
    """A trained encoder of images with the dense decoder to their principal components.

    Attributes:
        parameters: filters, dense layers of the encoder, layers of the decoder.
        image: (height, width, channels).
        mean: (pixels,) what is subtracted first.
        scale: what pixels are divided by.
        dim: latent size.
    """

    parameters: Any
    image: tuple[int, int, int]
    mean: np.ndarray
    scale: float
    dim: int

    def encode(self, x: np.ndarray) -> np.ndarray:
        """(n, dim) float64 codes, computed in single precision."""
        codes = []
        for start in range(0, len(x), _ROWS):
            rows = ((x[start : start + _ROWS] - self.mean) / self.scale).astype(np.float32)
            codes.append(np.asarray(_encode(self.parameters, jnp.asarray(rows), self.image), np.float64))
        return np.concatenate(codes)

    def decode(self, code: np.ndarray) -> np.ndarray:
        """Principal components, divided by their deviation."""
        return forward([(np.asarray(w, np.float64), np.asarray(b, np.float64)) for w, b in self.parameters[2]], code)


def train(
    x: np.ndarray, target: np.ndarray, dim: int, image: tuple[int, int, int], s: Autoencoder, seed: int
) -> Network:
    """Train on (n, pixels) images to rebuild (n, K) principal components.

    Args:
        x: images to train on.
        target: their components, of total variance 1.
        dim: latent size.
        image: (height, width, channels).
        s: settings.
        seed: of weights, batches and noise.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    scale = float(np.sqrt(((x - mean) ** 2).mean()))
    rows = jnp.asarray(((x - mean) / scale).astype(np.float32))
    start = _initial(np.random.default_rng([seed, 0xC4]), image, s.hidden, dim, target.shape[1])
    found = _train(
        start,
        rows,
        jnp.asarray(target.astype(np.float32)),
        jnp.uint32(seed),
        s.steps,
        s.rate,
        s.noise,
        image=image,
        batch=s.batch,
    )
    return Network(jax.tree.map(np.asarray, found), image, mean, scale, dim)


def _initial(random: np.random.Generator, image: tuple[int, int, int], hidden: int, dim: int, outputs: int) -> Any:
    def layer(*shape: int) -> tuple[jax.Array, jax.Array]:
        inputs = int(np.prod(shape[:-1]))
        weights = random.standard_normal(shape) * np.sqrt(1.5 / inputs)
        return jnp.asarray(weights, jnp.float32), jnp.zeros(shape[-1], jnp.float32)

    height, width, channels = image
    first, second = _CHANNELS
    flat = -(-height // 4) * -(-width // 4) * second
    filters = [layer(3, 3, channels, first), layer(3, 3, first, second)]
    return (
        filters,
        [layer(flat, hidden), layer(hidden, dim)],
        [layer(dim, hidden), layer(hidden, hidden), layer(hidden, outputs)],
    )


@functools.partial(jax.jit, static_argnames=("image",))
def _encode(parameters: Any, rows: jax.Array, image: tuple[int, int, int]) -> jax.Array:
    filters, dense, _ = parameters
    x = rows.reshape(-1, *image)
    for weights, bias in filters:
        x = jax.lax.conv_general_dilated(x, weights, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.gelu(x + bias)
    return forward(dense, x.reshape(len(rows), -1))


@functools.partial(jax.jit, static_argnames=("image", "batch"))
def _train(start, rows, target, seed, steps, rate, noise, *, image, batch):
    key = jax.random.key(seed, impl="rbg")

    def loss(parameters, x, y, draw):
        code = _encode(parameters, x, image)
        rebuilt = forward(parameters[2], code + noise * draw)
        return ((rebuilt - y) ** 2).sum(1).mean() + standard_code(code, 1.0)

    def gradient(parameters, t):
        here = jax.random.fold_in(key, t)
        chosen = jax.random.bits(here, (batch,), jnp.uint32) % jnp.uint32(rows.shape[0])
        dim = start[1][-1][1].shape[0]
        draw = jax.random.normal(jax.random.fold_in(here, 1), (batch, dim))
        return jax.grad(loss)(parameters, rows[chosen], target[chosen], draw)

    return adam(start, gradient, steps, rate)
