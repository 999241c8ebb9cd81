"""Families of laws: for any mutual information and any dimensions, a law that has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..errors import InputError, nearest
from ..laws.base import Law
from ..laws.compositions import spiral_normal
from ..laws.crossed import CrossedNormal
from ..laws.embeddings import Mixing
from ..laws.labels import NoisyLabels, NormalClasses
from ..laws.maps import Asinh, Cube, Map
from ..laws.mixed import ZeroInflatedNormal
from ..laws.normal import CorrelatedNormal
from ..laws.student import CorrelatedStudent, radial_information
from ..laws.transformed import Transformed, correlated_uniform
from ..samples import whole

_DOF = 5.0  # of the Student laws: variances are finite, fourth moments barely


class Size(NamedTuple):
    """Dimensions of X and Y; ``classes`` of 2 or more makes Y one label instead.

    ``str`` writes it as tables do: "3+3", "5+label of 8".
    """

    dim_x: int
    dim_y: int = 1
    classes: int = 0

    def __str__(self) -> str:
        return f"{self.dim_x}+label of {self.classes}" if self.classes else f"{self.dim_x}+{self.dim_y}"


Family = Callable[[float, Size], Law]
"""``family(mi, size)`` is a law of that size and information; where none has so little, the one that has least."""


def _student(mi: float, size: Size) -> Law:
    least = radial_information(_DOF, size.dim_x, size.dim_y)
    return CorrelatedStudent(max(mi, least), size.dim_x, size.dim_y, dof=_DOF)


def _mapped(x: Map, y: Map, title: str) -> Family:
    return lambda mi, size: Transformed(CorrelatedNormal(mi, size.dim_x, size.dim_y), x, y, title=title)


CONTINUOUS: Mapping[str, Family] = {
    "normal": lambda mi, size: CorrelatedNormal(mi, size.dim_x, size.dim_y),
    "uniform": lambda mi, size: correlated_uniform(mi, size.dim_x, size.dim_y),
    "student": _student,
    "cube": _mapped(Cube(), Cube(), "cubed_normal"),
    "asinh": _mapped(Asinh(), Asinh(), "asinh_normal"),
    "mixing": _mapped(Mixing(key=0), Mixing(key=1), "mixed_normal"),
    "spiral": lambda mi, size: spiral_normal(mi, size.dim_x, size.dim_y),
    "crossed": lambda mi, size: CrossedNormal(mi, size.dim_x),
    "zeros": lambda mi, size: ZeroInflatedNormal(mi, size.dim_x),
}
"""Correlated normal columns; their distribution functions; Student of 5 degrees of freedom; cubes and inverse
hyperbolic sines of the columns; a smooth nonlinear mixing of all columns of a side; planes turned into spirals; columns
that depend without correlation; and entries that are 0 for a share of the samples."""

_FITS: Mapping[str, Callable[[Size], bool]] = {
    "spiral": lambda size: min(size.dim_x, size.dim_y) >= 2,
    "crossed": lambda size: size.dim_x == size.dim_y,
    "zeros": lambda size: size.dim_x == size.dim_y,
}

LABELS: Mapping[str, Family] = {
    "overlapping": lambda mi, size: NormalClasses(mi, size.classes, size.dim_x, rotated=True),
    "noisy": lambda mi, size: NoisyLabels(mi, size.classes, size.dim_x),
}
"""Labels: normal classes that overlap, and uniform columns whose first gives the label, through a noisy channel."""


def known(size: Size) -> Mapping[str, Family]:
    """The families that have laws of this size, for Y as it has it: columns or a label."""
    there = LABELS if size.classes else CONTINUOUS
    return {name: family for name, family in there.items() if name not in _FITS or _FITS[name](size)}


def chosen(laws: Sequence[str] | Mapping[str, Family] | None, size: Size) -> dict[str, Family]:
    """Families by name: all there are for this size, those named, or a user's own.

    Raises:
        InputError: a name that no family has, or none at all.
    """
    there = known(size)
    if laws is None:
        return dict(there)
    if isinstance(laws, Mapping):
        found = dict(laws)
    else:
        names: Iterable[str] = [laws] if isinstance(laws, str) else laws
        found = {name: there.get(str(name)) for name in names}
    for name, family in found.items():
        if family is None:
            raise InputError(
                f"There is no family of laws in {size} dimensions named {name!r}; {nearest(str(name), there)}"
            )
    if not found:
        raise InputError(f"laws needs one family or more, got none; known: {', '.join(there)}.")
    return {name: family for name, family in found.items() if family is not None}


def checked_size(dim_x: int, dim_y: int, classes: int | None) -> Size:
    """The size a user asked for.

    Raises:
        InputError: no such dimensions, one class only, or a label of several columns.
    """
    size = Size(
        whole(dim_x, "dim_x", 1), whole(dim_y, "dim_y", 1), 0 if classes is None else whole(classes, "classes", 2)
    )
    if size.classes and size.dim_y != 1:
        raise InputError(f"A label is one column: with classes={classes} pass dim_y=1, got {dim_y}.")
    return size
