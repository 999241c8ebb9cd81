"""The verbs on arrays: mutual information and entropy of samples."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .channels import Channel
from .errors import InputError
from .estimate import Estimate
from .estimators import Binned, Estimator, Plugin
from .samples import Variable, pair, variable, whole


def mutual_information(
    x: Any,
    y: Any,
    estimator: Estimator | None = None,
    *,
    seed: int = 0,
    null: int = 0,
    groups: Any = None,
) -> Estimate:
    """Mutual information I(x; y) of paired samples, with its error and its doubts.

    Args:
        x: (n,) or (n, ...) samples from NumPy, JAX, torch or pandas. Floats are continuous; integers, booleans and
            strings discrete.
        y: (n,) or (n, ...) samples paired with ``x``.
        estimator: how; None chooses for the data and says why in ``notes``.
        seed: seed of whatever is random; 0 or more.
        null: number of shuffles of ``y`` for ``p_value`` and ``null``; 20 resolves p = 0.05.
        groups: (n,) labels of samples that belong together (tokens of one sequence); whole groups are then shuffled,
            so all must have one size.

    Returns:
        Estimate in nats.

    Raises:
        InputError: lengths that differ, fewer than 2 samples, nan or infinity, a discrete argument with one class
            only, data that do not fit the estimator, groups that cannot be shuffled, or a negative seed.
    """
    if not isinstance(null, int | np.integer) or null < 0:
        raise InputError(f"null is a number of shuffles, 0 or more (20 is usual), got {null!r}.")
    seed = whole(seed, "seed")
    first, second = pair(x, y)
    members = None if groups is None else _groups(groups, first.n)
    estimator = _checked(estimator)
    reason = ()
    if estimator is None:
        estimator, reason = _choose(first, second)
    for v in (first, second):
        if v.kind == "discrete" and v.n_classes == 1:
            raise InputError(
                f"{v.name} has one class only, so there is nothing to be informed about; add samples of another."
            )
    found = estimator.estimate(first, second, seed=seed)
    if null:
        shuffled = _null(first, second, estimator, seed, null, members)
        larger = int((shuffled >= found.value).sum())
        found = dataclasses.replace(found, p_value=(1 + larger) / (1 + null), null=float(shuffled.mean()))
    return dataclasses.replace(found, notes=(*reason, *found.notes))


def entropy(x: Any, estimator: Estimator | None = None, *, seed: int = 0) -> Estimate:
    """Entropy H(x) of samples, in nats.

    Args:
        x: (n,) or (n, ...) samples; discrete unless the estimator takes floats.
        estimator: None counts discrete values (:class:`Plugin`).
        seed: seed of whatever is random.

    Raises:
        InputError: no samples, nan or infinity, or data that do not fit the estimator.
    """
    return (_checked(estimator) or Plugin()).entropy(variable(x, "x"), seed=whole(seed, "seed"))


def _checked(estimator: Any) -> Estimator | None:
    if estimator is None or isinstance(estimator, Estimator):
        return estimator
    if isinstance(estimator, type) and issubclass(estimator, Estimator):
        raise InputError(f"Pass an estimator, not its class: {estimator.__name__}().")
    if isinstance(estimator, Channel):
        raise InputError(
            f"{estimator} is a channel, not an estimator; "
            "write Binned(...) for Quantize, PairwiseBounds(...) for noise."
        )
    raise InputError(f"estimator must be an object such as Binned(bins=30) or None, got {estimator!r}.")


def _choose(x: Variable, y: Variable) -> tuple[Estimator, tuple[str, ...]]:
    if x.kind == y.kind == "discrete":
        return Plugin("miller-madow"), ("Chosen Plugin with the Miller-Madow correction: both variables are discrete.",)
    dims = sum(v.dim for v in (x, y) if v.kind == "continuous")
    bins = int(np.clip((x.n / 5) ** (1 / dims), 2, 30))
    return Binned(bins, correction="miller-madow"), (
        f"Chosen Binned with {bins} bins: about five samples a cell in {dims} continuous dimension(s). "
        "The value is that of the binned data, in general below that of the continuous ones.",
    )


def _null(
    x: Variable, y: Variable, estimator: Estimator, seed: int, null: int, members: np.ndarray | None
) -> np.ndarray:
    random = np.random.default_rng([seed, 0x0E11])
    if members is None:
        orders = (random.permutation(x.n) for _ in range(null))
    else:
        orders = (_shuffle_groups(members, random) for _ in range(null))
    return np.array([estimator.estimate(x, Variable(y.values[order], "y"), seed=seed).value for order in orders])


def _groups(groups: Any, n: int) -> np.ndarray:
    """(n_groups, size) indices of the members of each group, in order."""
    labels = variable(groups, "groups")
    if labels.n != n:
        raise InputError(f"groups needs one label a sample, got {labels.n} for {n} samples.")
    sizes = np.bincount(labels.codes)
    if len(set(sizes.tolist())) > 1:
        raise InputError(
            f"groups must all have one size to be shuffled whole, got sizes {sizes.min()} to {sizes.max()}."
        )
    return np.argsort(labels.codes, kind="stable").reshape(len(sizes), -1)


def _shuffle_groups(members: np.ndarray, random: np.random.Generator) -> np.ndarray:
    order = np.empty(members.size, np.int64)
    order[members.ravel()] = members[random.permutation(len(members))].ravel()
    return order
