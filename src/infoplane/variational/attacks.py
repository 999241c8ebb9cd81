"""Inputs changed a little so that a model errs: the attacks that a claim of robustness has to withstand."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ..errors import InputError
from ..samples import is_real, whole
from . import terms
from .base import Latent
from .fitted import Fitted
from .label_noise import checked_labels
from .model import Model
from .objectives import Objective
from .program import applied, drawn_laws

_AT_ONCE = 500  # samples


def attacked(
    fitted: Fitted, x: Any, y: Any, strength: float, *, steps: int = 20, draws: int = 8,
    limits: tuple[float, float] = (0.0, 1.0), seed: int = 0, objective: Objective | None = None,
    model_seed: int | None = None,
) -> np.ndarray:  # fmt: skip
    """Inputs within ``strength`` of the given ones, in every coordinate, on which the averaged prediction errs most.

    One step is the fast gradient sign method (FGSM). Several are projected gradient ascent (PGD) from a random start in
    the box, with steps of 2.5 strength / steps, so that any point of the box can be reached; of all steps a sample
    keeps the one of the largest loss. The gradient is that of the prediction averaged over draws of z, with noise drawn
    anew each step: the attack does not break on the model's own noise.

    Args:
        fitted: trained models.
        x: (n, ...) inputs, as in training.
        y: (n,) their labels.
        strength: largest change of a coordinate, in the units of x.
        steps: of ascent; 1 for FGSM.
        draws: of z in every gradient.
        limits: between which coordinates stay.
        seed: of the start and the noise.
        objective, model_seed: which model, as for :meth:`Fitted.model`.

    Returns:
        (n, ...) changed inputs, float32.

    Raises:
        InputError: a negative strength, no step, limits that x leaves, or labels out of range.

    Reference:
        arXiv:1412.6572 (FGSM), arXiv:1706.06083 (PGD), arXiv:1802.00420 (gradients averaged over a model's noise).
    """
    model = fitted.model(objective, model_seed)
    values = np.asarray(x, np.float32)
    labels = checked_labels(y, model.classifier.weight.shape[0], "attacked")
    if not is_real(strength) or strength < 0.0:
        raise InputError(f"attacked needs strength >= 0, in the units of the inputs, got {strength!r}.")
    count, low, high = whole(steps, "attacked(steps)", 1), *map(float, limits)
    if len(values) != len(labels) or not np.isfinite(values).all():
        raise InputError(f"attacked needs a finite input for each of {len(labels)} labels, got {values.shape}, or nan.")
    if values.min() < low or values.max() > high:
        raise InputError(
            f"attacked needs limits that hold the inputs, got {limits} and inputs from {values.min():.4g} to "
            f"{values.max():.4g}; give limits=(least, largest)."
        )
    latent = (objective or fitted.objectives[0]).latent
    # Arrays: plain numbers would be compiled anew for each.
    box = jnp.float32(strength), jnp.float32(low), jnp.float32(high)
    key = jr.key(whole(seed, "attacked(seed)"))
    found = []
    for first in range(0, len(values), _AT_ONCE):
        rows = np.minimum(np.arange(first, first + _AT_ONCE), len(values) - 1)  # one shape, compiled once
        found.append(
            _attacked(model, latent, count, whole(draws, "attacked(draws)", 1), jnp.asarray(values[rows]),
                      jnp.asarray(labels[rows]), box, jr.fold_in(key, first))
        )  # fmt: skip
    return np.concatenate([np.asarray(part) for part in found])[: len(values)]


@eqx.filter_jit
def _attacked(
    model: Model, latent: Latent, steps: int, draws: int, x: jax.Array, y: jax.Array,
    box: tuple[jax.Array, jax.Array, jax.Array], key: jax.Array,
) -> jax.Array:  # fmt: skip
    strength, least, largest = box
    low, high = jnp.maximum(x - strength, least), jnp.minimum(x + strength, largest)
    size = strength if steps == 1 else 2.5 * strength / steps
    start, noise = jr.split(key)
    begun = x if steps == 1 else jr.uniform(start, x.shape, x.dtype, low, high)

    def loss(inputs: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        mean, scale = drawn_laws(model, inputs, latent)
        z = mean + scale * jr.normal(key, (draws, *mean.shape), mean.dtype)
        each = -jnp.take_along_axis(terms.predictive(applied(model.classifier, z)), y[:, None], axis=1)[:, 0]
        return each.sum(), each

    slope = jax.value_and_grad(loss, has_aux=True)

    def ascend(carry: tuple[jax.Array, jax.Array, jax.Array], key: jax.Array) -> tuple[Any, None]:
        here, best, worst = carry
        (_, each), gradient = slope(here, key)
        best, worst = _larger(each, here, best, worst)
        return (jnp.clip(here + size * jnp.sign(gradient), low, high), best, worst), None

    carry = (begun, x, jnp.full(len(y), -jnp.inf))
    (end, best, worst), _ = jax.lax.scan(ascend, carry, jr.split(noise, steps))
    if steps == 1:
        return end
    return _larger(loss(end, key)[1], end, best, worst)[0]


def _larger(each: jax.Array, here: jax.Array, best: jax.Array, worst: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Inputs of the largest loss so far, and that loss."""
    gained = each > worst
    return jnp.where(gained.reshape(-1, *[1] * (here.ndim - 1)), here, best), jnp.where(gained, each, worst)
