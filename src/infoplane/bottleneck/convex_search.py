"""The point of the information curve where u(I(X;T)) - beta I(T;Y) is least.

On the curve a step of I(X;T) costs u'(I) and brings beta / b, b the multiplier at which the plain bottleneck has its
optimum there. So b u'(I(b)) = beta, whose left side never falls as b grows: a root to be found around the plain solver.
Where I(b) jumps the root is on a linear piece of the curve, and sharing time between its ends reaches the point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from scipy.optimize import brentq

from .solution import Solution

_EXACT = 1e-9  # of ln(b u'(I) / beta), at a root
_LINEAR = 1e-11  # nats by which a linear piece may be above the optimum at its slope
_LONG = 1e-3  # nats of I(X;T) from which a piece so close to it is called linear
_CLOSE = 1e-7  # nats of I(X;T) between the ends of a bracket that leaves nothing to find
_PROVED = 1e-9  # nats by which the cost may be above its bound at an optimum
_SOLVES = 60
_DOUBLINGS = 30


@runtime_checkable
class Cost(Protocol):
    """A convex, increasing function of I(X;T) in nats, with its derivative."""

    def __call__(self, rate: float) -> float: ...

    def slope(self, rate: float) -> float: ...


@dataclass(frozen=True, eq=False)
class Point:
    """A point of the curve.

    Attributes:
        multiplier: b of the plain bottleneck, at which it is optimal.
        rate: I(X;T).
        relevant: I(T;Y).
        floor: a lower bound of I(X;T) - b I(T;Y).
        solution: whose point it is; None for the one of no information.
    """

    multiplier: float
    rate: float
    relevant: float
    floor: float
    solution: Solution | None

    @classmethod
    def of(cls, solution: Solution) -> Point:
        return cls(solution.beta, solution.mi_input, solution.mi_target, solution.objective - solution.gap, solution)

    def plain(self, multiplier: float) -> float:
        """I(X;T) - b I(T;Y) at another multiplier."""
        return self.rate - multiplier * self.relevant


@dataclass(frozen=True)
class Optimum:
    """Where the cost is least.

    Attributes:
        low, high: ends of a linear piece, or one point twice.
        share: of ``low``.
        floor: a lower bound of u(I(X;T)) - beta I(T;Y), nan without certificates.
        found: whether the search came to its end.
        sweeps: of the plain bottleneck.
    """

    low: Point
    high: Point
    share: float
    floor: float
    found: bool
    sweeps: int

    @property
    def rate(self) -> float:
        """I(X;T)."""
        return self.share * self.low.rate + (1 - self.share) * self.high.rate

    @property
    def relevant(self) -> float:
        """I(T;Y)."""
        return self.share * self.low.relevant + (1 - self.share) * self.high.relevant


def where_slope_is(cost: Cost, slope: float, low: float, high: float) -> float:
    """The rate in [low, high] at which u' passes ``slope``."""
    if cost.slope(low) >= slope:
        return low
    if cost.slope(high) <= slope:
        return high
    return float(brentq(lambda rate: cost.slope(rate) - slope, low, high, xtol=1e-15, rtol=1e-14))  # type: ignore[arg-type]


class ConvexSearch:
    """Optima at falling beta; what was solved for one serves the next.

    Args:
        cost: u.
        most: H(X) of the merged inputs, the largest rate.
        solved: the plain bottleneck at b, warm from a solution or, with None, from T = X.
    """

    def __init__(self, cost: Cost, most: float, solved: Callable[[float, Solution | None], Solution]) -> None:
        self.cost, self.most, self._solved = cost, most, solved
        # I(T;Y) <= I(X;T): up to b = 1 nothing is worth its rate.
        self._points = [Point(1.0, 0.0, 0.0, 0.0, None)]
        self._pieces: list[tuple[Point, Point, Point]] = []
        self._last: tuple[float, float] | None = None
        self._sweeps = 0

    def nothing(self, missed: float = 0.0) -> Optimum:
        """The optimum where no rate is worth its cost, except for ``missed``."""
        none = self._points[0]
        return Optimum(none, none, 1.0, self.cost(0.0) - missed, True, 0)

    def at(self, beta: float) -> Optimum:
        """The optimum; ``beta`` is positive and not above those before."""
        self._sweeps = 0
        if self.cost.slope(0.0) >= beta:
            return self.nothing()
        for piece in self._pieces:
            if self._excess(piece[0], beta) < 0 <= self._excess(piece[1], beta):
                return self._shared(beta, *piece)
        low, high = self._bracket(beta)
        optimum = self._between(beta, low, high)
        kept = max(optimum.high.multiplier, self._points[0].multiplier)
        self._points = [point for point in self._points if point.multiplier <= kept]
        self._last = beta, optimum.high.multiplier
        return optimum

    def _excess(self, point: Point, beta: float) -> float:
        """ln(b u'(I) / beta): negative below the optimum, positive above it."""
        slope = self.cost.slope(point.rate)
        return math.log(point.multiplier / beta) + math.log(slope) if slope > 0 else -math.inf

    def _solve(self, multiplier: float) -> Point:
        """A new point, warm from the next one above."""
        above = [p for p in self._points if p.multiplier >= multiplier and p.solution is not None]
        warm = min(above, key=lambda p: p.multiplier).solution if above else None
        solution = self._solved(multiplier, warm)
        self._sweeps += solution.sweeps
        point = Point.of(solution)
        self._points = sorted([*self._points, point], key=lambda p: p.multiplier)
        return point

    def _bracket(self, beta: float) -> tuple[Point, Point]:
        """Neighbouring points below and above the optimum.

        b u'(I(b)) = beta and I grows with b: from one optimum to a lower one b falls by at most the ratio of beta.
        """
        least = beta / self.cost.slope(self.most)
        if self._last is not None:
            least = max(least, self._last[1] * beta / self._last[0])
        multiplier = max(least, 1.0)
        if multiplier > 1 and all(abs(p.multiplier / multiplier - 1) > 1e-9 for p in self._points):
            self._solve(multiplier)
        for _ in range(_DOUBLINGS):
            if any(self._excess(point, beta) >= -_EXACT for point in self._points):
                break
            multiplier *= 2
            self._solve(multiplier)
        signs = [self._excess(point, beta) >= -_EXACT for point in self._points]
        first = signs.index(True) if any(signs) else len(signs) - 1
        return self._points[max(first - 1, 0)], self._points[first]

    def _between(self, beta: float, low: Point, high: Point) -> Optimum:
        """Narrows the bracket by false position, and looks for a linear piece where I(X;T) does not close in."""
        below, above = self._excess(low, beta), self._excess(high, beta)
        nearest, side = [math.inf, math.inf], 0
        for _ in range(_SOLVES):
            if abs(above) <= _EXACT or abs(below) <= _EXACT:
                return self._single(beta, high if abs(above) <= abs(below) else low)
            if high.multiplier <= low.multiplier * (1 + _EXACT):
                break
            width = high.rate - low.rate
            nearest.append(min(abs(self._excess(end, beta)) for end in (low, high)))
            crosses = below == -math.inf or (width > _LONG and nearest[-1] > 0.25 * nearest[-3])
            if crosses:
                crossing = width / max(high.relevant - low.relevant, 1e-300)
                middle = self._at_crossing(low, high, crossing)
                above_optimum = low.plain(crossing) - middle.plain(crossing)
                if middle in (low, high) or (width > _LONG and above_optimum <= _LINEAR * (1 + crossing)):
                    self._pieces.append((low, high, middle))
                    return self._shared(beta, low, high, middle)
            else:
                middle = self._solve(_false_position(low.multiplier, high.multiplier, below, above))
            excess = self._excess(middle, beta)
            # An end that stays for a second time counts half, or false position would creep from the other side.
            if excess < 0:
                above *= 0.5 if side < 0 and not crosses else 1.0
                low, below, side = middle, excess, -1
            else:
                below *= 0.5 if side > 0 and not crosses else 1.0
                high, above, side = middle, excess, 1
        return self._shared(beta, low, high, low)

    def _at_crossing(self, low: Point, high: Point, crossing: float) -> Point:
        """The optimum where the lines of both are equal; an end, if that is where it was solved."""
        if crossing <= low.multiplier * (1 + 1e-13):
            return low
        if crossing >= high.multiplier * (1 - 1e-13):
            return high
        return self._solve(crossing)

    def _single(self, beta: float, point: Point) -> Optimum:
        return Optimum(point, point, 1.0, self._floor(beta, [point]), True, self._sweeps)

    def _shared(self, beta: float, low: Point, high: Point, middle: Point) -> Optimum:
        """The best point between two, by how the cost bends along their chord."""
        width, gain = high.rate - low.rate, high.relevant - low.relevant
        share = 1.0
        if width > 0:
            share = (high.rate - where_slope_is(self.cost, beta * gain / width, low.rate, high.rate)) / width
        floor = self._floor(beta, [low, high, middle])
        found = Optimum(low, high, share, floor, width < _CLOSE, self._sweeps)
        cost = self.cost(found.rate) - beta * found.relevant
        return replace(found, found=found.found or cost - floor <= _PROVED)

    def _floor(self, beta: float, points: list[Point]) -> float:
        """A lower bound of u(I) - beta J over all encoders.

        With s = beta / b, u(I) - beta J = [u(I) - s I] + s (I - b J), and each bracket has its own minimum.
        """
        bounds = []
        for point in points:
            slope = beta / point.multiplier
            rate = where_slope_is(self.cost, slope, 0.0, self.most)
            bounds.append(self.cost(rate) - slope * rate + slope * point.floor)
        return max(bounds)


def _false_position(low: float, high: float, below: float, above: float) -> float:
    """Between two multipliers, by the excesses at them."""
    return high * (low / high) ** min(max(above / (above - below), 1e-9), 1 - 1e-9)
