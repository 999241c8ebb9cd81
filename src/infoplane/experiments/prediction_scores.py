"""How well inputs held out are predicted through a bottleneck, at given I(X;T): for ``dual-prediction``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import softmax, xlogy

from ..bottleneck import IB, DualIB, Joint, Solution
from ..bottleneck.base import Effort, Method
from ..bottleneck.solution import merged_informations
from ..results import provenance
from .prediction_laws import KINDS, Estimated, counted, estimates, smoothed

FUNCTIONALS = ("IB", "dual")
ESTIMATES = ("counts", "features found", "features given")
LAWS = ("mixed", "pooled", "geometric")
SCORES = (
    *(f"log_loss_{laws}" for laws in LAWS),
    *(f"error_{laws}" for laws in LAWS),
    *(f"exponent_{where}{laws}" for where in ("", "training_") for laws in ("mixed", "geometric")),
    "mi_held_out",
)
AT_HELD_OUT = ("log_loss_mixed", "log_loss_geometric", "error_mixed")  # told at equal I(X;T) of the held out, too
_ROUGH = 60  # betas of the descent that finds out which are wanted
REFERENCES = ("log_loss_whole", "error_whole", "log_loss_none", "error_none")


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Attributes:
        samples: labels a pattern; infinite for the known law.
        rates: I(X;T) in nats at which methods are compared.
        training: patterns for training; more where the label is binary.
        held_out: patterns to predict.
    """

    samples: tuple[float, ...]
    rates: tuple[float, ...]
    training: int
    training_binary: int
    held_out: int


FULL = Size((1, 3, 10, 30, 100, math.inf), (0.1, 0.2, 0.4, 0.7, 1.0), 48, 96, 192)
QUICK = Size((1, 100), (0.1, 0.4, 1.0), 16, 32, 64)


def draw(kind: str, seed: int, size: Size) -> xr.Dataset:
    """One law, its labels, and the scores of all methods.

    Returns:
        Dataset over (n, estimate, functional, rate): :data:`SCORES`; over (n, estimate): :data:`REFERENCES`. Losses are
        mean excess over the true law, nats and shares of labels; nan where a method does not reach a rate.
    """
    random = np.random.default_rng([seed, 0xD0A1, list(KINDS).index(kind)])
    training = size.training_binary if kind == "12-bit" else size.training
    law = KINDS[kind](random, training + size.held_out)
    axes = {
        "n": list(size.samples),
        "estimate": list(ESTIMATES),
        "functional": list(FUNCTIONALS),
        "rate": list(size.rates),
    }
    shape = tuple(len(axis) for axis in axes.values())
    names = (*SCORES, *(f"{name}_at_held_out" for name in AT_HELD_OUT))
    scores = {name: np.full(shape, np.nan) for name in names}
    references = {name: np.full(shape[:2], np.nan) for name in REFERENCES}
    gap = np.full(shape[:3], np.nan)
    for i, n in enumerate(size.samples):
        counts = counted(law, n, random)
        for name, known in estimates(law, counts, n, training).items():
            j = ESTIMATES.index(name)
            truth = law.rows[training:]
            references_here = _references(known, truth)
            for what, value in references_here.items():
                references[what][i, j] = value
            joint = Joint.from_conditional(known.training)
            for k, method in enumerate((IB(), DualIB(known.family))):
                solutions = descent(joint, method, size.rates)
                gap[i, j, k] = max(s.gap for s in solutions)
                found = [score(s, known, counts[:training], n, truth) for s in solutions]
                rates = np.array([s.mi_input for s in solutions])
                held_out = np.array([f["mi_held_out"] for f in found])
                for what in SCORES:
                    values = [f[what] for f in found]
                    scores[what][i, j, k] = at_rates(rates, values, size.rates)
                    if what in AT_HELD_OUT:
                        scores[f"{what}_at_held_out"][i, j, k] = at_rates(held_out, values, size.rates)
    variables = {name: (tuple(axes), values) for name, values in scores.items()}
    variables |= {name: (("n", "estimate"), values) for name, values in references.items()}
    variables["gap"] = (("n", "estimate", "functional"), gap)
    return xr.Dataset(variables, {k: list(v) for k, v in axes.items()}, provenance(device="CPU"))


def descent(joint: Joint, method: Method, rates: Sequence[float]) -> list[Solution]:
    """Certified solutions near the given I(X;T) and half-way between them, as far as there is so much, down to none.

    The betas come from a rough descent: near what they are meant for, the score at a rate is nearly a solution's own.
    """
    rough: list[Solution] = []
    for solution in method.descend(joint, list(np.geomspace(2000, 1e-3, _ROUGH)), Effort(certify=False)):
        rough.append(solution)
        if solution.n_clusters == 1:
            break
    there, log_betas = np.array([(s.mi_input, math.log(s.beta)) for s in rough[::-1]]).T
    between = np.convolve([0.0, *rates], [0.5, 0.5], "valid")
    targets = np.union1d(rates, between)
    targets = np.append(targets[targets < there[-1]], min(1.03 * targets[-1], 0.999 * there[-1]))
    falling = np.exp(np.interp(np.sort(targets)[::-1], np.maximum.accumulate(there), log_betas))
    # The rough descent keeps its clusters longer than the optimum does, or loses them earlier.
    highest = [float(falling[0])]
    while (
        next(iter(method.descend(joint, [highest[0]], Effort()))).mi_input < 0.98 * targets.max() and highest[0] < 1e5
    ):
        highest.insert(0, 1.4 * highest[0])
    further = falling[-1] * 1.1 ** -np.arange(1.0, 200.0)
    found: list[Solution] = []
    for solution in method.descend(joint, [*highest[:-1], *falling, *further], Effort()):
        found.append(solution)
        if solution.n_clusters == 1:
            break
    return sorted(found, key=lambda s: s.mi_input)


def score(solution: Solution, known: Estimated, counts: np.ndarray, n: float, truth: np.ndarray) -> dict[str, float]:
    """All :data:`SCORES` of one solution; exact expectations under the true laws of the patterns held out.

    Laws of the clusters: "mixed" are means of the estimated p(y|x) over p(x|t), which is p(y|t) along the chain;
    "geometric" their normalised geometric means, the dual's own laws; "pooled" come from the counts in each cluster.
    """
    q = solution.encode(known.held_out)
    share = solution.encoder / solution.encoder.sum(axis=0)
    pooled = share.T @ counts if math.isinf(n) else smoothed(solution.encoder.T @ counts, n)
    geometric = softmax(share.T @ np.log(known.training), axis=1)
    found: dict[str, float] = {}
    for name, laws in zip(LAWS, (share.T @ known.training, pooled, geometric), strict=True):
        found[f"log_loss_{name}"], found[f"error_{name}"] = losses(q @ laws, truth)
        if name != "pooled":
            found[f"exponent_{name}"] = exponent(q, laws, truth)
            found[f"exponent_training_{name}"] = exponent(solution.encoder, laws, known.training)
    found["mi_held_out"] = merged_informations(np.full(len(q), 1 / len(q)), known.held_out, q)[0]
    return found


def losses(prediction: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Mean expected log-loss in nats and mean error beyond what the true law itself has."""
    log_loss = float(xlogy(truth, truth / prediction).sum(axis=1).mean())
    chosen = truth[np.arange(len(truth)), prediction.argmax(axis=1)]
    return log_loss, float((truth.max(axis=1) - chosen).mean())


def exponent(q: np.ndarray, laws: np.ndarray, rows: np.ndarray) -> float:
    """Mean of KL(r_t || p(y|x)) over inputs and their clusters, nats a sample.

    With this exponent falls the chance that samples of y, drawn from a cluster's law, pass for ones of p(y|x).
    """
    distance = xlogy(laws, laws).sum(axis=1) - np.log(rows) @ laws.T
    return float((q * distance).sum(axis=1).mean())


def at_rates(there: np.ndarray, values: Sequence[float], rates: Sequence[float]) -> np.ndarray:
    """Values at given I(X;T), linear between solutions; nan beyond the last. ``there`` rises, or is made to."""
    return np.interp(rates, np.maximum.accumulate(there), values, right=np.nan)


def _references(known: Estimated, truth: np.ndarray) -> dict[str, float]:
    """Predictions without a bottleneck, and without an input."""
    none = np.tile(known.training.mean(axis=0), (len(truth), 1))
    whole = losses(known.held_out, truth)
    return dict(zip(REFERENCES, (*whole, *losses(none, truth)), strict=True))
