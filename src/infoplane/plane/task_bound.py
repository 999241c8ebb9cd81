"""The bound of a task: the most I(T;Y) that anything with a given I(X;T) can have, under every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..errors import InputError

if TYPE_CHECKING:
    from ..bottleneck import Joint

_SLOPE_IS_ONE_OVER_BETA = "IB("


@dataclass(frozen=True, eq=False)
class Bound:
    """A concave curve that no layer can exceed, by points on it and lines above it.

    Attributes:
        beta: (points,) not falling, at least 1; the line of slope 1/beta through the point lies above the curve
            (infinite: a flat one).
        mi_input: (points,) I(X;T) in nats, not falling, the first 0.
        mi_target: (points,) I(T;Y) in nats, the first 0.
        certain: whether it is min(I(X;T), H(Y)) of a label that is a function of the input.
    """

    beta: np.ndarray
    mi_input: np.ndarray
    mi_target: np.ndarray
    certain: bool = False

    def __call__(self, mi_input: Any) -> np.ndarray:
        """The most I(T;Y) at these I(X;T), in nats and of any shape: the least of the lines above the curve."""
        rate = np.asarray(mi_input, np.float64)
        least = rate  # the first line: no more of Y than of X
        for beta, x, y in zip(self.beta, self.mi_input, self.mi_target, strict=True):
            least = np.minimum(least, y + (rate - x) / beta if np.isfinite(beta) else y)
        return least

    def least_input(self, mi_target: Any) -> np.ndarray:
        """The I(X;T) that suffices for these I(T;Y), in nats and of any shape: along the chords between the points."""
        return np.interp(np.asarray(mi_target, np.float64), self.mi_target, self.mi_input)

    @property
    def corners(self) -> np.ndarray:
        """(points - 1,) I(X;T) where one line above the curve gives way to the next."""
        slope = 1.0 / self.beta
        height = self.mi_target - self.mi_input * slope
        turn = slope[:-1] - slope[1:]
        return np.divide(np.diff(height), turn, out=self.mi_input[:-1].copy(), where=turn > 1e-15)

    @property
    def gaps(self) -> np.ndarray:
        """(points - 1,) nats between the lines above the curve and the chord under it, at most, from point to point."""
        at = np.clip(self.corners, self.mi_input[:-1], self.mi_input[1:])
        above = self.mi_target[:-1] + (at - self.mi_input[:-1]) / self.beta[:-1]
        width, height = np.diff(self.mi_input), np.diff(self.mi_target)
        share = np.divide(at - self.mi_input[:-1], width, out=np.zeros_like(at), where=width > 0)
        return np.maximum(above - self.mi_target[:-1] - share * height, 0.0)

    @property
    def error(self) -> float:
        """Nats by which the bound can lie above the curve, at most."""
        return float(self.gaps.max(initial=0.0))


def certain(entropy: float) -> Bound:
    """min(I(X;T), H(Y)), the bound of a label that is a function of the input."""
    corner = np.array([0.0, entropy])
    return Bound(np.array([1.0, np.inf]), corner, corner.copy(), certain=True)


def bound_of(given: Bound | Joint | xr.Dataset) -> Bound:
    """The bound that a joint distribution, a curve, or a plane that carries one stands for.

    Args:
        given: a :class:`infoplane.bottleneck.Joint`, whose curve is computed; a dataset with ``mi_input`` and
            ``mi_target`` over ``beta``, as ``bottleneck.curve`` and ``gaussian_curve`` give; or a plane.

    Raises:
        InputError: something else; a curve of a functional whose optima lie below the bottleneck's curve.
    """
    from ..bottleneck import Joint

    if isinstance(given, Bound):
        return given
    if isinstance(given, Joint):
        from .task_curve import TaskCurve

        corner = certain(given.entropy_y)  # of this joint, which need not be that of a plane's own label
        return replace(corner, certain=False) if given.deterministic else TaskCurve(given.p_y_given_x, given.p_x).bound
    if isinstance(given, xr.Dataset):
        if "layer" in given.dims and (carried := bound_of_plane(given)) is not None:
            return carried
        if "beta" in given.dims and "mi_input" in given and "mi_target" in given:
            return _of_curve(given)
    raise InputError(
        "A bound is a Joint, a curve such as infoplane.bottleneck.curve(joint) gives, or a plane that carries one; got "
        f"{f'a dataset over {sorted(map(str, given.dims))}' if isinstance(given, xr.Dataset) else repr(given)}."
    )


def _of_curve(curve: xr.Dataset) -> Bound:
    method = str(curve.attrs.get("method", ""))
    if not method.startswith(_SLOPE_IS_ONE_OVER_BETA):
        raise InputError(
            "A bound needs the curve of the bottleneck itself, whose slopes are 1 / beta, got a curve of "
            f"{method or 'an unnamed method'}: take infoplane.bottleneck.curve(joint) with IB()."
        )
    columns = [curve[name].to_numpy().astype(float) for name in ("mi_input", "mi_target", "beta")]
    gap = curve["gap"].to_numpy().astype(float) if "gap" in curve else np.zeros(len(columns[0]))
    known = np.isfinite(columns[0]) & np.isfinite(columns[1]) & np.isfinite(gap)
    if not known.any():
        raise InputError(
            "A bound needs points whose gap is known, got a curve without any: take infoplane.bottleneck.curve(joint), "
            "which certifies unless told otherwise."
        )
    rate, relevant, beta = (values[known] for values in columns)
    # A line through a point that is short of the optimum by a gap stands that much higher.
    relevant = relevant + np.divide(gap[known], beta, out=np.zeros(len(beta)), where=beta > 0)
    order = np.lexsort((beta, rate))
    rate, relevant, beta = np.append(0.0, rate[order]), np.append(0.0, relevant[order]), np.append(1.0, beta[order])
    beta = np.maximum.accumulate(np.maximum(beta, 1.0))
    most = float(curve.attrs.get("mi_joint", np.inf))
    if np.isfinite(beta[-1]) and np.isfinite(most):
        # Above the last point the curve follows its line at most, and never passes I(X;Y).
        rate = np.append(rate, rate[-1] + max(most - relevant[-1], 0.0) * beta[-1])
        relevant, beta = np.append(relevant, max(most, relevant[-1])), np.append(beta, np.inf)
    return Bound(beta, rate, relevant)


def with_bound(plane: xr.Dataset, bound: Bound | Joint | xr.Dataset) -> xr.Dataset:
    """A copy of a plane held against another bound than its own, which pictures and reports then draw.

    Args:
        plane: an information plane.
        bound: the joint distribution of X and Y, whose curve is computed; or a curve, as
            ``infoplane.bottleneck.curve`` and ``gaussian_curve`` give; or a plane that carries one.

    Returns:
        The plane with ``bound_distance``, ``bound_mi_input`` and ``bound_mi_target`` of that bound.

    Raises:
        InputError: something else, or a curve that layers can exceed, such as the dual's.
    """
    held = bound_of(bound)
    distance = held(plane["mi_input"].to_numpy()) - plane["mi_target"].transpose(*plane["mi_input"].dims).to_numpy()
    networks = plane.sizes.get("seed")
    dims = ("bound",) if networks is None else ("seed", "bound")
    without = plane.drop_vars(["bound_mi_input", "bound_mi_target", "bound_distance", "bound"], errors="ignore")
    return without.assign(
        bound_distance=(plane["mi_input"].dims, distance), **points_of([held] * (networks or 1), dims)
    ).assign_coords(bound=held.beta)


def points_of(bounds: Sequence[Bound], dims: tuple[str, ...] = ("seed", "bound")) -> dict[str, Any]:
    """What a plane carries of the bounds of its networks, which are on the same betas."""
    shape = (-1,) if len(dims) == 1 else (len(bounds), -1)
    across, along = (
        np.stack([getattr(b, f"mi_{kind}") for b in bounds]).reshape(shape) for kind in ("input", "target")
    )
    error = max(b.error for b in bounds)
    return {
        "bound_mi_input": (dims, across, {"quantity": "I(X;T)", "unit": "nats"}),
        "bound_mi_target": (dims, along, {"quantity": "most I(T;Y)", "unit": "nats", "error": error}),
    }


def bound_of_plane(plane: xr.Dataset) -> Bound | None:
    """The bound that a plane carries, a mean over networks, or None.

    Points of one beta are averaged: no mean of layers lies above the lines through their means. For a certain label it
    is min(I(X;T), H(Y)).
    """
    if "bound_mi_input" in plane:
        values = [plane[f"bound_mi_{kind}"] for kind in ("input", "target")]
        across, along = ((v.mean("seed") if "seed" in v.dims else v).to_numpy() for v in values)
        return Bound(plane["bound"].to_numpy(), across, along) if across.ndim == 1 else None
    entropy = plane.attrs.get("ceiling_mi_target")
    return certain(float(entropy)) if certain_label(plane) and entropy is not None else None


def certain_label(plane: xr.Dataset) -> bool:
    """Whether the label is a function of the input, so that the bound is min(I(X;T), H(Y))."""
    if "bound_distance" not in plane or "bound_mi_input" in plane:
        return False
    return bool(np.isfinite(plane["bound_distance"].to_numpy()).any())
