"""The Gaussian Information Bottleneck and its dual in closed form, for jointly normal X and Y known by covariances.

The best T is a noisy linear projection, T = A X + N(0, I). Its rows point along the canonical directions of X, those
whose correlations rho_i with Y are the canonical ones; with lambda_i = 1 - rho_i^2 the spread of component i, in units
of the noise, is s_i - 1 with s_i = b rho_i^2 / lambda_i, where b is beta - 1 for IB and beta for the dual, and the
component is active where s_i > 1. So the dual at beta is IB at beta + 1. I(X;T) = 1/2 sum ln s_i, and
I(T;Y) = I(X;T) - 1/2 sum ln[(b + 1) rho_i^2], over the active components.

Source: Chechik, Globerson, Tishby & Weiss 2005; the dual is derived for this package from arXiv:2006.04641.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..errors import InputError
from ..results import provenance
from ..samples import variable, whole
from .annealed import IB, DualIB
from .base import Method, checked_beta
from .covariances import Canonical, canonical

_STREAM = 20050101  # the noise of T is not the stream of default_rng(seed), which may have made X


@dataclass(frozen=True, eq=False)
class GaussianSolution:
    """The optimum at one beta: T = A X + N(0, I). All information is in nats.

    A is one of many: T may be turned and scaled, with its noise, and no information changes.

    Attributes:
        method: the functional.
        beta: its multiplier.
        projection: (n_active, dx) A, strongest component first.
        mi_input: I(X;T).
        mi_target: I(T;Y).
        mi_target_geometric: for the dual, the information of p(t) and its own decoder exp E[ln p(y|x) | t], normalised;
            it is no information about Y. nan for IB.
        mi_joint: I(X;Y), which ``mi_target`` never exceeds.
        objective: the method's own cost: I(X;T) - beta I(T;Y), and for the dual I(X;T) + beta E[KL(p(y|t) || p(y|x))].
        eigenvalues: (rank of S_x,) lambda_i = 1 - rho_i^2, ascending; 1 where a direction of X says nothing of Y.
        critical_betas: (rank of S_x,) where component i becomes active, in the method's own beta; inf where never.
        notes: what was dropped or floored.
    """

    method: Method
    beta: float
    projection: np.ndarray = field(repr=False)
    mi_input: float
    mi_target: float
    mi_target_geometric: float
    mi_joint: float
    objective: float
    eigenvalues: np.ndarray
    critical_betas: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def n_active(self) -> int:
        """Components of T."""
        return len(self.projection)

    def encode(self, x: Any, *, seed: int = 0) -> np.ndarray:
        """Samples of T: one for each sample of X, with fresh noise.

        Args:
            x: (n, dx) samples of X, or (n,) where dx = 1. Their mean only shifts T.
            seed: same seed, same bits.

        Returns:
            (n, n_active), without columns where no component is active: T is then a constant.

        Raises:
            InputError: x has another width or is no array of finite numbers; seed is no whole number.
        """
        rows, width = variable(x, "x").values, self.projection.shape[1]
        if rows.dtype.kind not in "fiu" or rows.shape[1] != width:
            raise InputError(
                f"encode needs numbers of shape (n, {width}), the columns of cov_xx, got {rows.dtype} {rows.shape}."
            )
        noise = np.random.default_rng([whole(seed, "seed"), _STREAM]).standard_normal((len(rows), self.n_active))
        return rows.astype(np.float64) @ self.projection.T + noise


def gaussian_solve(
    cov_xx: Any, cov_yy: Any, cov_xy: Any, beta: float, *, method: Method | None = None
) -> GaussianSolution:
    """The best T at one beta, of all T: for jointly normal X and Y no other encoder does better.

    Args:
        cov_xx: (dx, dx) covariance S_x, or one number. Singular ones are whitened by their pseudo-inverse.
        cov_yy: (dy, dy) covariance S_y, likewise.
        cov_xy: (dx, dy) covariances of X with Y; a vector where dx or dy is 1.
        beta: >= 0; it multiplies I(T;Y).
        method: :class:`IB` (if None) or :class:`DualIB`.

    Returns:
        GaussianSolution. Cost O(dx^3 + dy^3), whatever beta.

    Raises:
        InputError: no covariances (not finite, square, symmetric, of one another's shape, without negative variance);
            together impossible (a correlation above 1); beta negative or infinite; another method.
    """
    method = _supported(method, "gaussian_solve")
    beta = checked_beta(beta, "gaussian_solve")
    found = canonical(cov_xx, cov_yy, cov_xy, "gaussian_solve")
    at = _Optima.of(found, method, np.array([beta]))
    gain = at.gain[0]
    active = gain > 0
    rows = found.weights[:, active].T * (np.sqrt(gain[active]) / np.sqrt(found.residual[active]))[:, None]
    projection, eigenvalues, critical = (
        _frozen(values) for values in (rows, found.residual, _critical_betas(found, method))
    )
    return GaussianSolution(
        method, beta, projection, float(at.mi_input[0]), float(at.mi_target[0]),
        mi_target_geometric=float(at.geometric[0]) if isinstance(method, DualIB) else np.nan,
        mi_joint=found.information, objective=float(at.objective[0]),
        eigenvalues=eigenvalues, critical_betas=critical, notes=found.notes,
    )  # fmt: skip


def gaussian_curve(cov_xx: Any, cov_yy: Any, cov_xy: Any, betas: Any, method: Method | None = None) -> xr.Dataset:
    """The optimum at every beta, as a curve of the information plane.

    Args:
        cov_xx: (dx, dx) covariance of X, as for :func:`gaussian_solve`.
        cov_yy: (dy, dy) covariance of Y.
        cov_xy: (dx, dy) covariances of X with Y.
        betas: (m,) values >= 0, in any order, or one.
        method: :class:`IB` (if None) or :class:`DualIB`.

    Returns:
        Dataset over ``beta``, ascending, in nats: ``mi_input``, ``mi_target``, ``mi_target_geometric`` (dual),
        ``objective``, ``n_components``; ``gap`` is 0, ``converged`` true and ``interpolated`` false throughout, as the
        form is closed. The attributes hold I(X;Y) as ``mi_joint``, and as JSON ``eigenvalues``, the finite
        ``critical_betas`` and ``notes``.

    Raises:
        InputError: as :func:`gaussian_solve`; no betas.
    """
    started = time.perf_counter()
    method = _supported(method, "gaussian_curve")
    beta = _checked_betas(betas)
    found = canonical(cov_xx, cov_yy, cov_xy, "gaussian_curve")
    at = _Optima.of(found, method, beta)
    critical = _critical_betas(found, method)
    exact = {"direction": "exact", "unit": "nats"}
    variables = {
        "mi_input": ("beta", at.mi_input, {"quantity": "I(X;T)", **exact}),
        "mi_target": ("beta", at.mi_target, {"quantity": "I(T;Y)", **exact}),
        **({"mi_target_geometric": ("beta", at.geometric)} if isinstance(method, DualIB) else {}),
        "objective": ("beta", at.objective),
        "gap": ("beta", np.zeros(len(beta))),
        "n_components": ("beta", (at.gain > 0).sum(axis=1).astype(np.int32)),
        "converged": ("beta", np.ones(len(beta), bool)),
        "interpolated": ("beta", np.zeros(len(beta), bool)),
    }
    attributes = provenance(
        device="CPU",
        kind="curve",
        method=method.name,
        task="jointly normal X and Y",
        mi_joint=found.information,
        eigenvalues=found.residual.tolist(),
        critical_betas=critical[np.isfinite(critical)].tolist(),
        notes=list(found.notes),
        command=f"infoplane.bottleneck.gaussian_curve(cov_xx, cov_yy, cov_xy, betas, {method.name})",
        wall_time=time.perf_counter() - started,
    )
    return xr.Dataset(variables, {"beta": beta}, attributes)


def gaussian_information_curve(cov_xx: Any, cov_yy: Any, cov_xy: Any, mi_input: Any) -> np.ndarray:
    """The most I(T;Y) that I(X;T) nats can buy: the curve itself, without beta, the same for IB and its dual.

    With n active components, I_Y = I_X - n/2 ln[prod rho_i^(2/n) + e^(2 I_X / n) prod lambda_i^(1/n)]; component n
    enters at I_X = 1/2 sum_{i<n} ln[lambda_n rho_i^2 / (lambda_i rho_n^2)] (Chechik et al. 2005).

    Args:
        cov_xx: (dx, dx) covariance of X, as for :func:`gaussian_solve`.
        cov_yy: (dy, dy) covariance of Y.
        cov_xy: (dx, dy) covariances of X with Y.
        mi_input: values of I(X;T) in nats, >= 0, of any shape.

    Returns:
        I(T;Y) in nats, of the same shape.

    Raises:
        InputError: as :func:`gaussian_solve`; a rate that is negative or not finite.
    """
    rates = _numbers(mi_input, "gaussian_information_curve", "mi_input in nats")
    found = canonical(cov_xx, cov_yy, cov_xy, "gaussian_information_curve")
    there = found.squared > 0
    if not there.any():
        return np.zeros(rates.shape)
    log_squared, log_residual = np.log(found.squared[there]), np.log(found.residual[there])
    odds, count = log_squared - log_residual, np.arange(1, there.sum() + 1)
    # The first enters at 0; rounding in equal components must not undo the order.
    entries = np.maximum.accumulate(0.5 * (np.cumsum(odds) - count * odds))
    n = np.searchsorted(entries[1:], rates, side="right") + 1
    mean_squared, mean_residual = (np.cumsum(v)[n - 1] / n for v in (log_squared, log_residual))
    # I_X is taken into the logarithm, where large rates cancel.
    return np.asarray(-0.5 * n * np.logaddexp(mean_squared - 2.0 * rates / n, mean_residual))


class _Optima(NamedTuple):
    """What the best T has at m values of beta.

    Attributes:
        gain: (m, k) lambda_i (s_i - 1), 0 where component i is not active.
        mi_input, mi_target, geometric, objective: (m,) as in :class:`GaussianSolution`.
    """

    gain: np.ndarray
    mi_input: np.ndarray
    mi_target: np.ndarray
    geometric: np.ndarray
    objective: np.ndarray

    @classmethod
    def of(cls, found: Canonical, method: Method, beta: np.ndarray) -> _Optima:
        """All of them at once, from s_i - 1 rather than s_i: right to the last digits next to a critical beta."""
        squared, residual = found.squared, found.residual
        dual = isinstance(method, DualIB)
        gain = np.maximum((beta if dual else beta - 1.0)[:, None] * squared - residual, 0.0)
        with np.errstate(divide="ignore"):  # ln 0 = -inf is the logarithm of no gain
            log_gain, log_squared = np.log(gain), np.log(squared)
        log_excess = log_gain - np.log(residual)  # ln(s - 1), in logarithms since s may overflow
        mi_input = _half_log1p(log_excess)
        mi_target = _half_log1p(log_excess + log_squared - np.log1p(gain))
        geometric = _half_log1p(log_excess + log_squared - np.log(residual + gain))
        if dual:  # E[KL(p(y|t) || p(y|x))] = 1/2 sum rho^2 / lambda var(x|t), and var(x|t) = 1 / s
            cost = mi_input + beta * 0.5 * (squared / (residual + gain)).sum(axis=1)
        else:
            cost = mi_input - beta * mi_target
        return cls(gain, mi_input, mi_target, geometric, cost)


def _half_log1p(log_excess: np.ndarray) -> np.ndarray:
    """(m,) 1/2 sum ln(1 + e) from (m, k) ln e."""
    return 0.5 * np.logaddexp(0.0, log_excess).sum(axis=1)


def _critical_betas(found: Canonical, method: Method) -> np.ndarray:
    """(k,) 1 / rho^2 for IB, one less for the dual."""
    with np.errstate(divide="ignore"):
        return (found.residual if isinstance(method, DualIB) else 1.0) / found.squared


def _supported(method: Method | None, who: str) -> Method:
    if method is None:
        return IB()
    if not isinstance(method, IB | DualIB):
        name = method.name if isinstance(method, Method) else repr(method)
        raise InputError(f"{who} has closed forms for IB() and DualIB() only, got {name}.")
    if isinstance(method, DualIB) and method.family is not None:
        raise InputError(f"{who} needs DualIB() without a family, as normal laws are one, got {method.name}.")
    return method


def _checked_betas(betas: Any) -> np.ndarray:
    values = np.atleast_1d(_numbers(betas, "gaussian_curve", "betas, which multiply I(T;Y),"))
    if values.ndim != 1 or not len(values):
        raise InputError(f"gaussian_curve needs betas of shape (m,), one or more, got shape {values.shape}.")
    return np.sort(values)


def _numbers(values: Any, who: str, what: str) -> np.ndarray:
    """A copy in float64 of finite numbers >= 0."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{who} needs {what} as an array of numbers, got {values!r}.")
    wrong = ~((array >= 0) & np.isfinite(array))
    if wrong.any():
        raise InputError(f"{who} needs {what} finite and 0 or more, got {array[wrong].flat[0]:g}.")
    return array.astype(np.float64)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
