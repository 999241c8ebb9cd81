"""What the neural bounds share: folds, coordinates, training of all data sets at once, evaluation on the rest."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..estimate import Direction, Estimate
from ..samples import Variable, pair
from .base import Estimator
from .critics import Critic, Scores, Separable
from .crossfit import Run, initial, prepared, together
from .training import Budget, check_budget, train

_SCALES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the network on the Gaussian base; the validation part chooses


class Statistics(NamedTuple):
    """All a bound needs of a group of samples.

    Attributes:
        paired: (n,) scores of true pairs.
        rows: (n,) ln of the mean of e^score of x_i with the y of others, clipped where the bound clips.
        columns: (n,) the same of y_i with the x of others.
    """

    paired: Any
    rows: Any
    columns: Any


@dataclass(frozen=True)
class NeuralBound(Estimator):
    """A variational bound with a trained critic; the leaves say which.

    The samples are split into folds. For each, a critic is trained on the others, seven parts in eight of them, stops
    when the eighth part no longer improves, and is evaluated on the fold: every sample is evaluated once by a critic
    that has not seen it.

    Attributes:
        critic: :class:`Separable`, :class:`Concatenated` or :class:`Convolutional`.
        steps: updates at most.
        batch: samples an update.
        learning_rate: Adam's first step size.
        folds: parts for cross-fitting.
        patience: looks (every 50 updates) at the validation part without improvement before training ends.
        held_out: False trains on all samples and evaluates on the same, for all ``steps``: a published protocol, whose
            value is no bound.
    """

    direction: ClassVar[Direction] = "lower"
    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True
    critic: Critic = field(default_factory=Separable)
    steps: int = 2000
    batch: int = 512
    learning_rate: float = 2e-3
    folds: int = 2
    patience: int = 4
    held_out: bool = True

    def __post_init__(self) -> None:
        who = type(self).__name__
        if not isinstance(self.critic, Critic):
            raise InputError(f"{who} needs a critic such as Separable() or Concatenated(), got {self.critic!r}.")
        check_budget(who, self.budget, self.folds)
        if not isinstance(self.held_out, bool):
            raise InputError(f"{who} needs held_out=True or False, got {self.held_out!r}.")
        if not self.held_out:
            object.__setattr__(self, "direction", "estimate")  # read on the training pairs it bounds nothing

    @property
    def budget(self) -> Budget:
        patience = self.patience if self.held_out else 0
        return Budget(self.steps, self.batch, self.learning_rate, weight_decay=1e-4, patience=patience)

    @abc.abstractmethod
    def terms(self, s: Statistics, others: int) -> Any:
        """(n,) numbers whose mean is the bound, from one group of samples; JAX or NumPy arrays."""

    @abc.abstractmethod
    def influence(self, s: Statistics, others: int) -> np.ndarray:
        """(n,) numbers whose spread gives the standard error."""

    @abc.abstractmethod
    def ceiling(self, evaluated: int, others: int) -> tuple[float, str]:
        """What the value cannot pass on so many samples, and why, as a note."""

    def loss(self, scores: Scores, memory: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What training descends, and the memory for the next step."""
        return -self.terms(self.statistics(scores), scores.others).mean(), memory

    def merit(self, scores: Scores) -> jax.Array:
        """What the validation part decides by, from one group of samples; more is better."""
        return self.terms(self.statistics(scores), scores.others).mean()

    def statistics(self, scores: Scores) -> Statistics:
        return Statistics(scores.paired, *scores.log_means())

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        return _estimates(self, [(x, y)], seed)[0]

    def estimate_many(self, x: Sequence[Any], y: Sequence[Any], *, seed: int = 0) -> list[Estimate]:
        """I(x; y) of many data sets of one shape, trained side by side as one compiled program.

        Args:
            x: (cells, n, ...) samples.
            y: (cells, n, ...) samples paired with them.
            seed: seed of folds, networks and batches.

        Raises:
            InputError: shapes that differ between cells.
        """
        if len(x) != len(y) or not len(x):
            raise InputError(f"estimate_many needs as many x as y, at least one, got {len(x)} and {len(y)}.")
        return _estimates(self, [(self.scaled(a), self.scaled(b)) for a, b in map(pair, x, y)], seed)


@dataclass(frozen=True)
class _Task:
    """A bound as :func:`train` takes it."""

    bound: NeuralBound

    def _scores(self, parameters: Any, fixed: Any, rows: Any, scale: Any, training: bool) -> Scores:
        critic = self.bound.critic
        x, y = rows
        others = critic.others(x.shape[0], training)
        scores = critic.scores({**parameters, "base": fixed["base"]}, x, y, scale, others)
        return scores.bounded(fixed["highest"])

    def loss(self, parameters: Any, fixed: Any, memory: jax.Array, rows: Any) -> tuple[jax.Array, jax.Array]:
        return self.bound.loss(self._scores(parameters, fixed, rows, 1.0, training=True), memory)

    def score(self, parameters: Any, fixed: Any, rows: Any, scale: Any = 1.0) -> jax.Array:
        def of_group(group: Any) -> jax.Array:
            scores = self._scores(parameters, fixed, group, scale, training=False)
            return self.bound.merit(scores)

        return jax.lax.map(of_group, rows).mean()


@partial(jax.jit, static_argnames="task")
def _evaluated(task: _Task, parameters: Any, fixed: Any, validation: Any, groups: Any) -> tuple[jax.Array, Statistics]:
    """(runs,) scales of the network and (runs, groups, size) statistics of the samples held out."""
    scales = jnp.asarray(_SCALES if task.bound.critic.gaussian and task.bound.held_out else (1.0,))

    def of_run(run: Any) -> tuple[jax.Array, Statistics]:
        p, base, held, rows = run
        found = jax.lax.map(lambda s: task.score(p, base, held, s), scales)
        scale = scales[jnp.argmax(found)]

        def of_group(group: Any) -> Statistics:
            return task.bound.statistics(task._scores(p, base, group, scale, training=False))

        return scale, jax.lax.map(of_group, rows)

    return jax.lax.map(of_run, (parameters, fixed, validation, groups))


def _estimates(bound: NeuralBound, pairs: list[tuple[Variable, Variable]], seed: int) -> list[Estimate]:
    """Estimates of data sets of one length."""
    who, folds = type(bound).__name__, bound.folds if bound.held_out else 1
    if len({x.n for x, _ in pairs}) > 1:
        raise InputError(f"{who}.estimate_many needs data sets of one length; estimate them one by one.")
    runs = [prepared(who, bound.critic, x, y, folds, seed) for x, y in pairs]
    found = [_nothing(bound, x) for x, _ in pairs]
    live = [i for i, of_pair in enumerate(runs) if of_pair is not None]
    if not live:
        return found
    flat = [run for of_pair in runs for run in of_pair or ()]
    batch = together(flat)
    start = jax.tree.map(lambda *leaves: np.stack(leaves), *initial(bound.critic, batch, seed))
    trained = train(_Task(bound), bound.budget, start, batch.fixed, batch.training, batch.validation, seed=seed)
    with jax.enable_x64(False):
        given = (trained.parameters, batch.fixed, batch.validation, batch.groups)
        scales, statistics = jax.tree.map(np.asarray, _evaluated(_Task(bound), *given))
    for place, i in enumerate(live):
        part = slice(place * folds, (place + 1) * folds)
        found[i] = _summary(
            bound,
            pairs[i][0].n,
            flat[part],
            jax.tree.map(lambda leaf, part=part: leaf[part].astype(np.float64), statistics),
            {
                "steps": int(trained.steps),
                "best_steps": np.asarray(trained.best_step)[part].tolist(),
                "scales": scales[part].tolist(),
            },
        )
    return found


def _summary(bound: NeuralBound, n: int, runs: list[Run], s: Statistics, details: dict[str, Any]) -> Estimate:
    others = bound.critic.others(s.paired.shape[2], training=False)
    values, influences = [], []
    for run, *parts in zip(runs, *s, strict=True):
        paired, rows, columns = (part.ravel()[: len(run.test)] for part in parts)
        own = Statistics(paired, rows, columns)
        values.append(float(bound.terms(own, others).mean()))
        influences.append(bound.influence(own, others))
    weights = np.array([len(run.test) for run in runs]) / n
    value = float(weights @ values)
    stderr = float(np.concatenate([i - i.mean() for i in influences]).std() / math.sqrt(n))
    ceiling, why = bound.ceiling(len(runs[0].test), others)
    notes, warnings = [_protocol(bound, n, details), why], []
    if value > 0.95 * ceiling:
        warnings.append(
            f"The value is within 5 % of the ceiling of {ceiling:.2f} nats: the information may be far more."
        )
    if any(run.dropped for run in runs):
        notes.append(f"{runs[0].dropped} directions of x and y were left out: the training part is too small for them.")
    lower = value if bound.direction == "lower" else math.nan
    return Estimate(
        value=value,
        stderr=stderr,
        lower=lower,
        direction=bound.direction,
        n_samples=n,
        notes=tuple(notes),
        warnings=tuple(warnings),
        method=str(bound),
        details={**details, "folds": values, "ceiling": ceiling},
    )


def _protocol(bound: NeuralBound, n: int, details: dict[str, Any]) -> str:
    if not bound.held_out:
        return f"Evaluated on the {n} pairs it was trained on: the value is no bound and reads high."
    return (
        f"Held out: every pair was evaluated by a critic trained on other folds ({bound.folds}), kept after "
        f"{details['best_steps']} of {details['steps']} updates."
    )


def _nothing(bound: NeuralBound, x: Variable) -> Estimate:
    lower = 0.0 if bound.direction == "lower" else math.nan
    why = "One side does not vary, so there is nothing to be informed about."
    return Estimate(0.0, 0.0, lower, direction=bound.direction, n_samples=x.n, notes=(why,), method=str(bound))
