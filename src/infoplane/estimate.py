"""One estimate: a number with its error, its unit, the name of what it measures, and its doubts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any, Literal

from .errors import InputError

Direction = Literal["exact", "estimate", "lower", "upper", "interval"]
Unit = Literal["nats", "bits"]

_NATS_PER_BIT = math.log(2.0)
_NO_STDERR = "No standard error: interval() takes it as 0, so it holds for these samples, not for their population."


@dataclass(frozen=True)
class Estimate:
    """An information quantity, as a number that remembers where it came from.

    Attributes:
        value: the estimate; finite or ``+inf``, never clipped, so it may be negative.
        stderr: standard error of sampling; nan where the method gives none.
        lower: lower bound (``direction`` "lower" or "interval"), else nan.
        upper: upper bound (``direction`` "upper" or "interval"), else nan.
        direction: "exact", "estimate", "lower", "upper" or "interval" (``lower <= value <= upper``).
        quantity: the name of what was measured, such as ``"I(X; T + noise 0.1)"``.
        p_value: probability of a value this large under shuffled pairs; nan where no permutation was asked for.
        null: mean value under shuffled pairs (subtract it for a baseline-corrected number); nan likewise.
        unit: "nats" or "bits".
        n_samples: number of samples used.
        notes: how it was made and what to beware of, one sentence each.
        warnings: those of the notes that say the value should not be trusted as it stands; none of them: it may be.
        method: the estimator, with its settings.
        details: further numbers by name, as JSON has them: other routes to the value, latent scans, loss bounds; always
            in nats, whatever ``unit`` says.
    """

    value: float
    stderr: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    direction: Direction = "estimate"
    quantity: str = "I(X;Y)"
    p_value: float = math.nan
    null: float = math.nan
    unit: Unit = "nats"
    n_samples: int = 0
    notes: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())
    method: str = ""
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if math.isnan(self.value) or self.value == -math.inf:
            raise ValueError(f"{self.method or 'an estimator'} returned {self.value}; a value is finite or +inf.")
        if math.isnan(self.stderr) and self.direction != "estimate" and _NO_STDERR not in self.notes:
            object.__setattr__(self, "notes", (*self.notes, _NO_STDERR))
        object.__setattr__(self, "notes", tuple(dict.fromkeys([*self.notes, *self.warnings])))

    def __float__(self) -> float:
        return float(self.value)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval in this estimate's unit.

        Args:
            level: coverage, strictly between 0 and 1.

        Returns:
            ``value -+ z stderr``; for bounds ``(lower - z stderr, upper + z stderr)`` with the open side infinite.
            Without a standard error exact values and bounds stand as they are, an estimate has nan ends.

        Raises:
            InputError: ``level`` outside (0, 1).
        """
        if not 0.0 < level < 1.0:
            raise InputError(f"interval(level) needs a level between 0 and 1, got {level}; 0.95 is usual.")
        low, high = {
            "lower": (self.lower, math.inf),
            "upper": (-math.inf, self.upper),
            "interval": (self.lower, self.upper),
        }.get(self.direction, (self.value, self.value))
        error = self.stderr
        if math.isnan(error):
            if self.direction == "estimate":
                return math.nan, math.nan
            error = 0.0
        z = NormalDist().inv_cdf(0.5 + level / 2.0)
        return low - z * error, high + z * error

    def to(self, unit: Unit) -> Estimate:
        """The same estimate in ``"nats"`` or ``"bits"``.

        Value, error, bounds and null are converted; ``details`` hold numbers of every kind and stay in nats, and notes
        and warnings keep the units they name.

        Raises:
            InputError: any other unit.
        """
        if unit not in ("nats", "bits"):
            raise InputError(f"Estimate.to knows the units 'nats' and 'bits', got {unit!r}.")
        if unit == self.unit:
            return self
        scale = 1.0 / _NATS_PER_BIT if unit == "bits" else _NATS_PER_BIT
        scaled = {name: getattr(self, name) * scale for name in ("value", "stderr", "lower", "upper", "null")}
        return replace(self, unit=unit, **scaled)

    def __str__(self) -> str:
        match self.direction:
            case "interval":
                error = f" in [{self.lower:.4g}, {self.upper:.4g}]"
            case "lower" | "upper":
                error = f" ({self.direction} bound)"
            case _:
                error = "" if math.isnan(self.stderr) else f" ± {self.stderr:.2g}"
        return f"{self.quantity} = {self.value:.4g}{error} {self.unit}"
