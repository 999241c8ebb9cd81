"""A compressor that was fitted elsewhere, for whoever asks for one that is still to be fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .base import Compressor, Fitted, samples


@dataclass(frozen=True, repr=False)
class Frozen(Compressor):
    """A map that was fitted before, such as an autoencoder of training images: it learns nothing more.

    Attributes:
        fitted: the map.
    """

    fitted: Fitted

    def __post_init__(self) -> None:
        if not isinstance(self.fitted, Fitted):
            raise InputError(f"Frozen holds what a compressor's fit returns, as PCA(4).fit(x), got {self.fitted!r}.")

    def fit(self, x: Any, *, seed: int = 0, other: Any = None) -> Fitted:
        columns = samples(x, "x").shape[1]
        if columns != self.fitted.columns:
            raise InputError(
                f"{self} cannot compress {columns} columns; pass samples of the variable it was fitted to."
            )
        return self.fitted

    def __repr__(self) -> str:
        name = type(self.fitted).__name__.removeprefix("Fitted")
        return f"Frozen({name}, {self.fitted.columns} columns to {self.fitted.dim})"


def as_compressor(given: Any) -> Any:
    """What was fitted already as a compressor; anything else as it is."""
    return Frozen(given) if isinstance(given, Fitted) else given
