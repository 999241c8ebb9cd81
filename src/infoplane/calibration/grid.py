"""Cases and their records as one Dataset, with bias, spread and coverage of every cell."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..results import provenance
from .cases import Case, Record

CELL = ("estimator", "law", "dimension", "n", "mi")
_NUMBERS = ("value", "stderr", "lower", "upper", "seconds", "covered", "warned")
_WORDS = ("method", "warning", "reason")
_UNITS = {"seconds": "s", "covered": "1", "warned": "1", "data_seed": "1"}
ABSENT = "not asked for"


def assemble(cases: Sequence[Case], records: Mapping[str, Record], **about: Any) -> xr.Dataset:
    """The Dataset of a benchmark.

    Args:
        cases: in the order their coordinates shall have.
        records: what they gave, by key.
        about: further attributes.

    Returns:
        Over (estimator, law, dimension, n, mi, repetition): ``value``, ``stderr``, ``lower``, ``upper`` of the 95 %
        interval, ``covered`` (1, 0, nan without interval), ``warned`` (1, 0, nan without value), ``seconds``,
        ``data_seed``; over the cells, all but repetition: ``truth``, statistics as :func:`with_statistics` says, and
        the first ``method``, ``warning`` and ``reason`` why there is no value ("" where there is none). The coordinate
        ``settings`` has every setting of an estimator, ``estimator`` those that are not the default.
    """
    axes = _axes(cases)
    numbers, cells = _tables(cases, records, axes)
    coords: dict[str, Any] = {name: np.array(list(axis)) for name, axis in axes.items()}
    settings = {case.cell.estimator: str(case.estimator) for case in cases}
    coords["settings"] = ("estimator", [settings[name] for name in axes["estimator"]])
    sizes = {str(case.size): case.size for case in cases}
    for part in ("dim_x", "dim_y", "classes"):
        coords[part] = ("dimension", [getattr(sizes[name], part) for name in axes["dimension"]])
    variables = {name: ((*CELL, "repetition"), values) for name, values in numbers.items()}
    variables |= {name: (CELL, values) for name, values in cells.items()}
    found = xr.Dataset(variables, coords)
    found.attrs = provenance(wall_time=float(np.nansum(numbers["seconds"])), **about)
    return with_statistics(found)


def _tables(
    cases: Sequence[Case], records: Mapping[str, Record], axes: Mapping[str, Mapping[Any, int]]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Arrays over all coordinates, and those over the cells."""
    shape = tuple(len(axis) for axis in axes.values())
    numbers = {name: np.full(shape, np.nan) for name in _NUMBERS}
    numbers["data_seed"] = np.full(shape, -1, np.int64)
    truth = np.full(shape[:-1], np.nan)
    words = {name: np.full(shape[:-1], ABSENT if name == "reason" else "", dtype=object) for name in _WORDS}
    for case in cases:
        record = records[case.key]
        at = tuple(axes[name][part] for name, part in zip(CELL, case.cell, strict=True))
        one = (*at, axes["repetition"][case.repetition])
        truth[at] = case.law.mutual_information
        numbers["data_seed"][one] = case.data_seed
        for name, value in _numbers(record, truth[at]).items():
            numbers[name][one] = value
        for name in _WORDS:
            if words[name][at] in ("", ABSENT):
                words[name][at] = getattr(record, name)
    return numbers, {"truth": truth, **words}


def _axes(cases: Iterable[Case]) -> dict[str, dict[Any, int]]:
    """Positions of every coordinate; numbers in their order, names as they come."""
    cases = list(cases)
    seen = {name: list(dict.fromkeys(getattr(case.cell, name) for case in cases)) for name in CELL}
    seen["repetition"] = sorted({case.repetition for case in cases})
    seen |= {name: sorted(seen[name]) for name in ("n", "mi")}
    return {name: {value: k for k, value in enumerate(values)} for name, values in seen.items()}


def _numbers(record: Record, truth: float) -> dict[str, float]:
    open_ended = np.isnan(record.lower) or np.isnan(record.upper)
    return {
        "value": record.value,
        "stderr": record.stderr,
        "lower": record.lower,
        "upper": record.upper,
        "seconds": record.seconds,
        "covered": np.nan if open_ended else float(record.lower <= truth <= record.upper),
        "warned": np.nan if np.isnan(record.value) else float(record.warned),
    }


def with_statistics(found: xr.Dataset) -> xr.Dataset:
    """Add what the repetitions of a cell say together; nan where they say nothing.

    ``bias`` = mean value less truth, ``bias_stderr`` its standard error, ``spread`` the standard deviation over
    repetitions (ddof 1), ``coverage`` the share of intervals that hold the truth, ``half_width`` the mean of half their
    lengths (infinite for bounds), ``warned_share`` and ``refused_share``.
    """
    asked = (found.data_seed >= 0).sum("repetition")
    answered = found.value.notnull().sum("repetition")
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # means of nothing and spreads of infinities are nan, as they should
        spread = found.value.std("repetition", ddof=1).where(answered > 1)
        more = {
            "bias": found.value.mean("repetition") - found.truth,
            "bias_stderr": spread / np.sqrt(answered),
            "spread": spread,
            "coverage": found.covered.mean("repetition"),
            "half_width": ((found.upper - found.lower) / 2).mean("repetition"),
            "warned_share": found.warned.mean("repetition"),
            "refused_share": ((asked - answered) / asked).where(asked > 0),
        }
    for name, values in more.items():
        found[name] = values
        found[name].attrs = {}
    for name in found.data_vars:
        if found[name].dtype.kind == "f":
            found[name].attrs["units"] = _UNITS.get(
                str(name), "1" if str(name).endswith(("share", "coverage")) else "nats"
            )
    return found
