"""What trained models know: all numbers of a plane, for every sample, on training and test parts."""

from __future__ import annotations

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from . import bounds, terms
from .model import Model
from .objectives import Terms, Weights, loss
from .program import Program, State, applied

_AT_ONCE = 1000  # samples
_BINS = 15  # of confidence, for the calibration error
NAMES = (
    "distortion",
    "distortion_readout",
    "cross_entropy",
    "rate",
    "rate_conditional",
    "rate_mixture",
    "divergence",
    "kernel",
    "right",
    "confidence",
)
TOLD = ("distortion", "distortion_readout", "rate", "rate_conditional", "rate_mixture", "divergence", "kernel")


def evaluate(
    program: Program, state: State, x: np.ndarray, y: np.ndarray, p_y: np.ndarray, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Every number, (seed, objective, n), a thousand samples at a time.

    Args:
        program: what was trained.
        state: of training.
        x, y: samples.
        p_y: (classes,) frequencies of the labels in training, for the mixture prior.
        draws: of z.
        seed: of the draws.
    """
    parts = []
    for first in range(0, len(y), _AT_ONCE):
        # One shape, compiled once. The last thousand overlap with those before; fewer than a thousand repeat the last.
        start = max(0, min(first, len(y) - _AT_ONCE))
        rows = np.minimum(np.arange(start, start + _AT_ONCE), len(y) - 1)
        count, key = jnp.int32(min(len(y), _AT_ONCE)), jr.fold_in(jr.key(seed), first)
        part = _evaluate(program, draws, state.used, jnp.asarray(x[rows]), jnp.asarray(y[rows]), p_y, count, key)
        parts.append({name: np.asarray(values)[..., first - start :] for name, values in part.items()})
    whole = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    return {name: values[..., : len(y)] for name, values in whole.items()}


@functools.partial(jax.jit, static_argnums=(0, 1))
def _evaluate(
    program: Program, draws: int, models: Any, x: jax.Array, y: jax.Array, p_y: jax.Array, count: jax.Array,
    key: jax.Array,
) -> dict[str, jax.Array]:  # fmt: skip
    _, static = program.outline()
    laws = jnp.stack([_noise(program, k, x, y, key) for k in range(len(program.objectives))])
    noisy = jnp.asarray([one.decoder_target == "noise model" for one in program.objectives])
    targets = jnp.where(noisy[:, None, None], laws, jax.nn.one_hot(y, program.classes))

    def one(numbers: Any, law: jax.Array, target: jax.Array) -> dict[str, jax.Array]:
        return _numbers(program, eqx.combine(numbers, static), x, y, law, target, p_y, draws, count, key)

    return jax.vmap(jax.vmap(one), (0, None, None))(models, laws, targets)


def _noise(program: Program, k: int, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
    """The noise model of the labels; where there is none, what no divergence is measured with."""
    noise = program.objectives[k].noise
    if noise is None:
        return jnp.full((len(y), program.classes), jnp.nan)
    return noise.probabilities(y, x, classes=program.classes, key=jr.fold_in(key, 1))


def _numbers(
    program: Program, model: Model, x: jax.Array, y: jax.Array, law: jax.Array, target: jax.Array, p_y: jax.Array,
    draws: int, count: jax.Array, key: jax.Array,
) -> dict[str, jax.Array]:  # fmt: skip
    mean, scale = program.laws(model, x)
    noisy = program.objectives[0].latent != "mean"
    z = mean + scale * jr.normal(key, (draws, *mean.shape)) if noisy else mean[None]
    logits, readout = (applied(layer, z) for layer in (model.classifier, model.readout))
    predicted = terms.predictive(logits)
    unknown = jnp.full(len(y), jnp.nan)
    found = dict.fromkeys(NAMES, unknown) | {
        "distortion": terms.distortion(logits, y),
        "cross_entropy": terms.distortion(logits, target),
        "distortion_readout": terms.distortion(readout, y),
        "divergence": terms.divergence(logits, law),
        "right": (predicted.argmax(axis=-1) == y).astype(mean.dtype),
        "confidence": jnp.exp(predicted.max(axis=-1)),
    }
    if program.objectives[0].latent == "shared":
        found["kernel"] = terms.kernel_rate(mean, scale[0, 0], count=count)
    if noisy:
        conditional = model.conditionals()
        prior = model.marginals() if program.trained_marginal else None
        found |= {
            "rate": terms.kl_standard(mean, scale) if prior is None else terms.kl_diagonal(mean, scale, prior),
            "rate_conditional": terms.kl_classes(mean, scale, conditional, y),
            "rate_mixture": bounds.mixture_rate(z, mean, scale, conditional, p_y),
        }
    return found


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Expected calibration error: |accuracy - confidence| in 15 equal bins of confidence, weighted by their samples.

    Args:
        confidence, right: (..., n).
    """
    place = np.minimum((np.nan_to_num(confidence) * _BINS).astype(int), _BINS - 1)
    gaps = [np.where(place == k, right - confidence, 0.0).mean(axis=-1) for k in range(_BINS)]
    return np.abs(np.stack(gaps)).sum(axis=0)


def summarised(found: dict[str, np.ndarray], entropy: float, weights: Weights) -> dict[str, np.ndarray]:
    """Means and standard errors over samples, and the two informations of the plane, (seed, objective) each.

    I(X;Z) is the smaller of the two upper bounds, by the objective's own prior and by the mixture of the classes';
    I(Z;Y) is H(Y) less the smaller distortion, of the objective's own classifier and of the read-out.

    Args:
        found: as :func:`evaluate` gives it.
        entropy: H(Y) of these samples.
        weights: (objective,) of the terms at this step, for the loss.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # of a model that is lost; whoever calls looks at the loss
        return _summarised(found, entropy, weights)


def _summarised(found: dict[str, np.ndarray], entropy: float, weights: Weights) -> dict[str, np.ndarray]:
    size = np.sqrt(next(iter(found.values())).shape[-1])
    means = {name: values.mean(axis=-1) for name, values in found.items()}
    errors = {name: values.std(axis=-1, ddof=1) / size for name, values in found.items()}
    result = {name: means[name] for name in TOLD} | {f"{name}_stderr": errors[name] for name in TOLD}
    mixed = means["rate_mixture"] < means["rate"]
    read = means["distortion_readout"] < means["distortion"]
    # What has no weight may be unknown; what has one must show that it is lost.
    weighed = Terms(**{name: np.where(_weighs(weights, name), means[name], 0.0) for name in Terms._fields})
    return result | {
        "mi_input": np.where(mixed, means["rate_mixture"], means["rate"]),
        "mi_input_stderr": np.where(mixed, errors["rate_mixture"], errors["rate"]),
        "mi_target": entropy - np.where(read, means["distortion_readout"], means["distortion"]),
        "mi_target_stderr": np.where(read, errors["distortion_readout"], errors["distortion"]),
        "loss": np.asarray(loss(weighed, weights)),
        "accuracy": means["right"],
        "accuracy_stderr": errors["right"],
        "calibration_error": calibration_error(found["confidence"], found["right"]),
    }


def _weighs(weights: Weights, term: str) -> Any:
    """(objective,) booleans: whether a term, or its square, is part of the loss."""
    return sum(np.abs(getattr(weights, name, 0.0)) for name in (term, f"{term}_squared")) > 0
