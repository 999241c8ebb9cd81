"""Encoders: what makes a normal law of the representation from an input, as a description and as an Equinox module."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from ..draws import Draw, drawn
from ..errors import InputError
from ..samples import is_whole


class Encoder(Protocol):
    """A description of an encoder, the same whatever framework computes it."""

    def build(self, shape: tuple[int, ...], outputs: int, key: jax.Array) -> eqx.Module:
        """A module that takes one input, (*shape,), and gives (outputs,) numbers."""
        ...


@dataclass(frozen=True)
class Dense:
    """Fully connected ReLU layers, then a linear one; images are flattened.

    Attributes:
        widths: units of the hidden layers.
        weights: law of the initial ones. "he": normal, variance 2 / inputs, which keeps the size of ReLU layers.
            "glorot": uniform, variance 2 / (inputs + outputs), as older code starts.
    """

    widths: tuple[int, ...] = (256, 256)
    weights: str = "he"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", _sizes(self, "widths", self.widths))
        if self.weights not in ("he", "glorot"):
            raise InputError(f'Dense needs weights as "he" or "glorot", got {self.weights!r}.')

    def build(self, shape: tuple[int, ...], outputs: int, key: jax.Array) -> eqx.Module:
        """See :class:`Encoder`."""
        return drawn(_Dense(shape, (*self.widths, outputs), self.weights, key))


@dataclass(frozen=True)
class Convolutional:
    """3 x 3 convolutions with ReLU, each but the last followed by max-pooling of 2 x 2, then a linear layer.

    Attributes:
        channels: of the convolutions.
    """

    channels: tuple[int, ...] = (32, 64, 64)

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", _sizes(self, "channels", self.channels))

    def build(self, shape: tuple[int, ...], outputs: int, key: jax.Array) -> eqx.Module:
        """See :class:`Encoder`."""
        height, width, channels = _image(self, shape)
        halved = 2 ** (len(self.channels) - 1)
        if min(height, width) < halved:
            raise InputError(f"{self} halves images {len(self.channels) - 1} times; {height} x {width} are too small.")
        return drawn(_Convolutional(shape, channels, self.channels, outputs, key))


@dataclass(frozen=True)
class WideResNet:
    """A wide residual network (arXiv:1605.07146), with group instead of batch normalisation.

    A network in which one input does not change what another becomes is needed wherever the law of z given x is; that
    is why batches are not normalised.

    Attributes:
        depth: layers, 6 k + 4: 10, 16, 22, 28.
        width: factor of the 16, 32 and 64 channels.
        groups: channels are normalised in this many groups.
    """

    depth: int = 10
    width: int = 1
    groups: int = 8

    def __post_init__(self) -> None:
        if not is_whole(self.depth) or self.depth < 10 or (self.depth - 4) % 6:
            raise InputError(f"WideResNet needs depth as 6 k + 4 (10, 16, 22, 28), got {self.depth!r}.")
        for name in ("width", "groups"):
            value = getattr(self, name)
            if not is_whole(value) or value < 1:
                raise InputError(f"WideResNet needs {name} as a whole number, 1 or more, got {value!r}.")
        if 16 % self.groups:
            raise InputError(f"WideResNet needs groups that divide 16, got {self.groups}.")

    def build(self, shape: tuple[int, ...], outputs: int, key: jax.Array) -> eqx.Module:
        """See :class:`Encoder`."""
        height, width, channels = _image(self, shape)
        if min(height, width) < 4:
            raise InputError(f"{self} halves images twice; {height} x {width} are too small.")
        return drawn(_WideResNet(shape, channels, self, outputs, key))


class _Dense(eqx.Module):
    layers: list[eqx.nn.Linear]

    def __init__(self, shape: tuple[int, ...], widths: tuple[int, ...], weights: str, key: jax.Array) -> None:
        sizes = (_product(shape), *widths)
        keys = jr.split(key, len(widths))
        self.layers = [_linear(a, b, k, weights) for a, b, k in zip(sizes, sizes[1:], keys, strict=False)]

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.reshape(-1)
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        return self.layers[-1](x)


class _Convolutional(eqx.Module):
    convolutions: list[eqx.nn.Conv2d]
    last: eqx.nn.Linear
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self, shape: tuple[int, ...], channels: int, sizes: tuple[int, ...], outputs: int, key: jax.Array
    ) -> None:
        keys = jr.split(key, len(sizes) + 1)
        through = (channels, *sizes)
        self.shape = shape
        self.convolutions = [_convolution(a, b, k) for a, b, k in zip(through, sizes, keys, strict=False)]
        places = _product(tuple(side // 2 ** (len(sizes) - 1) for side in shape[:2]))
        self.last = _linear(sizes[-1] * places, outputs, keys[-1])

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.reshape(*self.shape[:2], -1)
        for k, convolution in enumerate(self.convolutions):
            x = jax.nn.relu(_convolved(convolution, x))
            if k < len(self.convolutions) - 1:
                x = _pooled(x)
        return self.last(jnp.moveaxis(x, -1, 0).reshape(-1))


class _Block(eqx.Module):
    """Normalise, ReLU, convolve, twice; added to the input, which a 1 x 1 convolution fits where sizes change."""

    norms: list[eqx.nn.GroupNorm]
    convolutions: list[eqx.nn.Conv2d]
    shortcut: eqx.nn.Conv2d | None

    def __init__(self, before: int, after: int, stride: int, groups: int, keys: jax.Array) -> None:
        self.norms = [eqx.nn.GroupNorm(groups, before), eqx.nn.GroupNorm(groups, after)]
        self.convolutions = [_convolution(before, after, keys[0], stride), _convolution(after, after, keys[1])]
        same = before == after and stride == 1
        self.shortcut = None if same else _convolution(before, after, keys[2], stride, size=1)

    def __call__(self, x: jax.Array) -> jax.Array:
        inside = jax.nn.relu(self.norms[0](x))
        branch = jax.nn.relu(self.norms[1](self.convolutions[0](inside)))
        return self.convolutions[1](branch) + (x if self.shortcut is None else self.shortcut(inside))


class _WideResNet(eqx.Module):
    first: eqx.nn.Conv2d
    blocks: list[_Block]
    norm: eqx.nn.GroupNorm
    last: eqx.nn.Linear
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, shape: tuple[int, ...], channels: int, of: WideResNet, outputs: int, key: jax.Array) -> None:
        per_stage = (of.depth - 4) // 6
        keys = jr.split(key, 3 * per_stage + 2)
        of_blocks = iter(jax.vmap(lambda key: jr.split(key, 3))(keys[1:-1]))
        self.shape = shape
        self.first = _convolution(channels, 16, keys[0])
        self.blocks, before = [], 16
        for stage, base in enumerate((16, 32, 64)):
            for k in range(per_stage):
                stride = 2 if stage and not k else 1
                self.blocks.append(_Block(before, base * of.width, stride, of.groups, next(of_blocks)))
                before = base * of.width
        self.norm = eqx.nn.GroupNorm(of.groups, before)
        self.last = _linear(before, outputs, keys[-1])

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.first(_channels_first(x, self.shape))
        for block in self.blocks:
            x = block(x)
        return self.last(jax.nn.relu(self.norm(x)).mean(axis=(1, 2)))


def _linear(inputs: int, outputs: int, key: jax.Array, weights: str = "he") -> eqx.nn.Linear:
    """Weights of the law of that name (see :class:`Dense`), not drawn yet, and biases of 0."""
    layer = eqx.filter_eval_shape(eqx.nn.Linear, inputs, outputs, key=key)
    if weights == "he":
        weight = Draw(key, (outputs, inputs), math.sqrt(2.0 / inputs))
    else:
        weight = Draw(key, (outputs, inputs), math.sqrt(6.0 / (inputs + outputs)), "uniform")
    return eqx.tree_at(lambda m: (m.weight, m.bias), layer, (weight, jnp.zeros(outputs)))


def _convolution(before: int, after: int, key: jax.Array, stride: int = 1, size: int = 3) -> eqx.nn.Conv2d:
    """The same for a convolution."""
    layer = eqx.filter_eval_shape(eqx.nn.Conv2d, before, after, size, stride, padding=size // 2, key=key)
    weight = Draw(key, layer.weight.shape, math.sqrt(2.0 / (before * size * size)))
    return eqx.tree_at(lambda m: (m.weight, m.bias), layer, (weight, jnp.zeros((after, 1, 1))))


def _convolved(layer: eqx.nn.Conv2d, x: jax.Array) -> jax.Array:
    """What a 3 x 3 layer of stride 1 gives for (height, width, channels), as one product of matrices.

    In a compiled loop, as training is one, XLA's own convolution takes several times as long on a CPU.
    """
    assert layer.bias is not None
    height, width, channels = x.shape
    padded = jnp.pad(x, ((1, 1), (1, 1), (0, 0)))
    patches = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    columns = jnp.concatenate(patches, axis=-1).reshape(height * width, 9 * channels)
    weight = layer.weight.transpose(2, 3, 1, 0).reshape(9 * channels, -1)
    return (columns @ weight + layer.bias.reshape(-1)).reshape(height, width, -1)


def _pooled(x: jax.Array) -> jax.Array:
    """Maxima of 2 x 2 places, by a reshape: its gradient compiles and runs faster than a window's."""
    height, width, channels = x.shape
    x = x[: height // 2 * 2, : width // 2 * 2]
    return x.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3))


def _channels_first(x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jnp.moveaxis(x.reshape(*shape[:2], -1), -1, 0)


def _image(encoder: object, shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) not in (2, 3):
        raise InputError(f"{encoder} needs images, (height, width) or (height, width, channels), got inputs {shape}.")
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


def _product(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def _sizes(encoder: object, name: str, values: Any) -> tuple[int, ...]:
    sizes: tuple[Any, ...] = tuple(values) if isinstance(values, list | tuple) else (values,)
    if not all(is_whole(size) and size > 0 for size in sizes):
        raise InputError(f"{type(encoder).__name__} needs {name} as positive whole numbers, got {values!r}.")
    return tuple(int(size) for size in sizes)
