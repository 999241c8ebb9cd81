"""Optimisers by name and settings; the arithmetic is optax's."""

from __future__ import annotations

from dataclasses import dataclass

import optax

from ..errors import InputError
from ..samples import is_real


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba, arXiv:1412.6980).

    Attributes:
        learning_rate: step size.
    """

    learning_rate: float = 4e-4

    def __post_init__(self) -> None:
        _check(self)

    def transformation(self) -> optax.GradientTransformation:
        return optax.adam(self.learning_rate)


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent; full-batch descent where the batch is the whole training set.

    Attributes:
        learning_rate: step size.
        momentum: in [0, 1); 0 for none.
    """

    learning_rate: float = 0.05
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _check(self)
        if not is_real(self.momentum) or not 0.0 <= self.momentum < 1.0:
            raise InputError(f"SGD(momentum) lies in [0, 1), got {self.momentum!r}.")

    def transformation(self) -> optax.GradientTransformation:
        return optax.sgd(self.learning_rate, momentum=self.momentum or None)


def _check(optimizer: Adam | SGD) -> None:
    if not is_real(optimizer.learning_rate) or not 0.0 < optimizer.learning_rate < float("inf"):
        raise InputError(
            f"{type(optimizer).__name__}(learning_rate) needs a positive number, got {optimizer.learning_rate!r}."
        )
