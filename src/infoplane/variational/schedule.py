"""How a coefficient moves over the updates, and the check of a number that all settings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import InputError


def checked_number(
    value: Any, who: str, what: str, least: float, why: str, *, strict: bool | None = None, most: float = float("inf")
) -> float:
    """A finite number above ``least``, as a plain Python one.

    Args:
        value: what was given.
        who, what, why: for the message.
        least: bound from below.
        strict: whether ``least`` itself is refused; None: at zero alone.
        most: bound from above, allowed.

    Raises:
        InputError: no number, nan, infinite or out of bounds.
    """
    open_end = (least == 0.0) if strict is None else strict
    sign = ">" if open_end else ">="
    number = value.item() if isinstance(value, np.generic) else value
    fine = isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < float("inf")
    if not fine or not (number > least or (number == least and not open_end)) or number > most:
        raise InputError(f"{who} needs a finite number {sign} {least:g} for {what}, {why}; got {value!r}.")
    return number


@dataclass(frozen=True)
class Schedule:
    """The course of a coefficient: from ``start`` to the objective's own value over ``steps`` updates, then constant.

    It rises or falls, whichever leads there. Without a start the value holds from the first update.

    Attributes:
        start: value at the first update; None for a constant.
        steps: updates until the objective's own value is reached.
        kind: "linear", or "geometric": equal factors in equal times.
    """

    start: float | None = None
    steps: int = 0
    kind: Literal["linear", "geometric"] = "linear"

    def __post_init__(self) -> None:
        if self.start is not None:
            object.__setattr__(self, "start", checked_number(self.start, "Schedule", "start", 0.0, "as beta is"))
        whole = isinstance(self.steps, int | np.integer) and not isinstance(self.steps, bool)
        if not whole or self.steps < 0 or (self.start is None) != (self.steps == 0):
            raise InputError(
                "Schedule needs both a start and a whole number of steps > 0, as in Schedule(start=1, steps=1000), "
                f"or neither for a constant; got start={self.start!r} and steps={self.steps!r}."
            )
        if self.kind not in ("linear", "geometric"):
            raise InputError(f"Schedule needs kind 'linear' or 'geometric', got {self.kind!r}.")

    def __call__(self, end: float, step: Any) -> Any:
        """The coefficient after ``step`` updates: a float for an int, an array for an array, traced or not."""
        if self.start is None:
            return end
        plain = isinstance(step, int | float)
        done = min(max(step / self.steps, 0.0), 1.0) if plain else (step / self.steps).clip(0.0, 1.0)
        if self.kind == "geometric":
            return self.start * (end / self.start) ** done
        return self.start + (end - self.start) * done
