"""A lower bound on what T tells of a label: how well a classifier that has not seen a sample predicts it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError, Refusal, nearest
from ..estimate import Direction, Estimate
from ..samples import Variable, is_whole
from .base import Estimator, influence_error
from .coordinates import by_appearance, stacked, whitened
from .dense import dense, plain
from .training import Budget, Fold, check_budget, filled, folded, train

_SCALES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the logits beyond the prior; the validation part chooses
_ABSENT = -50.0  # log-prior of the places that only fill up the number of classes


@dataclass(frozen=True)
class Decoder(Estimator):
    """Held-out lower bound I(T;Y) >= H(Y) - CE, with CE the cross-entropy of a trained classifier.

    The value is the mean over all samples of ln q(y_i | t_i) - ln p(y_i): q is a classifier trained on the other folds
    (stratified by class), p the frequency of a class among all samples. So H(Y) is the plug-in entropy, which is low by
    about (K - 1) / 2n for K classes: the bound errs on the low side. It holds in expectation for any q, up to sampling
    error, which the standard error states. The logits are the smoothed log-frequencies of the training part plus a
    linear function of T, which starts as the linear discriminant, plus the network of "mlp"; their scale, among 0, 1/4,
    ..., 1, and when to stop are decided on a validation part, so that a classifier that learns nothing gives about 0
    instead of a large negative number.

    Classes with fewer samples than twice the folds are decoded as one: telling them apart cannot be learned, and the
    information about coarser labels is a lower bound too.

    Cost: ``steps`` updates of a small network a fold, all folds in one compiled program. Fails to be tight where the
    model class cannot express p(y|t): ``linear`` sees linear boundaries only. A gap to I(T;Y) of about p / 2n nats is
    lost to the p parameters that matter.

    Attributes:
        model: "linear" (multinomial logistic regression on T) or "mlp" (two hidden layers beside it).
        hidden: width of the hidden layers of "mlp".
        steps: updates at most.
        batch: samples an update.
        learning_rate: Adam's first step size.
        folds: parts for cross-fitting.
        patience: looks (every 50 updates) at the validation part without improvement before training ends.
    """

    direction: ClassVar[Direction] = "lower"
    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True
    model: Literal["linear", "mlp"] = "mlp"
    hidden: int = 64
    steps: int = 2000
    batch: int = 512
    learning_rate: float = 3e-3
    folds: int = 3
    patience: int = 4

    def __post_init__(self) -> None:
        if self.model not in ("linear", "mlp"):
            raise InputError(f"Decoder has no model {self.model!r}; {nearest(str(self.model), ['linear', 'mlp'])}")
        if not is_whole(self.hidden) or self.hidden < 1:
            raise InputError(f"Decoder needs a positive whole number as hidden, got {self.hidden!r}.")
        check_budget("Decoder", self.budget, self.folds)

    @property
    def budget(self) -> Budget:
        return Budget(self.steps, self.batch, self.learning_rate, weight_decay=1e-5, patience=self.patience)

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        t, label = self._roles(x, y)
        codes, merged = self._classes(label)
        frequencies = np.bincount(codes) / t.n
        entropy = float(-(frequencies * np.log(frequencies)).sum())
        scores, details = self._cross_fitted(t.values.astype(np.float64), codes, seed)
        terms = scores - np.log(frequencies[codes])
        value = float(terms.mean())
        notes = [
            f"Held out: {self.folds} folds, each decoded by a {self.model} classifier trained on the others, kept "
            f"after {details['best_steps']} of {details['steps']} updates.",
            f"H(Y) = {entropy:.3f} nats is the ceiling (plug-in over {len(frequencies)} classes).",
        ]
        if merged:
            notes.append(f"{merged} classes have fewer than {2 * self.folds} samples and were decoded as one.")
        return Estimate(
            value=value,
            stderr=influence_error(terms),
            lower=value,
            direction="lower",
            quantity=f"I(T;Y), lower bound by a held-out {self.model} decoder",
            n_samples=t.n,
            notes=tuple(notes),
            method=str(self),
            details={**details, "entropy": entropy, "cross_entropy": float(-scores.mean())},
        )

    def _roles(self, x: Variable, y: Variable) -> tuple[Variable, Variable]:
        if x.kind == y.kind == "continuous":
            raise Refusal("Decoder predicts classes and both x and y are continuous; use InfoNCE() or Gaussian().")
        if x.kind == y.kind:
            raise InputError("Decoder needs a continuous variable and both are discrete; use Plugin(), which counts.")
        return (x, y) if x.kind == "continuous" else (y, x)

    def _classes(self, label: Variable) -> tuple[np.ndarray, int]:
        """(n,) classes with the rare ones as one, and how many these were."""
        codes = by_appearance(label.codes)
        counts = np.bincount(codes)
        rare = counts < 2 * self.folds
        if rare.all() or (rare.sum() == rare.size - 1 and counts[rare].sum() < 2):
            raise Refusal(
                f"Decoder needs two classes with at least {2 * self.folds} samples each to learn from; "
                f"of the {counts.size} classes of {label.name} {int((~rare).sum())} have as many."
            )
        if rare.sum() < 2:
            return codes, 0
        place = np.where(rare, (~rare).sum(), np.cumsum(~rare) - 1)
        return place[codes].astype(np.int32), int(rare.sum())

    def _cross_fitted(self, t: np.ndarray, codes: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
        """(n,) ln q(y_i | t_i) from the classifier that has not seen i."""
        folds = folded(len(t), self.folds, seed, codes)
        inputs = [whitened(t, fold.training)[0].astype(np.float32) for fold in folds]
        width = 4 * math.ceil((int(codes.max()) + 1) / 4)
        size = len(folds[0].test)

        def part(chosen: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            return stacked([side[rows] for side, rows in zip(inputs, chosen, strict=True)]), codes[np.stack(chosen)]

        training = part([fold.training for fold in folds])
        validation = part([fold.validation for fold in folds])
        test = part([filled(fold.test, size, size)[0] for fold in folds])
        prior = np.stack([_log_prior(codes, fold, width) for fold in folds])
        task = _Task()
        start = [self._initial(seed, run, training[0][run], training[1][run], width) for run in range(self.folds)]
        start = jax.tree.map(lambda *leaves: np.stack(leaves), *start)
        trained = train(task, self.budget, start, prior, training, validation, seed=seed)
        with jax.enable_x64(False):
            scales, scores = _decoded(task, trained.parameters, prior, validation, test)
        found = np.empty(len(t))
        for fold, own in zip(folds, np.asarray(scores, np.float64), strict=True):
            found[fold.test] = own[: len(fold.test)]
        best = np.asarray(trained.best_step).tolist()
        return found, {"steps": int(trained.steps), "best_steps": best, "scales": np.asarray(scales).tolist()}

    def _initial(self, seed: int, run: int, t: np.ndarray, codes: np.ndarray, width: int) -> Any:
        random = np.random.default_rng([seed, 4, run])
        widths = (t.shape[1], self.hidden, self.hidden, width)
        network = dense(random, widths, last=0.1) if self.model == "mlp" else []
        return {"linear": _discriminant(t, codes, width), "network": network}


def _discriminant(t: np.ndarray, codes: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(dt, width) and (width,) of the linear classifier that is right for normal classes of one covariance."""
    onehot = np.eye(width)[codes]
    means = onehot.T @ t / (onehot.sum(axis=0)[:, None] + 1.0)  # one sample at the common mean, 0, for every class
    within = t - means[codes]
    covariance = within.T @ within / len(t) + 1e-3 * np.eye(t.shape[1])
    weights = np.linalg.solve(covariance, means.T)
    return weights.astype(np.float32), (-0.5 * (means.T * weights).sum(axis=0)).astype(np.float32)


def _log_prior(codes: np.ndarray, fold: Fold, width: int) -> np.ndarray:
    """(width,) smoothed log-frequencies of the training part; places without a class weigh nothing."""
    classes = int(codes.max()) + 1
    counts = np.bincount(codes[fold.training], minlength=classes)
    found = np.full(width, _ABSENT, np.float32)
    found[:classes] = np.log((counts + 0.5) / (counts.sum() + 0.5 * classes))
    return found


@dataclass(frozen=True)
class _Task:
    """A classifier as :func:`train` takes it."""

    def log_likelihood(self, parameters: Any, prior: jax.Array, rows: Any, scale: Any) -> jax.Array:
        """(n,) ln q(y|t)."""
        t, codes = rows
        weights, offset = parameters["linear"]
        found = t @ weights + offset
        if parameters["network"]:
            found = found + plain(parameters["network"], t)
        logits = jax.nn.log_softmax(prior + scale * found, axis=1)
        return jnp.take_along_axis(logits, codes[:, None], axis=1)[:, 0]

    def loss(self, parameters: Any, fixed: Any, memory: jax.Array, rows: Any) -> tuple[jax.Array, jax.Array]:
        return -self.log_likelihood(parameters, fixed, rows, 1.0).mean(), memory

    def score(self, parameters: Any, fixed: Any, rows: Any, scale: Any = 1.0) -> jax.Array:
        return self.log_likelihood(parameters, fixed, rows, scale).mean()


@partial(jax.jit, static_argnames="task")
def _decoded(task: _Task, parameters: Any, prior: Any, validation: Any, test: Any) -> tuple[jax.Array, jax.Array]:
    """(runs,) scales and (runs, m) ln q(y|t) of the samples held out."""

    def of_run(run: Any) -> tuple[jax.Array, jax.Array]:
        p, base, held, rows = run
        scales = jnp.asarray(_SCALES)
        found = jax.lax.map(lambda s: task.score(p, base, held, s), scales)
        scale = scales[jnp.argmax(found)]
        return scale, task.log_likelihood(p, base, rows, scale)

    return jax.lax.map(of_run, (parameters, prior, validation, test))
