"""A network of finite width over its training, as the ensemble that each of its tangent kernels would make."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..errors import InputError
from ..results import check
from .empirical import as_outputs, asked, held, kernel_drift, multiplied
from .ensemble import At, Ensemble
from .kernels import Kernels
from .repetitions import repeated

Outputs = Callable[[Any], np.ndarray]
Tangents = Callable[[Any], tuple[np.ndarray, np.ndarray]]


class Networks(NamedTuple):
    """Networks by epoch, and how to ask one.

    Attributes:
        by_epoch: their weights.
        starts: weights of networks as they start, whose outputs have the covariance K.
        outputs: of weights, (N + M, O) at training points and test points after them.
        tangents: of weights, the tangent kernels (N, N) of training points and (M, N) of test with training points.
    """

    by_epoch: dict[int, list[Any]]
    starts: list[Any]
    outputs: Outputs
    tangents: Tangents


def empirical_information(
    forward: Callable[[Any, Any], Any], parameters_by_epoch: Mapping[int, Any], train: tuple[Any, Any],
    test: tuple[Any, Any], times: Any, *, networks: bool = False, starts: Sequence[Any] | None = None, **options: Any,
) -> xr.Dataset:  # fmt: skip
    """Kernels, spectrum, drift and information of a JAX network at every epoch kept of its training.

    At every epoch stands the ensemble whose outputs start with the covariance K and move by gradient flow with the
    tangent kernel T of that epoch, held fixed. At the first epoch it is the linearised network; where later epochs say
    the same, so does infinite width, and where they differ, the network has left that theory. The information is of
    this ensemble, not of the one trained network, whose output is a function of the input: its I(X;Z) is infinite, or
    whatever a bin width makes of it. A time belongs to the ensemble, an epoch to the network.

    K is a covariance over random starts, which one network cannot show: it is the second moment of the outputs, about
    0, of ``starts``, initialised and not trained. With S starts and O outputs a variance is known to a share of
    sqrt(2 / (S O)) of itself, and K has rank S O at most. It is the same at every epoch.

    For PyTorch see :func:`infoplane.torch.empirical_information`.

    Args:
        forward: called with (parameters, x), gives (n,) or (n, O) outputs; each row depends on its own row of x only.
        parameters_by_epoch: by epoch, a pytree; with ``networks=True`` a sequence of them, whose T are averaged.
        train: inputs and targets; as many columns of targets as outputs (classes are columns).
        test: inputs and targets the network was not trained on.
        times: of the summed half-squared loss, from 0 to infinity.
        networks: whether there are several networks at every epoch.
        starts: pytrees of 2 random starts or more; None: the several networks of the first epoch.
        options: ``ridge``, ``relative_ridge`` of :class:`Ensemble`; ``entropy_target``, ``draws``, ``joint`` and
            ``seed`` of :meth:`Ensemble.information`.

    Returns:
        Dataset over (epoch, time) as of :meth:`Ensemble.information`; over (epoch) ``drift``, ``alignment`` and
        ``participation`` and over (epoch, mode) ``eigenvalues`` as of :func:`kernel_drift`; ``kernel_ntk`` over
        (epoch, point, other_point) and ``kernel_nngp`` over (point, other_point) of the training points.

    Raises:
        InputError: one start or none, no epochs, outputs that do not match the targets, or what the ensemble refuses.
    """
    import jax.numpy as jnp

    x_train, x_test = (jnp.asarray(np.asarray(one[0])) for one in (train, test))

    side = asked(forward)

    def outputs(parameters: Any) -> np.ndarray:
        return np.concatenate([as_outputs(np.asarray(forward(parameters, x)), len(x)) for x in (x_train, x_test)])

    def tangents(parameters: Any) -> tuple[np.ndarray, np.ndarray]:
        mine, theirs = held(side(parameters, x_train)), side(parameters, x_test)
        return multiplied(mine).ntk, multiplied(theirs, mine).ntk

    made = gathered(parameters_by_epoch, networks, starts, outputs, tangents)
    return over_training(made, train[1], test[1], times, options)


def gathered(
    by_epoch: Mapping[int, Any], networks: bool, starts: Sequence[Any] | None, outputs: Outputs, tangents: Tangents
) -> Networks:
    """Networks by epoch, checked.

    Raises:
        InputError: no epochs, no networks, or fewer than two starts.
    """
    if not isinstance(by_epoch, Mapping) or not by_epoch:
        raise InputError(
            "empirical_information needs weights by epoch, such as {0: first, 10: last}, got "
            f"{'none' if isinstance(by_epoch, Mapping) else type(by_epoch).__name__}."
        )
    several = {int(epoch): list(by_epoch[epoch]) if networks else [by_epoch[epoch]] for epoch in sorted(by_epoch)}
    if not all(several.values()):
        raise InputError("empirical_information(networks=True) needs at least one network at every epoch.")
    begun = several[min(several)] if starts is None else list(starts)
    if len(begun) < 2:
        raise InputError(
            "empirical_information needs 2 random starts or more, because K is the covariance of outputs over them, "
            f"got {len(begun)}; pass starts=[...], weights of networks that were initialised anew and not trained."
        )
    return Networks(several, begun, outputs, tangents)


def over_training(made: Networks, y_train: Any, y_test: Any, times: Any, options: Mapping[str, Any]) -> xr.Dataset:
    """The ensemble of every epoch, joined, with the kernels it is made of."""
    of_ensemble = {name: value for name, value in options.items() if name in ("ridge", "relative_ridge")}
    of_information = {name: value for name, value in options.items() if name not in of_ensemble}
    moments = _second_moments(made)
    n = len(np.asarray(y_train))
    found, tangents = {}, {}
    for epoch, several in made.by_epoch.items():
        pairs = [made.tangents(weights) for weights in several]
        own, cross = (np.mean(every, axis=0) for every in zip(*pairs, strict=True))
        if len(own) != n or len(moments) != n + len(np.asarray(y_test)):
            raise InputError(
                f"empirical_information needs a target for every input: {len(own)} training and {len(moments)} inputs "
                f"in all, got {n} and {n + len(np.asarray(y_test))} targets."
            )
        ensemble = Ensemble.from_kernels(Kernels(moments[:n, :n], own), y_train, **of_ensemble)
        _matching(ensemble, made)
        at = At(Kernels(moments[n:, :n], cross), moments[n:, n:])
        found[epoch] = ensemble.information(at, y_test, times, **of_information)
        tangents[epoch] = own
    joined = repeated(found).rename(seed="epoch")
    moved = kernel_drift(tangents)
    joined = joined.assign({str(name): moved[name] for name in ("participation", "drift", "alignment", "eigenvalues")})
    points = ("point", "other_point")
    joined["kernel_ntk"] = (("epoch", *points), np.array(list(tangents.values())))
    joined["kernel_nngp"] = (points, moments[:n, :n])
    notes = [*_notes(made), *json.loads(joined.attrs["notes"])]
    return check(joined.assign_attrs(notes=json.dumps(notes), starts=len(made.starts)))


def _second_moments(made: Networks) -> np.ndarray:
    """(N + M, N + M) mean over starts and outputs of f(x) f(x')."""
    drawn = np.concatenate([made.outputs(weights) for weights in made.starts], axis=1)
    if not np.isfinite(drawn).all():
        raise InputError("empirical_information needs finite outputs, and a start gives nan or infinity.")
    return drawn @ drawn.T / drawn.shape[1]


def _matching(ensemble: Ensemble, made: Networks) -> None:
    have, wanted = made.outputs(made.starts[0]).shape[1], ensemble.targets.values.shape[1]
    if have != wanted:
        raise InputError(
            f"empirical_information needs as many outputs as columns of targets, got {have} outputs and {wanted}."
        )


def _notes(made: Networks) -> list[str]:
    several = max(len(one) for one in made.by_epoch.values())
    outputs = made.outputs(made.starts[0]).shape[1]
    share = np.sqrt(2.0 / (len(made.starts) * outputs))
    return [
        "Information is of the ensemble that the kernels of an epoch would make, not of the trained network itself.",
        f"T is the tangent kernel of {several} network(s); K is the second moment of the outputs of "
        f"{len(made.starts)} start(s), known to about {share:.0%} of itself.",
    ]
