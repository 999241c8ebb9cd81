"""What every bottleneck method has in common. To add one, copy the shape of ``annealed.py``: a frozen dataclass, its
hyper-parameters as fields, and ``descend``, which solves from the largest beta down."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .joint import Joint
from .solution import Solution

CERTAIN = (
    "Y is a function of X: the curve is min(I(X;T), H(Y)), and the plain cost reaches only its ends; SquaredIB() "
    "reaches every point."
)
LOOSE = (
    "gap counts from a lower bound, the certified optimum of IB at the same beta, which this method's best encoder "
    "need not reach: it is no measure of the search."
)
LARGEST = 1e12  # a beta above which the last digits of a distance decide


@dataclass(frozen=True)
class Effort:
    """How hard to work.

    Attributes:
        certify: whether to search the certificate, and repair what it finds.
        seed: of the random starts.
        start: a solution of the same joint to begin from, of any method; None for the method's own start.
    """

    certify: bool = True
    seed: int = 0
    start: Solution | None = None

    def first_encoder(self, joint: Joint) -> np.ndarray | None:
        """(m, k) encoder of the merged inputs to begin from, where a start was given.

        Raises:
            InputError: no solution, or one of another joint.
        """
        if self.start is None:
            return None
        if not isinstance(self.start, Solution):
            raise InputError(f"start needs a Solution, as solve() returns, got {type(self.start).__name__}.")
        if self.start.joint is not joint and not np.array_equal(self.start.joint.table, joint.table):
            raise InputError(
                f"start needs a solution of the same joint with {joint.shape[0]} inputs, got one of "
                f"{self.start.joint!r}."
            )
        return self.start.encoder[joint.sufficient.first]


@dataclass(frozen=True)
class Method(abc.ABC):
    """A bottleneck functional. In all of them beta multiplies I(T;Y)."""

    @abc.abstractmethod
    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        """Solutions at ``betas``, which fall, each warm from the one before."""

    @property
    def name(self) -> str:
        """As results and the command line give it, without settings left at their defaults."""
        fields = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(fields)})"


def checked_problem(joint: object, method: object, who: str) -> Method | None:
    """The method, None where none was given.

    Raises:
        InputError: a table that is no joint, or a class or a name in place of a method.
    """
    if not isinstance(joint, Joint):
        raise InputError(f"{who} needs a Joint, got {type(joint).__name__}; write Joint(table).")
    if method is None or isinstance(method, Method):
        return method
    if isinstance(method, type) and issubclass(method, Method):
        raise InputError(f"{who} needs a method with its settings, got the class; write {method.__name__}().")
    raise InputError(f"{who} needs a method such as IB() or DIB(), got {method!r}.")


def checked_beta(beta: float, who: str, most: float = float("inf")) -> float:
    """The multiplier as a float, at most ``most``.

    Raises:
        InputError: not a finite, non-negative number.
    """
    try:
        number = float(beta)
    except (TypeError, ValueError):
        raise InputError(f"{who} needs a number for beta, got {beta!r}.") from None
    if number > most and number < float("inf"):
        raise InputError(f"{who} needs a beta of at most {most:g}, above which rounding decides, got {number:g}.")
    if not 0 <= number < float("inf"):
        raise InputError(
            f"{who} needs a finite beta >= 0, which multiplies I(T;Y), got {number:g}. A multiplier b of I(X;T) is "
            "beta = 1 / b."
        )
    return number
