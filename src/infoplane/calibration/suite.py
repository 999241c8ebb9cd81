"""The benchmark: estimator x law x information x dimensions x n over repetitions, with two presets."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import xarray as xr

from ..errors import InputError, nearest
from ..estimators import Estimator, by_name
from ..progress import Progress, silent
from ..samples import whole
from .cases import Case, measured
from .families import CONTINUOUS, LABELS, Size, known
from .grid import assemble
from .store import CaseFile


@dataclass(frozen=True)
class Grid:
    """Every estimator on every law at every information, size and n.

    Attributes:
        estimators: objects, or text as ``estimators.by_name`` reads it.
        laws: names of families.
        mis: nats.
        sizes: dimensions.
        ns: samples.
        repetitions: samples drawn of each law.
        seed: the first repetition.
    """

    estimators: tuple[Estimator | str, ...]
    laws: tuple[str, ...]
    mis: tuple[float, ...]
    sizes: tuple[Size, ...]
    ns: tuple[int, ...]
    repetitions: int = 10
    seed: int = 0

    def cases(self) -> list[Case]:
        """All cases, the first repetition of everything before the second of anything."""
        estimators = [by_name(one) if isinstance(one, str) else one for one in self.estimators]
        laws = [
            (name, family(mi, size), size, mi)
            for size in self.sizes
            for name, family in known(size).items()
            if name in self.laws
            for mi in self.mis
        ]
        return [
            Case(estimator, name, law, size, mi, n, repetition)
            for repetition in range(self.seed, self.seed + self.repetitions)
            for n in self.ns
            for name, law, size, mi in laws
            for estimator in estimators
        ]


_NEIGHBOURS = ("WeightedKL", "KSG", "Debiased(KozachenkoLeonenko())")
_BASIC = ("Automatic", "Gaussian(copula='gaussian')", *_NEIGHBOURS)

PRESETS: dict[str, tuple[Grid, ...]] = {
    "quick": (Grid(_BASIC, tuple(CONTINUOUS), (0.0, 1.0, 4.0), (Size(2, 2), Size(5, 5)), (1000,), 4),),
    "full": (
        Grid(
            (*_BASIC, "KDE"),
            tuple(CONTINUOUS),
            (0.0, 0.5, 2.0, 4.0, 8.0),
            (Size(1, 1), Size(2, 2), Size(5, 5), Size(10, 10)),
            (1000, 5000),
            6,
        ),
        Grid(
            ("Automatic", "Mixture", "WeightedKL"),
            tuple(LABELS),
            (0.0, 0.5, 1.0, 2.0),
            (Size(2, 1, 8), Size(5, 1, 8)),
            (1000, 5000),
            6,
        ),
        Grid(
            ("MINE", "InfoNCE", "SMILE"), ("normal", "mixing"), (0.5, 2.0, 8.0), (Size(2, 2), Size(10, 10)), (5000,), 3
        ),
    ),
}
"""Benchmarks by name: "quick" takes under two minutes on two cores, "full" an hour."""


def preset(
    name: str, *, estimators: Sequence[str] = (), laws: Sequence[str] = (), repetitions: int | None = None
) -> tuple[Grid, ...]:
    """The grids of a preset, reduced to or set to what is named.

    Args:
        name: "quick" or "full".
        estimators: only these, on the continuous grid and on that of labels; those of the preset if empty.
        laws: only these families.
        repetitions: samples of each law; those of the preset if None.

    Raises:
        InputError: a name that is not known.
    """
    if name not in PRESETS:
        raise InputError(f"There is no preset {name!r}; {nearest(name, PRESETS)}")
    families = (*CONTINUOUS, *LABELS)
    for law in laws:
        if law not in families:
            raise InputError(f"There is no family of laws {law!r}; {nearest(law, families)}")
    grids = PRESETS[name][:2] if estimators else PRESETS[name]
    if repetitions is not None:
        grids = tuple(replace(grid, repetitions=whole(repetitions, "repetitions", 2)) for grid in grids)
    if estimators:
        named = tuple(by_name(one) for one in estimators)
        grids = tuple(replace(grid, estimators=named) for grid in grids)
    if laws:
        kept = (replace(grid, laws=tuple(law for law in grid.laws if law in laws)) for grid in grids)
        grids = tuple(grid for grid in kept if grid.laws)
    if not grids:
        raise InputError(f"The preset {name!r} has none of the laws {', '.join(laws)}; take another preset.")
    return grids


def run(
    grids: Sequence[Grid],
    *,
    store: str | Path | None = None,
    executor: Executor | None = None,
    progress: Progress = silent,
    title: str = "Benchmark",
) -> xr.Dataset:
    """Measure all cases of the grids, or find them measured.

    Args:
        grids: such as ``preset("quick")``; cases that several have are measured once.
        store: file of finished cases; a run that was killed continues from it, and one with more repetitions or
            estimators measures only what is new.
        executor: where cases run side by side; one after another if None.
        progress: called with ("cases", done, total).
        title: of the Dataset.

    Returns:
        Over (estimator, law, dimension, n, mi, repetition) and the cells, as :func:`calibrate` describes; nan where a
        grid does not reach, with the reason "not asked for".

    Raises:
        InputError: no grid, an unknown estimator or law, or a store that is none.
    """
    cases = list({case.key: case for grid in grids for case in grid.cases()}.values())
    if not cases:
        raise InputError("A benchmark needs one grid or more, got none.")
    records = measured(cases, {} if store is None else CaseFile(store), executor, progress, "cases")
    return assemble(cases, records, result="calibration", title=title)
