"""Costs convex in I(X;T): they reach every point of the information curve, linear pieces included."""

from __future__ import annotations

import abc
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr

from ..errors import InputError
from .annealed import IB
from .base import Effort, Method
from .convex_search import ConvexSearch, Cost, Optimum
from .joint import Joint
from .solution import Blend, Rule, Solution, informations, same_laws

_INDEPENDENT = 1e-12  # nats of I(X;Y) that are rounding
_PIECE = (
    "On a linear piece of the curve: each input draws one of two encoders, and T tells which; encode() gives the "
    "probabilities of both together."
)


@dataclass(frozen=True)
class Power:
    """u(r) = r^exponent.

    Args:
        exponent: at least 1; 1 is the plain bottleneck, 2 the squared one.
    """

    exponent: float

    def __post_init__(self) -> None:
        _check_number(self.exponent, 1, "Power needs an exponent of at least 1")

    def __call__(self, rate: float) -> float:
        return rate**self.exponent

    def slope(self, rate: float) -> float:
        """u'(r)."""
        return self.exponent * rate ** (self.exponent - 1)


@dataclass(frozen=True)
class Exponential:
    """u(r) = exp(scale r).

    Args:
        scale: positive, per nat.
    """

    scale: float

    def __post_init__(self) -> None:
        _check_number(self.scale, np.nextafter(0, 1), "Exponential needs a positive scale")

    def __call__(self, rate: float) -> float:
        try:
            return math.exp(self.scale * rate)
        except OverflowError:
            return math.inf

    def slope(self, rate: float) -> float:
        """u'(r)."""
        return self.scale * self(rate)


@dataclass(frozen=True)
class Convex(Method):
    """A functional u(I(X;T)) - beta I(T;Y) with u convex and increasing.

    With s = u'(I) and b = beta / s, for the informations (I', J') of any encoder
    u(I') - beta J' >= u(a) - s a + s (I' - b J') for every a with slope s, so a bound of the plain bottleneck's cost
    at b is one of this cost: ``gap`` is the distance to it, s times the plain gap and a term that is quadratic in
    how far I is from a. On a linear piece both ends and the optimum at its slope give bounds; the highest counts.
    """

    @property
    @abc.abstractmethod
    def cost(self) -> Cost:
        """u."""

    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        most = float(entr(joint.sufficient.p_x).sum())
        _check_convex(self.cost, most)
        first = effort.start

        def solved(multiplier: float, warm: Solution | None) -> Solution:
            around = Effort(effort.certify, effort.seed, first if warm is None else warm)
            return next(IB().descend(joint, [multiplier], around))

        search = ConvexSearch(self.cost, most, solved)
        nothing = next(IB().descend(joint, [0.0], Effort(effort.certify, effort.seed)))
        for beta in betas:
            known = joint.mutual_information
            optimum = search.at(beta) if beta > 0 and known > _INDEPENDENT else search.nothing(beta * known)
            yield self._solution(joint, beta, optimum, nothing, effort.certify)

    def _solution(self, joint: Joint, beta: float, optimum: Optimum, nothing: Solution, certified: bool) -> Solution:
        ends = [p.solution or nothing for p in (optimum.low, optimum.high)]
        ends = [ends[i] for i, share in enumerate((optimum.share, 1 - optimum.share)) if share > 0]
        mixed = _mixed(joint, ends, optimum.share)
        cost = self.cost(mixed.rate) - beta * mixed.relevant
        return Solution(
            self, beta, mixed.encoder, mixed.marginal, mixed.laws, mixed.rate, mixed.relevant,
            mi_target_geometric=np.nan, objective=cost, free_energy=np.nan,
            gap=max(cost - optimum.floor, 0.0) if certified else np.nan,
            starts=max(end.starts for end in ends), residual=max(end.residual for end in ends),
            converged=optimum.found and all(end.converged for end in ends), sweeps=optimum.sweeps,
            joint=joint, rule=mixed.rule, notes=() if len(ends) == 1 else (_PIECE,),
        )  # fmt: skip


@dataclass(frozen=True)
class SquaredIB(Convex):
    """I(X;T)^2 - beta I(T;Y) (arXiv:1808.07593): every point of the curve has its beta, also where Y is certain.

    For Y a function of X, I(X;T) = I(T;Y) = min(beta / 2, H(Y)).
    """

    @property
    def cost(self) -> Cost:
        return Power(2)


@dataclass(frozen=True)
class ConvexIB(Convex):
    """u(I(X;T)) - beta I(T;Y) for a convex, increasing u.

    Args:
        u: :class:`Power`, :class:`Exponential`, or any object that can be called with a rate in nats and has its
            derivative as ``slope``.

    Raises:
        InputError: no such object; with a joint, a u that is not finite, increasing and convex up to H(X), or whose
            slope is not its derivative.
    """

    u: Any

    def __post_init__(self) -> None:
        if isinstance(self.u, type) or not isinstance(self.u, Cost):
            raise InputError(
                "ConvexIB needs a cost u(rate) with a method slope(rate), its derivative, such as Power(2) or "
                f"Exponential(1.0); got {self.u!r}."
            )

    @property
    def cost(self) -> Cost:
        return self.u


@dataclass(frozen=True)
class _Mixed:
    """An encoder and what it keeps."""

    encoder: np.ndarray
    marginal: np.ndarray
    laws: np.ndarray
    rate: float
    relevant: float
    rule: Rule | Blend


def _mixed(joint: Joint, ends: list[Solution], share: float) -> _Mixed:
    """One solution as it is, or two of which each input draws one; clusters of both with the same law are one."""
    if len(ends) == 1:
        (s,) = ends
        return _Mixed(s.encoder, s.marginal, s.decoder, s.mi_input, s.mi_target, s.rule)
    first, second = ends
    encoder = np.hstack([share * first.encoder, (1 - share) * second.encoder])
    cluster = same_laws(np.vstack([first.decoder, second.decoder]))
    marginal = np.bincount(cluster, np.concatenate([share * first.marginal, (1 - share) * second.marginal]))
    rank = np.argsort(np.argsort(-marginal, kind="stable"), kind="stable")
    cluster = rank[cluster]
    whole = encoder @ np.eye(len(marginal))[cluster]
    weights = joint.p_x[:, None] * whole
    marginal = weights.sum(axis=0)
    marginal /= marginal.sum()
    laws = weights.T @ joint.p_y_given_x
    laws /= laws.sum(axis=1, keepdims=True)
    rate, relevant = informations(joint, whole)
    return _Mixed(whole, marginal, laws, rate, relevant, Blend(first.rule, second.rule, share, cluster))


def _check_number(value: Any, least: float, what: str) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not least <= value < math.inf:
        raise InputError(f"{what}, got {value!r}.")


def _check_convex(cost: Cost, most: float) -> None:
    """u on a grid of rates, for what a wrong one would do silently.

    Raises:
        InputError: values that are not finite, or that fall, or that bend downwards, or a slope of another function.
    """
    rates = np.linspace(0.0, most, 65)
    values, slopes = (np.array([float(f(float(r))) for r in rates]) for f in (cost, cost.slope))
    if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
        raise InputError(f"ConvexIB needs a finite u up to I(X;T) = H(X) = {most:.4g} nats; {cost!r} is not.")
    rounding = 1e-9 * (1 + np.abs(values).max() + np.abs(slopes).max())
    if (slopes < 0).any() or (np.diff(slopes) < -rounding).any() or (most > 0 and slopes[-1] <= 0):
        raise InputError(
            f"ConvexIB needs a u that increases and is convex; the slope of {cost!r} falls or is not positive."
        )
    rise, step = np.diff(values), rates[1] - rates[0]
    if (rise < slopes[:-1] * step - rounding).any() or (rise > slopes[1:] * step + rounding).any():
        raise InputError(f"ConvexIB needs slope(rate) to be the derivative of u(rate); for {cost!r} it is not.")
