"""One training loop for every neural estimator: many data sets at once, early stopping, a stated budget.

A task is a hashable object that knows its parameters, its loss and its validation score. ``train`` runs one network for
every data set (cells x folds) as one compiled program, keeps of each the parameters that scored best on its validation
part, and ends when none has improved for ``patience`` rounds. Programs are cached by task, budget and shapes.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ..errors import InputError
from ..samples import is_real, is_whole

_VALIDATION = 8  # one sample to learn from in so many decides when to stop
_MOST_VALIDATION = 2048
Rows = Any  # a tuple of arrays (n, ...) of one data set; with a leading axis (runs,) where many are trained


class Task(Hashable, Protocol):
    """What is trained: everything static, so that equal tasks share one compiled program."""

    def loss(self, parameters: Any, fixed: Any, memory: jax.Array, rows: Rows) -> tuple[jax.Array, jax.Array]:
        """What a step descends on a batch, and the memory (a number) it hands to the next step."""
        ...

    def score(self, parameters: Any, fixed: Any, rows: Rows) -> jax.Array:
        """What early stopping looks at on the validation part; more is better."""
        ...


@dataclass(frozen=True)
class Budget:
    """How long and how a network is trained.

    Attributes:
        steps: updates at most.
        batch: samples an update.
        learning_rate: Adam's, decayed by a cosine over ``steps``.
        weight_decay: decoupled decay of the weights.
        every: updates between two looks at the validation part.
        patience: looks without improvement before it ends; 0 trains to the end and keeps the last parameters.
    """

    steps: int = 1000
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    every: int = 50
    patience: int = 5


class Fold(NamedTuple):
    """Indices of one fold: what is learned from, what decides when to stop, what is evaluated.

    Training and validation parts have one size in every fold; the evaluated parts may differ by one.
    """

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def folded(n: int, folds: int, seed: int, classes: np.ndarray | None = None) -> list[Fold]:
    """Folds of n samples; with (n,) ``classes`` each has its share of every class.

    Seven eighths of the samples outside a fold are learned from, one eighth (2,048 at most) validates.
    """
    random = np.random.default_rng([seed, 1])
    order = random.permutation(n)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    size = n - -(-n // folds)
    held = max(min(size // _VALIDATION, _MOST_VALIDATION), 4)
    found = []
    for fold in range(folds):
        rest = random.permutation(np.delete(order, slice(fold, None, folds)))[:size]
        found.append(Fold(rest[held:], rest[:held], order[fold::folds]))
    return found


def filled(rows: np.ndarray, size: int, most: int) -> np.ndarray:
    """(groups, g) of (at most ``size``) indices in groups of one size g <= most, filled up from the start."""
    count = -(-size // most)
    return np.resize(rows, count * -(-size // count)).reshape(count, -1)


class Trained(NamedTuple):
    """Networks after training.

    Attributes:
        parameters: leaves (runs, ...), the best on the validation part.
        score: (runs,) their validation score.
        best_step: (runs,) updates after which they were kept.
        steps: updates made.
    """

    parameters: Any
    score: jax.Array
    best_step: jax.Array
    steps: jax.Array


class _State(NamedTuple):
    round: jax.Array
    parameters: jax.Array  # (runs, all of them in a row): one array compiles and updates faster than a tree
    optimizer: Any
    memory: jax.Array
    best: jax.Array
    score: jax.Array
    best_round: jax.Array


def train(
    task: Task, budget: Budget, parameters: Any, fixed: Any, training: Rows, validation: Rows, *, seed: int
) -> Trained:
    """Train one network a data set, all of them in one compiled program.

    Args:
        task: what is trained.
        budget: for how long.
        parameters: leaves (runs, ...), where training starts.
        fixed: leaves (runs, ...) that are not trained, such as a closed-form base.
        training: leaves (runs, n, ...), rows in random order.
        validation: leaves (runs, ...), in whatever shape the task's score takes them.
        seed: of the batches.
    """
    runs, n = jax.tree.leaves(training)[0].shape[:2]
    strides = _strides(runs, budget, n, np.random.default_rng([seed, 3]))
    with jax.enable_x64(False):
        return _train(task, budget, *jax.tree.map(np.asarray, (parameters, fixed, training, validation, strides)))


def _strides(runs: int, budget: Budget, n: int, random: np.random.Generator) -> np.ndarray:
    """(runs, steps, 2) start and stride of every batch: rows start, start + stride, ... modulo n, all distinct.

    Drawn here because a random generator inside the loop takes longer to compile than all else.
    """
    most = min(n, 2**31 // max(budget.batch, 1))
    coprime = np.array([s for s in random.integers(1, most, 400) if math.gcd(int(s), n) == 1] + [1])
    shape = (runs, budget.steps)
    return np.stack([random.integers(0, n, shape), random.choice(coprime, shape)], axis=-1).astype(np.int32)


@partial(jax.jit, static_argnames=("task", "budget"))
def _train(
    task: Task, budget: Budget, parameters: Any, fixed: Any, training: Rows, validation: Rows, strides: jax.Array
) -> Trained:
    optimizer = _optimizer(budget)
    n = jax.tree.leaves(training)[0].shape[1]
    every = min(budget.every, budget.steps)
    rounds = -(-budget.steps // every)
    places = jnp.arange(min(budget.batch, n))

    unravel = ravel_pytree(jax.tree.map(lambda leaf: leaf[0], parameters))[1]
    flat = jax.vmap(lambda tree: ravel_pytree(tree)[0])(parameters)

    def loss(flat: jax.Array, fixed: Any, memory: jax.Array, batch: Rows) -> tuple[jax.Array, jax.Array]:
        return task.loss(unravel(flat), fixed, memory, batch)

    def score_of(flat: jax.Array, fixed: Any, rows: Rows) -> jax.Array:
        return task.score(unravel(flat), fixed, rows)

    def step(carry: tuple, stride: jax.Array, rows: Rows, fixed: Any) -> tuple:
        parameters, state, memory = carry
        chosen = (stride[0] + stride[1] * places) % n
        batch = jax.tree.map(lambda leaf: leaf[chosen], rows)
        gradient, memory = jax.grad(loss, has_aux=True)(parameters, fixed, memory, batch)
        updates, state = optimizer.update(gradient, state, parameters)
        return parameters + updates, state, memory

    def all_step(i: jax.Array, carry: tuple) -> tuple:
        return jax.vmap(step)(carry, strides[:, i], training, fixed)

    def advance(state: _State) -> _State:
        carry = (state.parameters, state.optimizer, state.memory)
        first = (state.round - 1) * every  # the first round only scores what it was given
        begin, end = jnp.maximum(first, 0), jnp.minimum(first + every, budget.steps)
        parameters, inner, memory = jax.lax.fori_loop(begin, end, all_step, carry)
        score = jax.vmap(score_of)(parameters, fixed, validation)
        better = score > state.score if budget.patience else jnp.ones_like(score, bool)
        best = jnp.where(better[:, None], parameters, state.best)
        best_round = jnp.where(better, state.round, state.best_round)
        score = jnp.where(better, score, state.score)
        return _State(state.round + 1, parameters, inner, memory, best, score, best_round)

    def goes_on(state: _State) -> jax.Array:
        waited = (state.round - 1 - state.best_round).min()
        return (state.round <= rounds) & ((waited < budget.patience) if budget.patience else True)

    runs = strides.shape[0]
    start = _State(
        jnp.zeros((), jnp.int32),
        flat,
        jax.vmap(optimizer.init)(flat),
        jnp.zeros(runs),
        flat,
        jnp.full(runs, -jnp.inf),
        jnp.zeros(runs, jnp.int32),
    )
    end = jax.lax.while_loop(goes_on, advance, start)
    taken = jnp.minimum(jnp.stack([end.best_round, jnp.broadcast_to(end.round - 1, (runs,))]) * every, budget.steps)
    return Trained(jax.vmap(unravel)(end.best), end.score, taken[0], taken[1, 0])


def _optimizer(budget: Budget) -> Any:
    import optax  # late: it is slow to import and most calls need no training

    schedule = optax.cosine_decay_schedule(budget.learning_rate, budget.steps, alpha=0.02)
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(schedule, weight_decay=budget.weight_decay / budget.learning_rate),
    )


def check_budget(who: str, budget: Budget, folds: int) -> None:
    """One sentence for a setting that cannot be.

    Raises:
        InputError: naming it.
    """
    for name, value, low in (
        ("steps", budget.steps, 1),
        ("batch", budget.batch, 2),
        ("patience", budget.patience, 0),
        ("folds", folds, 2),
    ):
        if not is_whole(value) or value < low:
            raise InputError(f"{who} needs a whole number, {low} or more, as {name}, got {value!r}.")
    if not (is_real(budget.learning_rate) and 0 < budget.learning_rate < 1):
        raise InputError(f"{who} needs a learning_rate between 0 and 1, got {budget.learning_rate!r}.")
