"""The contract of a law with known mutual information, and how to add one.

A law is a frozen dataclass whose fields are its settings. To add one, write

    @dataclass(frozen=True)
    class Mine(Law):
        mi: float = 1.0

        dim_x = dim_y = 1               # or fields, or properties

        @property
        def mutual_information(self):   # nats, exact or by quadrature to 1e-6
            return self.mi

        def draw(self, n, rng):         # rng: numpy.random.Generator, the only source of randomness
            ...
            return x, y                 # (n, dim_x), (n, dim_y): float64, or integers where a side is discrete

and name it in ``registry.py`` and ``__init__.py``. The contract tests then find it; add a test of its truth that does
not use its own formula.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from scipy import optimize

from ..errors import InputError
from ..samples import Kind, is_real, whole

# Samples are not the stream of default_rng(seed): a user who shuffles with his own default_rng(seed) must not
# meet the very numbers that made the data.
_STREAM = 20230508


class Law(abc.ABC):
    """A joint distribution of X and Y whose mutual information is known.

    Attributes:
        dim_x: columns of X.
        dim_y: columns of Y.
        kinds: whether X and Y are "continuous" (float64) or "discrete" (integers).
    """

    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "continuous")
    dim_x: Any  # int: a field of some laws, a property or a constant of others
    dim_y: Any

    @property
    @abc.abstractmethod
    def mutual_information(self) -> float:
        """I(X;Y) in nats."""

    @abc.abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n independent pairs, (n, dim_x) and (n, dim_y)."""

    def sample(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """n independent pairs (x, y).

        Args:
            n: pairs, 1 or more.
            seed: same seed, same bits.

        Returns:
            (n, dim_x) and (n, dim_y), float64 where continuous and int64 where discrete.

        Raises:
            InputError: n or seed is no such whole number.
        """
        rng = np.random.default_rng([whole(seed, "seed"), _STREAM])
        return self.draw(whole(n, "n", 1), rng)

    @property
    def latent(self) -> Law:
        """The law of the coordinates below images and embeddings: same seed, the coordinates of the very same samples.

        A law that is nobody's image is its own.
        """
        return self

    @property
    def name(self) -> str:
        """What tables call it: ``correlated_normal``."""
        return "".join("_" + c.lower() if c.isupper() else c for c in type(self).__name__).lstrip("_")

    def __str__(self) -> str:
        """``correlated_normal(mi=2.0, dim_x=2, dim_y=2)``: name, information, and what is not at its default."""
        return f"{self.name}({', '.join(_settings(self))})"


def _settings(law: Any) -> list[str]:
    fields = [(f, getattr(law, f.name)) for f in dataclasses.fields(law) if f.repr]
    always = dataclasses.MISSING
    return [f"{f.name}={v!r}" for f, v in fields if f.name == "mi" or f.default is always or v != f.default]


def check_information(who: str, mi: float, low: float = 0.0, high: float = math.inf, why: str = "") -> None:
    """Refuse a mutual information no such law has.

    Raises:
        InputError: not a number, below ``low`` or above ``high``.
    """
    if not is_real(mi) or not low <= mi <= high or math.isinf(mi):
        reach = f"from {low:.4g} to {high:.4g}" if math.isfinite(high) else f"of {low:.4g} or more"
        raise InputError(f"{who} needs a mutual information {reach} nats, got mi={mi!r}{'; ' + why if why else ''}.")


def check_whole(who: str, low: int = 1, **settings: int) -> None:
    """Refuse dimensions and counts that are no whole numbers.

    Raises:
        InputError: names the setting.
    """
    for name, value in settings.items():
        whole(value, f"{who}'s {name}", low)


def check_number(who: str, low: float, high: float, *, closed: bool = False, **settings: float) -> None:
    """Refuse numbers outside (low, high), or outside [low, high) where ``closed``.

    Raises:
        InputError: names the setting.
    """
    for name, value in settings.items():
        if not is_real(value) or not low <= value < high or (value == low and not closed):
            start = f"from {low:g}" if closed else f"above {low:g}"
            raise InputError(f"{who} needs {name} {start} and below {high:g}, got {value!r}.")


def root(f: Callable[[float], float], low: float, high: float) -> float:
    """Where f crosses zero between low and high, to the last digits of double precision."""
    return float(optimize.brentq(f, low, high, xtol=1e-15, rtol=1e-14, maxiter=500))  # type: ignore[arg-type]
