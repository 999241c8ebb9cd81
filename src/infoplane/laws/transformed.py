"""A law seen through injective maps of its sides."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..samples import Kind
from .base import Law
from .maps import Map, NormalToUniform
from .normal import CorrelatedNormal


@dataclass(frozen=True)
class Transformed(Law):
    """X and Y of another law, each passed through an injective map: the mutual information is the other law's.

    Attributes:
        law: where samples come from.
        x: map of X; None leaves it as it is.
        y: map of Y; None leaves it as it is.
        title: what tables call it.
    """

    law: Law
    x: Map | None = None
    y: Map | None = None
    title: str = field(default="transformed", repr=False)

    def __post_init__(self) -> None:
        for mapped, dim in ((self.x, self.law.dim_x), (self.y, self.law.dim_y)):
            if mapped is not None:
                mapped.check(dim)

    @property
    def dim_x(self) -> int:
        return self.law.dim_x if self.x is None else self.x.columns(self.law.dim_x)

    @property
    def dim_y(self) -> int:
        return self.law.dim_y if self.y is None else self.y.columns(self.law.dim_y)

    @property
    def kinds(self) -> tuple[Kind, Kind]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Those of the law below."""
        return self.law.kinds

    @property
    def name(self) -> str:
        return self.title

    @property
    def latent(self) -> Law:
        return self.law

    @property
    def mutual_information(self) -> float:
        return self.law.mutual_information

    def __str__(self) -> str:
        maps = [str(self.x)] if self.x == self.y else [f"x={self.x}", f"y={self.y}"]
        return f"{self.title}({', '.join([str(self.law), *maps])})"

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.law.draw(n, rng)
        return x if self.x is None else self.x(x), y if self.y is None else self.y(y)


def correlated_uniform(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1, pairs: int | None = None) -> Transformed:
    """Uniform columns on (0, 1) with a normal copula: correlated normals through their distribution function.

    Args:
        mi: nats.
        dim_x: columns of X.
        dim_y: columns of Y.
        pairs: components that depend on each other; None for min(dim_x, dim_y).
    """
    return through(CorrelatedNormal(mi, dim_x, dim_y, pairs=pairs), NormalToUniform(), title="correlated_uniform")


def through(law: Law, both: Map, other: Map | None = None, title: str = "transformed") -> Transformed:
    """A law with X passed through ``both`` and Y through it too, or through ``other`` where given."""
    return Transformed(law, both, both if other is None else other, title=title)
