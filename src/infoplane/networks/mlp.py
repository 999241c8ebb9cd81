"""Multilayer perceptrons whose parameters are one flat vector a network, evaluated many networks at a time.

Layout: parameters (network, P); weights (network, out, in); activations (network, unit, sample), the sample last. On a
processor this is about three times faster than one network mapped over the ensemble, because every product has the
long axis innermost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from ..channels import OwnNoise
from ..draws import Draw, drawn
from ..errors import InputError, nearest
from ..samples import is_whole
from .activations import ACTIVATIONS, ActivationName
from .noise import Noise, noisy_layers, normals
from .quantization import Quantization

OutputName = Literal["softmax", "linear"]
InitName = Literal["fan_in", "fan_out", "glorot"]
Layers = list[tuple[jax.Array, jax.Array]]


class Pass(NamedTuple):
    """What one pass gives: (network, units, n) arrays by layer, the last before the softmax.

    Attributes:
        centres: before the layer's own noise, or before it is rounded.
        values: what the next layer gets.
    """

    centres: list[jax.Array]
    values: list[jax.Array]


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron.

    Attributes:
        widths: units of every layer, input first and output last.
        activation: of the hidden layers: "tanh", "relu", "softsign", "softplus", "sigmoid", "linear", "elu", "swish" or
            "abs".
        output: "softmax" (classification, cross-entropy) or "linear" (regression, mean squared error).
        init: standard deviation of the truncated normal (cut at two of them): 1/sqrt(fan_in), 1/sqrt(fan_out) or
            Glorot's sqrt(2/(fan_in + fan_out)). Biases start at 0.
        noise: ``AdditiveNoise(sigma)`` or ``MultiplicativeNoise(sigma)``, with which the network runs, in training and
            in evaluation; None for a deterministic one.
        quantization: ``Quantization(bits)``, with which it runs; None for floats.
    """

    widths: tuple[int, ...]
    activation: ActivationName = "tanh"
    output: OutputName = "softmax"
    init: InitName = "fan_in"
    noise: Noise | None = None
    quantization: Quantization | None = None

    def __init__(
        self,
        widths: list[int] | tuple[int, ...],
        activation: ActivationName = "tanh",
        output: OutputName = "softmax",
        init: InitName = "fan_in",
        noise: Noise | None = None,
        quantization: Quantization | None = None,
    ) -> None:
        if not isinstance(widths, Iterable) or not all(is_whole(w) for w in widths):
            raise InputError(f"MLP needs widths that are whole numbers, such as [12, 5, 2], got {widths!r}.")
        widths = tuple(int(w) for w in widths)
        if len(widths) < 2 or min(widths) < 1:
            raise InputError(f"MLP needs at least an input and an output width, all positive, got {list(widths)}.")
        choices = {"activation": (activation, list(ACTIVATIONS)), "output": (output, ["softmax", "linear"])}
        choices["init"] = (init, ["fan_in", "fan_out", "glorot"])
        for field, (value, known) in choices.items():
            if value not in known:
                raise InputError(f"MLP has no {field} {value!r}; {nearest(str(value), known)}")
        kinds = {"noise": (noise, Noise, "AdditiveNoise(0.1)"), "quantization": (quantization, Quantization, "")}
        for field, (value, kind, example) in kinds.items():
            if value is not None and not isinstance(value, kind):
                raise InputError(f"MLP({field}) takes {example or 'Quantization(8)'} or None, got {value!r}.")
        if noise is not None and quantization is not None:
            raise InputError("MLP takes noise or quantization, not both: noise would leave the quantiser's levels.")
        object.__setattr__(self, "widths", widths)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "output", output)
        object.__setattr__(self, "init", init)
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "quantization", quantization)
        if noise is not None:
            noisy_layers(noise, self.layers, output)  # refuses layers that are not there

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers: "hidden 1", ..., "output"."""
        return (*(f"hidden {i}" for i in range(1, len(self.widths) - 1)), "output")

    @property
    def known_ranges(self) -> tuple[tuple[float, float] | None, ...]:
        """The range of every layer's activation as it is recorded, None where unbounded."""
        if self.quantization is not None:
            return ((0.0, float(self.quantization.top)),) * len(self.layers)
        out = (0.0, 1.0) if self.output == "softmax" else None
        hidden = ACTIVATIONS[self.activation].range
        return tuple(None if name in self.noisy else out if name == "output" else hidden for name in self.layers)

    @cached_property
    def noisy(self) -> frozenset[str]:
        """Names of the layers with noise of their own."""
        return frozenset() if self.noise is None else noisy_layers(self.noise, self.layers, self.output)

    def own_noise(self, layer: str) -> OwnNoise | None:
        """A layer's own noise, or None."""
        if self.noise is None or layer not in self.noisy:
            return None
        first = min(self.layers.index(name) for name in self.noisy)
        return self.noise.own(certain=self.layers.index(layer) == first)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(out, in) of every weight matrix."""
        return tuple(zip(self.widths[1:], self.widths[:-1], strict=True))

    @property
    def n_parameters(self) -> int:
        """Weights and biases; and, last, the largest activation of each layer that a quantiser keeps."""
        return sum(out * (fan_in + 1) for out, fan_in in self.shapes) + self.n_reaches

    @property
    def n_reaches(self) -> int:
        """Layers whose quantiser follows the activations, as they have no known range."""
        if self.quantization is None:
            return 0
        hidden = len(self.shapes) - 1 if ACTIVATIONS[self.activation].range is None else 0
        return hidden + (self.output == "linear")

    def initial(self, key: jax.Array) -> jax.Array:
        """(P,) parameters of one network."""
        keys = jax.random.split(key, len(self.shapes))
        draws = []
        for one, (out, fan_in) in zip(keys, self.shapes, strict=True):
            scale = {"fan_in": 1 / fan_in, "fan_out": 1 / out, "glorot": 2 / (fan_in + out)}[self.init] ** 0.5
            draws.append(Draw(one, (out * fan_in,), scale, "truncated"))
        parts = []
        for weights, (out, _) in zip(drawn(draws), self.shapes, strict=True):
            parts += [weights, jnp.zeros(out)]
        return jnp.concatenate([*parts, jnp.ones(self.n_reaches)])

    def unflatten(self, parameters: jax.Array) -> Layers:
        """(network, P) to [(weights (network, out, in), biases (network, out))] by layer."""
        layers, start = [], 0
        for out, fan_in in self.shapes:
            middle, end = start + out * fan_in, start + out * (fan_in + 1)
            layers.append((parameters[:, start:middle].reshape(-1, out, fan_in), parameters[:, middle:end]))
            start = end
        return layers

    def reaches(self, parameters: jax.Array) -> jax.Array:
        """(network, layers that follow) largest activations, the ends of the quantiser's ranges."""
        return parameters[:, self.n_parameters - self.n_reaches :]

    def flatten(self, layers: Layers, reaches: jax.Array | float = 0.0) -> jax.Array:
        """The inverse of :meth:`unflatten`, followed by the largest activations."""
        flat = jnp.concatenate([part.reshape(part.shape[0], -1) for layer in layers for part in layer], axis=1)
        if not self.n_reaches:
            return flat
        return jnp.concatenate([flat, jnp.broadcast_to(reaches, (len(flat), self.n_reaches))], axis=1)

    def activations(
        self, parameters: jax.Array, x: jax.Array, keys: jax.Array | None = None, *, centres: bool = False
    ) -> list[jax.Array]:
        """[(network, units, n)] of every layer, for x (network, dx, n) or, shared by the networks, (dx, n).

        Args:
            parameters: (network, P).
            x: inputs.
            keys: (network,) random keys of a network that runs with noise.
            centres: of noisy layers, the values before their own noise.

        Returns:
            Floats; integer codes 0..top of a quantised network.
        """
        found = self.forward(self.unflatten(parameters), x, keys, self.reaches(parameters))
        *hidden, last = found.centres if centres or self.quantization is not None else found.values
        outputs = [*hidden, jax.nn.softmax(last, axis=1) if self.output == "softmax" else last]
        if self.quantization is None:
            return outputs
        ends = [self._ends(self.reaches(parameters), index) for index in range(len(self.shapes))]
        return [self.quantization.codes(h, *e).astype(jnp.int32) for h, e in zip(outputs, ends, strict=True)]

    def forward(
        self, layers: Layers, x: jax.Array, keys: jax.Array | None = None, reaches: jax.Array | None = None
    ) -> Pass:
        """One pass; x, keys as in :meth:`activations`, reaches as :meth:`reaches` gives them."""
        activate, quantize = ACTIVATIONS[self.activation].function, self.quantization
        centres, values, h = [], [], x
        drawn = self._normals(keys, x.shape[-1])
        for index, (weights, bias) in enumerate(layers):
            product = "koi,in->kon" if h.ndim == 2 else "koi,kin->kon"
            weights = weights if quantize is None else quantize.rounded_weights(weights)
            h = jnp.einsum(product, weights, h, precision="highest") + bias[:, :, None]
            if index < len(self.shapes) - 1:
                h = activate(h)
            centres.append(h)
            if self.noise is not None and self.layers[index] in self.noisy:
                h = self.noise.applied(h, next(drawn))
            if quantize is not None and index < len(self.shapes) - 1:  # the loss sees the output as it is
                h = quantize.rounded(h, *self._ends(reaches, index))
            values.append(h)
        return Pass(centres, values)

    def _normals(self, keys: jax.Array | None, samples: int) -> Iterator[jax.Array]:
        """(network, units, samples) standard normal numbers for every noisy layer in turn."""
        if keys is None:
            return iter(())
        # For all layers at once, as the generator's long code is compiled for each of its calls.
        sizes = [out for (out, _), name in zip(self.shapes, self.layers, strict=True) if name in self.noisy]
        ends = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
        return iter(jnp.split(normals(keys, sum(sizes), samples), ends, axis=1))

    def _ends(self, reaches: jax.Array | None, index: int) -> tuple[jax.Array, jax.Array]:
        """(network,) ends of the range of a layer's quantiser."""
        assert reaches is not None
        known, floor = ACTIVATIONS[self.activation].range, ACTIVATIONS[self.activation].floor
        if index == len(self.shapes) - 1:
            known, floor = ((0.0, 1.0) if self.output == "softmax" else None), None
        if known is not None:
            shape = reaches.shape[:1]
            return jnp.full(shape, known[0]), jnp.full(shape, known[1])
        high = reaches[:, index if ACTIVATIONS[self.activation].range is None else 0]
        return (-high if floor is None else jnp.full_like(high, floor)), high

    def peaks(self, found: Pass, real: jax.Array | bool = True) -> jax.Array:
        """(network, layers that follow) largest activations of a pass, for :meth:`reaches`; of ``real`` samples."""
        hidden = found.centres[:-1] if ACTIVATIONS[self.activation].range is None else []
        followed = [*hidden, *(found.centres[-1:] if self.output == "linear" else [])]
        return jnp.stack([jnp.where(real, jnp.abs(h), 0.0).max(axis=(1, 2)) for h in followed], axis=1)

    def per_layer_norm(self, squares: jax.Array) -> jax.Array:
        """(network, P) squares of some parameter-shaped vector to (network, layer) norms over each weight matrix."""
        return jnp.stack([jnp.sqrt(w.sum(axis=(1, 2))) for w, _ in self.unflatten(squares)], axis=1)

    def __str__(self) -> str:
        """ "12-5-2 tanh/softmax, init fan_in", and the noise or quantisation it runs with."""
        plain = "-".join(map(str, self.widths)) + f" {self.activation}/{self.output}, init {self.init}"
        extra = [] if self.noise is None else [self.noise_words]
        extra += [] if self.quantization is None else [repr(self.quantization)]
        return ", ".join([plain, *extra])

    @property
    def noise_words(self) -> str:
        """The noise it runs with, and where."""
        return f"{self.noise}, after " + ", ".join(name for name in self.layers if name in self.noisy)
