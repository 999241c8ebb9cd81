"""What lies between a trained model's loss and the least that any model could have, in parts; exact mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, logsumexp

from ..bottleneck import IB, DualIB, Joint, SquaredIB, solve
from ..variational import CEB, VIB, DualVIB, Fitted, NonlinearIB, Objective, SquaredVIB

METHODS = {VIB: IB, CEB: IB, NonlinearIB: IB, DualVIB: DualIB, SquaredVIB: SquaredIB}
PARTS = ("prior", "decoder", "encoder")


class Optimum(NamedTuple):
    """The least loss of any encoder whatever, and its informations, nats."""

    loss: float
    mi_input: float
    mi_target: float


@dataclass(frozen=True)
class Draws:
    """Of one model at (s, n_x) draws of z: logarithms of densities and of laws of the label.

    Attributes:
        own, marginal: (s, n_x) ln e(z|x) and ln p(z).
        prior, conditional: (s, n_x) ln m(z), and (s, n_x, n_y) ln b(z|y).
        truth, classifier, geometric: (s, n_x, n_y) ln p(y|z), ln c(y|z), and sum over x of p(x|z) ln p(y|x).
        by_class: (s, n_x, n_y) ln p(z|y).
    """

    own: np.ndarray
    marginal: np.ndarray
    prior: np.ndarray
    conditional: np.ndarray
    truth: np.ndarray
    classifier: np.ndarray
    geometric: np.ndarray
    by_class: np.ndarray


def optimum(objective: Objective, joint: Joint) -> Optimum:
    """By the solver of the bottleneck; the loss in units in which I(Z;Y) has weight 1."""
    beta = beta_of(objective)
    found = solve(joint, beta, METHODS[type(objective)]())
    entropy = 0.0 if isinstance(objective, DualVIB) else (beta - 1.0) / beta if isinstance(objective, CEB) else 1.0
    return Optimum(entropy * _entropy(joint) + found.objective / beta, found.mi_input, found.mi_target)


def beta_of(objective: Objective) -> float:
    """The multiplier of I(Z;Y)."""
    return float(getattr(objective, "beta"))  # noqa: B009 - every objective here has one


def measured(
    fitted: Fitted, objective: Objective, seed: int, joint: Joint, draws: int, least: float
) -> dict[str, float]:
    """A model's informations, bounds and gaps; nats, standard errors over draws of z beside them.

    Args:
        fitted: trained on one-hot inputs, a column a state of X.
        objective, seed: which model.
        joint: p(x, y).
        draws: of z for every state of X.
        least: loss of :func:`optimum`.
    """
    at = _drawn(fitted, objective, seed, joint, draws)
    p_x, rows = joint.p_x, joint.p_y_given_x
    log_p_y = np.log(joint.p_y)
    parts = {
        "mi_input": at.own - at.marginal,
        "mi_target": (rows * (at.truth - log_p_y)).sum(axis=-1),
        "rate": at.own - at.prior,
        "rate_conditional": at.own - (rows * at.conditional).sum(axis=-1),
        "mi_target_bound": (rows * (at.classifier - log_p_y)).sum(axis=-1),
        "prior_gap": at.marginal - at.prior,
        "conditional_gap": (rows * (at.by_class - at.conditional)).sum(axis=-1),
        "decoder_gap": (np.exp(at.truth) * (at.truth - at.classifier)).sum(axis=-1),
        "dual_decoder_gap": (np.exp(at.classifier) * (at.classifier - log_softmax(at.geometric, axis=-1))).sum(axis=-1),
        "dual_distortion": -np.asarray(logsumexp(at.geometric, axis=-1)),
    }
    found: dict[str, float] = {}
    for name, values in parts.items():
        each = values @ p_x  # (s,): draws are independent, the states of one are not averaged at random
        found[name], found[f"{name}_stderr"] = float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))
    if isinstance(objective, NonlinearIB):
        found["rate"], found["rate_stderr"] = _kernel(fitted, objective, seed, joint), 0.0
    return found | _gaps(found, objective, joint, least)


def _gaps(found: dict[str, float], objective: Objective, joint: Joint, least: float) -> dict[str, float]:
    """Loss less its least value, as the sum of what prior, decoder and encoder miss; where I(Z;Y) has weight 1."""
    beta = beta_of(objective)
    rate, unknown = found["mi_input"], _entropy(joint) - found["mi_target"]
    if isinstance(objective, CEB):
        prior, decoder = found["conditional_gap"], (beta - 1.0) / beta * found["decoder_gap"]
        reached = (beta - 1.0) / beta * unknown + (rate - found["mi_target"]) / beta
    elif isinstance(objective, DualVIB):
        prior, decoder = found["prior_gap"], found["dual_decoder_gap"]
        reached = found["dual_distortion"] + rate / beta
    elif isinstance(objective, SquaredVIB):
        prior, decoder = found["rate"] ** 2 - rate**2, found["decoder_gap"]
        reached = unknown + rate**2 / beta
    else:
        prior, decoder = found["rate"] - rate, found["decoder_gap"]
        reached = unknown + rate / beta
    parts = (prior / beta, decoder, reached - least)
    return dict(zip(PARTS, parts, strict=True)) | {"gap": sum(parts)}


def _drawn(fitted: Fitted, objective: Objective, seed: int, joint: Joint, draws: int) -> Draws:
    states = np.eye(len(joint.p_x), dtype=np.float32)
    laws = fitted.laws(states, objective=objective, model_seed=seed)
    mean, scale = (np.asarray(part, np.float64) for part in laws)
    model = fitted.model(objective, seed)
    z = mean + scale * np.random.default_rng(seed).standard_normal((draws, *mean.shape))
    every = _log_normal(z[:, :, None], mean, scale)  # (s, n_x, state)
    log_p_x, log_rows = np.log(joint.p_x), np.log(joint.p_y_given_x)
    joined = every + log_p_x
    marginal = np.asarray(logsumexp(joined, axis=-1))
    posterior = joined - marginal[..., None]  # ln p(x|z)
    log_p_y = np.log(joint.p_y)
    truth = np.asarray(logsumexp(posterior[..., None] + log_rows, axis=-2))
    logits = z @ np.asarray(model.classifier.weight, np.float64).T + np.asarray(model.classifier.bias, np.float64)
    conditional = _log_normal(z[:, :, None], *(np.asarray(part, np.float64) for part in model.conditionals()))
    prior = _log_normal(z, *(np.asarray(part, np.float64) for part in model.marginals()))
    return Draws(
        own=np.einsum("sxx->sx", every),
        marginal=marginal,
        prior=prior,
        conditional=conditional,
        truth=truth,
        classifier=log_softmax(logits, axis=-1),
        geometric=np.exp(posterior) @ log_rows,
        by_class=truth + marginal[..., None] - log_p_y,
    )


def _log_normal(z: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """ln of the densities of independent normal laws, summed over the last axis."""
    return (-0.5 * ((z - mean) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2.0 * np.pi)).sum(axis=-1)


def _kernel(fitted: Fitted, objective: Objective, seed: int, joint: Joint) -> float:
    """The pairwise-kernel bound on I(X;Z), of all states with their probabilities."""
    laws = fitted.laws(np.eye(len(joint.p_x), dtype=np.float32), objective=objective, model_seed=seed)
    mean, scale = (np.asarray(part, np.float64) for part in laws)
    apart = ((mean[:, None] - mean) ** 2).sum(axis=-1) / (2.0 * scale[0, 0] ** 2)
    return float(-joint.p_x @ logsumexp(np.log(joint.p_x) - apart, axis=1))


def _entropy(joint: Joint) -> float:
    return float(-(joint.p_y * np.log(joint.p_y)).sum())
