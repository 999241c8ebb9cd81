"""All information quantities of an infinite ensemble over a grid of times, as one curve of the information plane."""

from __future__ import annotations

import time as clock
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..results import check, provenance
from ..samples import is_real, whole
from . import losses, parameters, quantities
from .dynamics import Evaluation, Modes, Root
from .ensemble import At, checked_draws, checked_times, joint_times
from .targets import Targets

if TYPE_CHECKING:
    from .ensemble import Ensemble

_FLOOR = 1e-12  # of the variance at the start: below it a variance is rounding, and its logarithm would be too
_APART = 0.5  # nats between the two bounds of I(X;Z|D) that call for a warning
_CONVENTION = "gradient flow on the summed half-squared loss; for the mean over N points and O outputs time = t / (N O)"

Variables = dict[str, tuple[str, np.ndarray, dict[str, Any]]]


def information(
    ensemble: Ensemble, x_test: Any, y_test: Any, times: Any, *,
    entropy_target: float | None, draws: int, joint: Any, seed: int,
) -> xr.Dataset:  # fmt: skip
    """See :meth:`Ensemble.information`."""
    started = clock.perf_counter()
    times = np.unique(checked_times(times))
    wanted, draws, seed = joint_times(joint, times), checked_draws(draws), whole(seed, "seed")
    at = ensemble.at(x_test, joint=bool(wanted.any()))
    if wanted.any() and at.nngp.ndim == 1:
        raise InputError("information needs At.nngp as (M, M), not its diagonal, for joint quantities.")
    points = len(at.cross.nngp)
    if points < 2:
        raise InputError(f"information needs two evaluation points or more, got {points}.")
    y = Targets.of(y_test, points, "y_test", ensemble.targets)
    evaluation, modes = ensemble.evaluation(at), ensemble.spectrum.modes(times)
    mean, variance = evaluation.moments(modes)
    notes = ensemble.notes
    variance = _floored(variance, evaluation, notes)
    noise = np.random.default_rng(seed).standard_normal((draws, points, y.values.shape[1]))
    entropy = _entropy(entropy_target, y, notes)
    variables = {
        **_losses(ensemble, mean, variance, y, modes),
        **_input(mean, variance, noise, notes),
        **_target(mean, variance, y, noise, entropy),
        **_data(mean, variance, evaluation),
        **(_joint(ensemble, evaluation, at, y, times, wanted) if wanted.any() else {}),
        **({} if ensemble.ridge else _parameters(ensemble, modes)),
    }
    if ensemble.ridge:
        notes.append("With ridge, quantities of the parameters are not defined and are left out.")
    attributes = provenance(
        device="CPU",
        kind="ensemble",
        method=repr(ensemble),
        kernel=ensemble.kernel,
        ridge=ensemble.ridge,
        time_convention=_CONVENTION,
        n_train=len(ensemble.targets.values),
        n_test=points,
        outputs=y.values.shape[1],
        draws=draws,
        seed=seed,
        ceiling_mi_input=float(np.log(points)),
        ceiling_mi_target=None if y.codes is None else entropy,
        entropy_target=entropy,
        condition_tangent=ensemble.spectrum.condition,
        condition_covariance=ensemble.spectrum.root.condition_at_least,
        modes_at_floor=ensemble.spectrum.at_floor,
        notes=notes,
        wall_time=clock.perf_counter() - started,
    )
    return check(xr.Dataset(variables, {"time": times}, attributes))


def _floored(variance: np.ndarray, evaluation: Evaluation, notes: list[str]) -> np.ndarray:
    """(times, M) variances of which none is 0, so that outputs have densities.

    Raises:
        InputError: an output that is 0 at every start and moves in training: its law is no longer one of densities.
    """
    fixed = evaluation.prior == 0.0
    if np.any(evaluation.tangent[fixed]):
        point = int(np.flatnonzero(fixed & evaluation.tangent.any(axis=1))[0])
        raise InputError(
            "information needs outputs that vary over starts wherever training moves them; at evaluation point "
            f"{point} the covariance is 0 and the tangent kernel is not, so the KL to the start is infinite."
        )
    raised = ~fixed & (variance < _FLOOR * evaluation.prior)
    if raised.any():
        notes.append(f"{raised.sum()} variances of outputs are below rounding and were raised to 1e-12 of the prior's.")
    typical = float(evaluation.prior[~fixed].mean()) if not fixed.all() else 1.0
    if fixed.any():
        notes.append(
            f"The output at {fixed.sum()} evaluation point(s) is 0 for certain, before and after training (an input "
            "of zeros without biases): KL 0 to the start; elsewhere it counts as a variance of 1e-12 of the mean one."
            + (" The upper bound of I(X;Z|D) is infinite without that." if fixed.sum() == 1 else "")
        )
    return np.maximum(variance, _FLOOR * np.where(fixed, typical, evaluation.prior))


def _entropy(given: float | None, y: Targets, notes: list[str]) -> float:
    if given is not None:
        if not is_real(given) or not np.isfinite(given):
            raise InputError(f"information needs entropy_target as a finite number of nats, got {given!r}.")
        return float(given)
    found = y.entropy()
    if y.classes is None and np.isfinite(found):
        notes.append("H(Y) is that of a normal law with the covariance of y_test: mi_target is a bound if Y is normal.")
    elif not np.isfinite(found):
        notes.append("The covariance of y_test is singular, so H(Y) is unknown and mi_target nan; pass entropy_target.")
    return found


def _named(values: np.ndarray, quantity: str, direction: str = "exact", unit: str = "nats") -> tuple:
    return "time", values, {"quantity": quantity, "direction": direction, "unit": unit}


def _error(values: np.ndarray, quantity: str) -> tuple:
    """A standard error or a spread, which has no direction."""
    return "time", values, {"quantity": quantity, "unit": "nats"}


def _losses(ensemble: Ensemble, mean: np.ndarray, variance: np.ndarray, y: Targets, modes: Modes) -> Variables:
    """Means over the evaluation points, and the gap to the training points."""
    each = losses.gibbs(mean, variance, y.values)
    test = each.mean(axis=1)
    found = {
        "loss_gibbs": _named(test, "E[-ln N(y; Z, 1)] per example"),
        "loss_gibbs_stderr": _error(_stderr(each), "standard error over points"),
        "loss_bayes": _named(
            losses.bayes(mean, variance, y.values).mean(axis=1), "-ln E[N(y; Z, 1)] per example, points on their own"
        ),
        "squared_error": _named(
            ((y.values - mean) ** 2).sum(axis=2).mean(axis=1), "squared error of the mean output", unit="1"
        ),
    }
    if not ensemble.ridge:
        train = losses.gibbs_training(ensemble.spectrum, modes)
        found["loss_gibbs_train"] = _named(train, "the same on the training points")
        found["generalisation_gap"] = _named(test - train, "Gibbs loss on test minus training points")
    if y.codes is not None:
        found["accuracy"] = _named(losses.accuracy(mean, y.codes), "share of largest mean outputs", unit="1")
    return found


def _input(mean: np.ndarray, variance: np.ndarray, noise: np.ndarray, notes: list[str]) -> Variables:
    found = quantities.input_information(mean, variance, noise)
    ceiling = np.log(mean.shape[1])
    if (found.lower > ceiling - 1).any():
        notes.append(
            f"The lower bound of I(X;Z|D) comes within 1 nat of its ceiling ln M = {ceiling:.3g}; take more x."
        )
    if (found.upper - found.lower > _APART).any():
        notes.append(
            f"The bounds of I(X;Z|D) are up to {(found.upper - found.lower).max():.2g} nats apart; take more points."
        )
    # Both are valid in expectation, so two draws of them may cross where they are tight.
    return {
        "mi_input": _named(found.upper, "I(X;Z|D)", "upper"),
        "mi_input_stderr": _error(found.upper_stderr, "standard error of the upper bound over points"),
        "mi_input_lower": _named(found.lower, "I(X;Z|D)", "lower"),
        "mi_input_upper": _named(found.upper, "I(X;Z|D)", "upper"),
        "mi_input_lower_stderr": _error(found.lower_stderr, "standard error of the lower bound over points"),
        "mi_input_spread": _error(found.upper_spread, "standard deviation of the upper bound from draw to draw"),
        "mi_input_lower_spread": _error(found.lower_spread, "standard deviation of the lower bound from draw to draw"),
    }


def _target(mean: np.ndarray, variance: np.ndarray, y: Targets, noise: np.ndarray, entropy: float) -> Variables:
    found: Variables = {}
    if y.codes is not None:
        bound = quantities.class_information(mean, variance, y.codes, noise, entropy)
        how = "softmax of scaled outputs"
    else:
        bound = quantities.target_information(mean, variance, y.values, entropy)
        how = "unit slope"
        affine = quantities.target_information_affine(mean, variance, y.values, entropy)
        found["mi_target_affine"] = _named(affine.value, "I(Z;Y|D)", "lower")
        found["mi_target_affine_stderr"] = _error(affine.stderr, "standard error over points")
    dims, values, attributes = _named(bound.value, "I(Z;Y|D)", "lower")
    return {
        "mi_target": (dims, values, {**attributes, "decoder": how}),
        "mi_target_stderr": _error(bound.stderr, "standard error over points"),
        "mi_target_lower": _named(values, "I(Z;Y|D)", "lower"),
        "mi_target_upper": _named(np.full(len(values), np.nan), "I(Z;Y|D)", "upper"),
        **found,
    }


def _data(mean: np.ndarray, variance: np.ndarray, evaluation: Evaluation) -> Variables:
    each = quantities.output_divergence(mean, variance, evaluation.prior)
    return {
        "mi_output_data": _named(
            each.mean(axis=1),
            "KL(p(z|x,D) || p_0(z|x)) of this D, mean over points; its mean over D bounds I(Z;D|X)",
            "upper",
        ),
        "mi_output_data_stderr": _error(_stderr(each), "standard error over points"),
    }


def _joint(
    ensemble: Ensemble, evaluation: Evaluation, at: At, y: Targets, times: np.ndarray, wanted: np.ndarray
) -> Variables:
    """Of all points together, nan at times not asked for."""
    bayes, data, train = (np.full(len(times), np.nan) for _ in range(3))
    prior = Root.of(at.nngp)
    for t in np.flatnonzero(wanted):
        mean, covariance = evaluation.joint(times[t], at.nngp)
        bayes[t] = losses.bayes_joint(mean, covariance, y.values)
        data[t] = quantities.output_divergence_joint(mean, covariance, prior)
    if not ensemble.ridge:
        train[wanted] = losses.bayes_joint_training(ensemble.spectrum, ensemble.spectrum.modes(times[wanted]))
    found = {
        "loss_bayes_joint": _named(bayes, "-ln E[N(y; Z, 1)] of all points together, per example"),
        "mi_output_data_joint": _named(
            data,
            "KL to the start of all evaluation points together, of this D; its mean over D bounds I(Z;D|X)",
            "upper",
        ),
    }
    if not ensemble.ridge:
        found["loss_bayes_joint_train"] = _named(train, "the same on the training points")
    return found


def _parameters(ensemble: Ensemble, modes: Modes) -> Variables:
    spectrum = ensemble.spectrum
    found = parameters.information(spectrum, modes, ensemble.curvature)
    output = parameters.output_divergence(spectrum, modes)
    name = "mi_parameters_data" if found.curvature is not None else "mi_parameters_data_linearised"
    what, direction = (
        ("KL(p(theta|D) || p_0) of this D; its mean over D bounds I(Theta;D)", "upper")
        if found.curvature is not None
        else ("KL(p(theta|D) || p_0) of this D without its curvature term; no bound of I(Theta;D)", "estimate")
    )
    fisher, count = parameters.fisher(spectrum), len(modes.times)
    variables = {
        name: _named(found.total, what, direction),
        "mi_parameters_data_volume": _named(found.volume, "volume term of that KL"),
        "mi_parameters_data_overlap": _named(found.overlap, "overlap term of that KL, subtracted"),
        "mi_parameters_data_distance": _named(found.distance, "distance term of that KL"),
        "mi_output_data_joint_train": _named(
            output, "KL of the outputs at the training points to the start; the parameters' KL is no smaller"
        ),
        "fisher_trace": _named(np.full(count, fisher.trace), "trace of the Fisher information", unit="1"),
        "effective_dimension": _named(
            np.full(count, fisher.effective_dimension), "O sum lambda / (lambda + 1)", unit="1"
        ),
        "modes_learned": _named(modes.learned.sum(axis=1), "sum of 1 - exp(-time lambda)", unit="1"),
        "parameter_distance": _named(
            parameters.parameter_distance(spectrum, modes), "E squared distance of the parameters", unit="1"
        ),
        "action": _named(parameters.action(spectrum, modes), "integral of the squared speed", unit="1"),
        "fisher_energy": _named(
            parameters.fisher_energy(spectrum, modes), "integral of the squared speed in the Fisher metric", unit="1"
        ),
        "fisher_distance": _named(
            parameters.fisher_distance(spectrum, modes), "E squared straight distance, Fisher metric", unit="1"
        ),
        "path_bound": _named(
            parameters.path_bound(spectrum, modes), "bound of the expected path length", "upper", unit="1"
        ),
    }
    if found.curvature is not None:
        variables["mi_parameters_data_curvature"] = _named(found.curvature, "curvature term of that KL")
    return variables


def _stderr(values: np.ndarray) -> np.ndarray:
    return values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
