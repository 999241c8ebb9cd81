"""The verbs on arrays: mutual information, conditional mutual information and entropy of samples."""

from __future__ import annotations

from typing import Any

from .ceilings import under_ceilings
from .channels import Channel
from .errors import InputError
from .estimate import Estimate
from .estimators import Estimator, Plugin
from .estimators.automatic import Automatic
from .progress import Progress, silent
from .resampling import Groups, extrapolated, permutation_test, subsampled
from .samples import Variable, pair, variable, whole
from .threads import one_blas_thread

_HALVES = 20  # ten complementary pairs know the standard error to 1 / sqrt(20), between a fifth and a quarter


@one_blas_thread
def mutual_information(
    x: Any,
    y: Any,
    estimator: Estimator | None = None,
    *,
    seed: int = 0,
    null: int = 0,
    groups: Any = None,
    subsamples: int = 0,
    extrapolate: bool = False,
    progress: Progress = silent,
) -> Estimate:
    """Mutual information I(x; y) of paired samples, with its error and its doubts.

    Args:
        x: (n,) or (n, ...) samples from NumPy, JAX, torch or pandas. Floats are continuous; integers, booleans and
            strings discrete.
        y: (n,) or (n, ...) samples paired with ``x``.
        estimator: how; None is :class:`~infoplane.estimators.Automatic`, which chooses for the data and says why.
        seed: seed of whatever is random; 0 or more.
        null: number of shuffles of ``y`` for ``p_value`` and ``null``; 20 resolves p = 0.05.
        groups: (n,) labels of samples that belong together (tokens of one sequence). They are shuffled and subsampled
            together, and the standard error is that of whole groups; shuffling needs groups of one size.
        subsamples: number of random halves, drawn without replacement in complementary pairs (an odd number is rounded
            up), whose differences give the standard error in place of the estimator's own, to 22 % with 20 of them;
            0 for none (20 with ``groups``).
        extrapolate: take the value to 1/n = 0, from n, n/2 and n/4 samples.
        progress: called with (stage, done, total).

    Returns:
        Estimate in nats. A value above the entropy of a discrete argument is left as it is, with a warning.

    Raises:
        InputError: lengths that differ, fewer than 2 samples, nan or infinity, a discrete argument with one class
            only, data that do not fit the estimator, groups that cannot be shuffled, or a negative seed.
    """
    null, subsamples, seed = whole(null, "null"), whole(subsamples, "subsamples"), whole(seed, "seed")
    if subsamples == 1:
        raise InputError("subsamples needs at least 2 halves for a spread, got 1.")
    estimator = _checked(estimator) or Automatic()
    first, second = map(estimator.scaled, pair(x, y))
    members = Groups(groups, first.n)
    for v in (first, second):
        _varies(v)
    progress("estimating", 0, 1)
    prepared = estimator.prepared(first, second, seed=seed)
    found = prepared.estimate(first, second, seed=seed)
    progress("estimating", 1, 1)
    if null:
        found = permutation_test(found, first, second, prepared, members, null=null, seed=seed, progress=progress)
    if subsamples or not members.alone:
        found = subsampled(found, first, second, estimator, members, halves=subsamples or _HALVES, seed=seed)
    if extrapolate:
        found = extrapolated(found, first, second, estimator, members, seed=seed)
    return under_ceilings(found, (first, second))


@one_blas_thread
def conditional_mutual_information(
    x: Any, y: Any, z: Any, estimator: Estimator | None = None, *, seed: int = 0
) -> Estimate:
    """Conditional mutual information I(x; y | z) of samples: what x tells of y once z is known.

    For continuous data the default is nearest neighbours (:class:`~infoplane.estimators.KSG`); a discrete ``z`` is
    taken class by class; other estimators go through the chain rule I(x; y, z) - I(x; z).

    Args:
        x: (n,) or (n, ...) samples; likewise ``y`` and ``z``, all of one length.
        estimator: how; None chooses for the data.
        seed: seed of whatever is random.

    Returns:
        Estimate in nats.

    Raises:
        InputError: lengths that differ, nan or infinity, or data that do not fit the estimator.
    """
    seed = whole(seed, "seed")
    first, second = pair(x, y, who="conditional_mutual_information")
    given = variable(z, "z")
    if given.n != first.n:
        raise InputError(
            f"conditional_mutual_information needs x, y and z of one length, got {first.n} and {given.n} samples."
        )
    for v in (first, second):
        _varies(v)
    estimator = _checked(estimator) or Automatic()
    found = estimator.conditional(*map(estimator.scaled, (first, second, given)), seed=seed)
    return under_ceilings(found, (first, second), given)


@one_blas_thread
def entropy(x: Any, estimator: Estimator | None = None, *, seed: int = 0) -> Estimate:
    """Entropy of samples, in nats: H(x) of discrete data, the differential entropy h(x) of continuous ones.

    Args:
        x: (n,) or (n, ...) samples.
        estimator: None counts discrete values (:class:`~infoplane.estimators.Plugin`) and takes weighted nearest
            neighbours for continuous ones (:class:`~infoplane.estimators.WeightedKL`).
        seed: seed of whatever is random.

    Raises:
        InputError: no samples, nan or infinity, or data that do not fit the estimator.
    """
    given = variable(x, "x")
    from .estimators.weighted import WeightedKL

    chosen = _checked(estimator) or (Plugin() if given.kind == "discrete" else WeightedKL())
    return chosen.entropy(given, seed=whole(seed, "seed"))


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


def _varies(v: Variable) -> None:
    if v.kind == "discrete" and v.n_classes == 1:
        raise InputError(
            f"{v.name} has one class only, so there is nothing to be informed about; add samples of another."
        )
