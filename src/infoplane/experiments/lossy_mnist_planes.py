"""Which planes ``lossy-mnist`` measures, and the tables of its sweeps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from . import lossy_arms as arms
from . import lossy_measure as ways
from .base import Run
from .lossy_arms import ARMS, Arm
from .lossy_measure import Bench, Way

_END = 300  # epochs of the published schedule
_VARIED = (
    Way("weighted", code="convolutional"),
    Way("weighted", code="PCA"),
    Way("weighted", dim=2),
    Way("weighted", dim=8),
    ways.FROZEN,
    ways.PLAIN_KSG,
)


def measure(run: Run) -> dict[str, xr.Dataset]:
    """Train, or find trained, every arm, and measure it."""
    size = arms.QUICK if run.quick else arms.FULL
    data = arms.load(size)
    codes = run.table("pieces/input-codes", lambda: ways.input_codes(data, size))
    bench = Bench(run, data, size, codes)
    found = {"ours": _over_seeds(bench, ways.OURS, size.snapshots, run.seeds)}
    found["ours-KSG"] = _over_seeds(bench, ways.KSG_WAY, size.snapshots, run.seeds)
    found["ours-frozen"] = _over_seeds(bench, ways.FROZEN, size.frozen, run.seeds)
    found["fast"] = bench.plane(_arm(arms.FAST), 0, ways.AUTHORS, _epochs(size.snapshots))
    found["noises"] = _noises(bench, size.sweep)
    found["ways"] = _ways(bench, size.sweep)
    found["authors"] = bench.plane(_arm(arms.AUTHORS), 0, ways.AUTHORS, _epochs(size.published))
    found["authors-weighted"] = bench.plane(_arm(arms.AUTHORS), 0, ways.OURS, _epochs(size.beside))
    found["authors-KSG"] = bench.plane(_arm(arms.AUTHORS), 0, ways.KSG_WAY, _epochs(size.beside))
    found["input-codes"] = codes.drop_vars("code")
    return found


def _arm(name: str) -> Arm:
    return next(arm for arm in ARMS if arm.name == name)


def _epochs(count: int) -> list[int]:
    """Evenly spaced, the first and the last among them."""
    return np.unique(np.round(np.linspace(0, _END, count)).astype(int)).tolist()


def _over_seeds(bench: Bench, way: Way, count: int, seeds: int) -> xr.Dataset:
    planes = [bench.plane(_arm(arms.OURS), seed, way, _epochs(count)) for seed in range(seeds)]
    joined = xr.concat(planes, "seed", join="exact", combine_attrs="override")
    joined.attrs["seeds"] = str(list(range(seeds)))
    return joined


_KEPT = ("mi_input", "mi_input_stderr", "mi_target", "mi_target_stderr", "loss_test", "accuracy_test", "snr_bound")


def _noises(bench: Bench, count: int) -> xr.Dataset:
    """(arm, estimator, epoch, layer): every noise, one network each, with two estimators."""

    def rows() -> Iterator[xr.Dataset]:
        for name in (*arms.SWEEP, arms.OURS, arms.FAST):
            for way in (ways.OURS, ways.KSG_WAY):
                plane = bench.plane(_arm(name), 0, way, _epochs(count))
                yield _row(plane, arm=name, estimator=way.name)

    return _table(rows(), "estimator", "arm")


def _ways(bench: Bench, count: int) -> xr.Dataset:
    """(arm, way, epoch, layer): other compressors, latent sizes and estimators, for one network of two arms."""

    def rows() -> Iterator[xr.Dataset]:
        for name in (arms.OURS, arms.FAST):
            for way in (ways.OURS, ways.KSG_WAY, *_VARIED):
                plane = bench.plane(_arm(name), 0, way, _epochs(count))
                label = f"{way.name}, {way.code} code, {way.dim} components"
                yield _row(plane, arm=name, way=label)

    return _table(rows(), "way", "arm")


def _row(plane: xr.Dataset, **where: str) -> xr.Dataset:
    kept = plane[[name for name in _KEPT if name in plane]].isel(seed=0, drop=True)
    kept.attrs = {name: plane.attrs[name] for name in ("schema_version", "unit", "versions") if name in plane.attrs}
    for name in ("mi_input", "mi_target"):  # these are no planes: what they show varies along their dimensions
        kept = kept.rename({name: f"{name}_value"})
    return kept.expand_dims({name: [value] for name, value in where.items()})


def _table(rows: Iterator[xr.Dataset], inner: str, outer: str) -> xr.Dataset:
    found: dict[str, list[xr.Dataset]] = {}
    for row in rows:
        found.setdefault(str(row[outer].item()), []).append(row)
    settings = {"join": "exact", "combine_attrs": "override"}
    return xr.concat([xr.concat(group, inner, **settings) for group in found.values()], outer, **settings)  # type: ignore[arg-type]
