"""Networks that really are quantised: weights and activations take few values, and information is counted exactly."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ..errors import InputError
from ..samples import is_whole

FORGET = 0.01  # weight of a new batch in the moving range of an unbounded activation
LEAST = 1e-6  # of such a range: that of a dead layer would shrink until nothing can be divided by it


@dataclass(frozen=True)
class Quantization:
    """Activations on 2^bits levels and weights on 2^bits - 1, in training (straight-through gradients) and evaluation.

    An activation's levels lie on its known range; where it has none, on a moving average over batches of its largest
    size, kept with the weights. Weights have levels symmetric about 0, up to the largest of the layer; biases stay as
    they are. The layers of a recording are then integer codes, straight from the quantiser; the output, whose loss is
    computed without rounding, is coded likewise when it is recorded. As in arXiv:2106.12912, up to how ranges are
    found.

    Attributes:
        bits: of an activation, 1 to 16.
        weights: whether weights are quantised too, which takes at least 2 bits.
    """

    bits: int = 8
    weights: bool = True

    def __post_init__(self) -> None:
        if not is_whole(self.bits) or not 1 <= self.bits <= 16:
            raise InputError(f"Quantization(bits) needs a whole number from 1 to 16, got {self.bits!r}.")
        object.__setattr__(self, "bits", int(self.bits))
        if not isinstance(self.weights, bool) or (self.weights and self.bits < 2):
            raise InputError(
                f"Quantization(weights) is True, with at least 2 bits, or False, got {self.weights!r} at "
                f"{self.bits} bits."
            )

    @property
    def top(self) -> int:
        """The largest code of an activation; the smallest is 0."""
        return 2**self.bits - 1

    def codes(self, values: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
        """Codes 0..top of (network, unit, sample) activations on (network,) ranges, as floats."""
        low, high = low[:, None, None], high[:, None, None]
        return jnp.round(jnp.clip((values - low) / (high - low) * self.top, 0.0, self.top))

    def rounded(self, values: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
        """The values of these codes; their gradient is 1 inside the range and 0 outside."""
        codes = self.codes(values, low, high)
        low, high = low[:, None, None], high[:, None, None]
        inside = jnp.clip(values, low, high)
        slope = inside - jax.lax.stop_gradient(inside)  # 0, so that equal codes are equal values to the last bit
        return jax.lax.stop_gradient(low + codes * ((high - low) / self.top)) + slope

    def rounded_weights(self, weights: jax.Array) -> jax.Array:
        """(network, out, in) weights on 2^bits - 1 symmetric levels; their gradient passes straight through."""
        if not self.weights:
            return weights
        most = 2 ** (self.bits - 1) - 1
        step = jnp.abs(weights).max(axis=(1, 2), keepdims=True) / most
        step = jnp.where(step > 0, step, 1.0)
        slope = weights - jax.lax.stop_gradient(weights)
        return jax.lax.stop_gradient(jnp.round(weights / step) * step) + slope
