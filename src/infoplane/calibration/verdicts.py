"""What a benchmark says of its estimators: numbers, failures, and words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from .grid import CELL

MOST_HALF_WIDTH = 0.1  # nats; or three times the true spread, whichever is more
SPREADS = 3.0
LEAST_COVERAGE = 0.85
LEAST_UNWARNED = 0.60


def checked(dataset: Any) -> xr.Dataset:
    """A calibration over all of its dimensions, those it lacks added.

    Raises:
        InputError: something else.
    """
    needs = ("value", "truth", "bias", "covered", "warned", "law", "mi", "repetition")
    missing = [name for name in needs if not isinstance(dataset, xr.Dataset) or name not in dataset]
    if missing:
        raise InputError(f"This needs a Dataset of calibrate or benchmark; it lacks {', '.join(missing)}.")
    lacking = [name for name in CELL if name not in dataset["truth"].dims]
    known = {name: [dataset.coords[name].item() if name in dataset.coords else ""] for name in lacking}
    whole = dataset.drop_vars([name for name in lacking if name in dataset.coords]).expand_dims(known)
    extra = ("verdict", "settings", "dim_x", "dim_y", "classes")  # of a law, an estimator, a size: not of a cell
    whole = whole.drop_vars([name for name in extra if name in whole.variables])
    return whole.transpose(*CELL, "repetition", ...)


def summary(dataset: xr.Dataset) -> xr.Dataset:
    """Whether each estimator's intervals can be believed, over all its cases.

    Args:
        dataset: of :func:`calibrate` or :func:`run`.

    Returns:
        Over ``estimator``: ``cases`` that it was tried on; ``refused`` and ``unwarned``, shares of them; of the
        unwarned, ``coverage`` of the 95 % intervals, mean ``half_width``, mean true ``spread`` over repetitions,
        ``allowed_half_width``, the mean of max(0.1 nat, 3 spread), ``rmse``, and ``largest_error``; ``coverage_all`` of
        all intervals, and ``seconds``, the median of a case. ``holds`` is 1 where coverage is 85 % or more, the
        unwarned are 60 % or more and the half-width is as allowed; nan where an estimator gives no intervals.
    """
    ds = checked(dataset)
    dims = [name for name in (*CELL, "repetition") if name != "estimator"]
    asked = ds.data_seed >= 0
    finite = np.isfinite(ds.value)
    trusted = (ds.warned == 0) & finite
    half = ((ds.upper - ds.lower) / 2).where(trusted)
    half = half.where(np.isfinite(half))
    spread = ds.spread.where(np.isfinite(ds.spread)).broadcast_like(ds.value).where(trusted)
    allowed = (SPREADS * spread).clip(min=MOST_HALF_WIDTH).where(half.notnull())
    error = (ds.value - ds.truth).where(trusted)
    cases = asked.sum(dims)
    found = xr.Dataset(
        {
            "cases": cases,
            "refused": (asked & ds.value.isnull()).sum(dims) / cases,
            "unwarned": trusted.sum(dims) / cases,
            "coverage": ds.covered.where(trusted).mean(dims),
            "coverage_all": ds.covered.mean(dims),
            "half_width": half.mean(dims),
            "spread": spread.mean(dims),
            "allowed_half_width": allowed.mean(dims),
            "rmse": np.sqrt((error**2).mean(dims)),
            "largest_error": abs(error).max(dims),
            "seconds": ds.seconds.where(finite).median(dims),
        }
    )
    holds = (found.coverage >= LEAST_COVERAGE) & (found.unwarned >= LEAST_UNWARNED)
    holds &= (found.half_width <= found.allowed_half_width) | found.half_width.isnull()  # bounds are open on one side
    found["holds"] = holds.astype(float).where(found.coverage.notnull())
    return found.transpose("estimator", ...)


def failures(dataset: xr.Dataset, least: float = LEAST_COVERAGE) -> list[dict[str, Any]]:
    """Every cell in which fewer than ``least`` of the unwarned 95 % intervals hold the truth, the largest error first.

    Returns:
        Mappings with the cell's coordinates and ``truth``, ``bias``, ``spread``, ``half_width``, ``unwarned`` (how
        many) and ``covered`` (of them). With few repetitions some are chance: of 10 intervals that cover in 95 %, two
        or more miss in 9 % of cells.
    """
    ds = checked(dataset)
    trusted = (ds.warned == 0) & ds.covered.notnull()
    unwarned = trusted.sum("repetition")
    covered = (ds.covered.where(trusted) == 1).sum("repetition")
    bad = ((unwarned > 0) & (covered < least * unwarned)).to_numpy()
    rows = []
    for at in zip(*np.nonzero(bad), strict=True):
        cell = {name: ds[name].to_numpy()[k : k + 1].tolist()[0] for name, k in zip(CELL, at, strict=True)}
        numbers = {name: float(ds[name].to_numpy()[at]) for name in ("truth", "bias", "spread", "half_width")}
        counts = {"unwarned": int(unwarned.to_numpy()[at]), "covered": int(covered.to_numpy()[at])}
        rows.append({**cell, **numbers, **counts})
    return sorted(rows, key=lambda row: -abs(row["bias"]))


def reach(truth: np.ndarray, bias: np.ndarray, tolerance: float) -> float:
    """The largest truth up to which, from the smallest on, no bias is beyond the tolerance; nan if the first is."""
    inside = np.abs(bias) <= tolerance
    upto = int(np.argmin(inside)) if not inside.all() else len(inside)
    return float(truth[upto - 1]) if upto else math.nan


def of_law(row: xr.Dataset, tolerance: float) -> str:
    """One law in words: ``row`` over (mi, repetition)."""
    told = _known(row)
    if told is None:
        return f"refused: {_first(row['reason'])}"
    truth, bias = told
    upto = reach(truth, bias, tolerance)
    words = [f"within {tolerance:g} nats {_upto(upto, truth)}"]
    if upto != truth[-1]:
        words.append(off(*_worst(truth, bias)))
    return "; ".join([*words, *_trust(row)])


def of_all(dataset: xr.Dataset, name: str, tolerance: float) -> str:
    """The whole calibration, over (law, mi, repetition), in words."""
    told = {str(law): _known(dataset.sel(law=law)) for law in dataset["law"].values}
    answered = {law: known for law, known in told.items() if known is not None}
    size, n = str(dataset["dimension"].item()), int(dataset["n"])
    x, _, label = size.partition("+label of ")
    where = f"At n = {n:,} and {f'{x} dimensions and {label} classes' if label else f'{size} dimensions'} {name}"
    if not answered:
        return f"{where} gives no value: {_first(dataset['reason'])}"
    groups: dict[str, list[str]] = {}
    ends = {law: reach(*known, tolerance) for law, known in answered.items()}
    for law in sorted(ends, key=lambda law: -np.nan_to_num(ends[law], nan=-1.0)):
        groups.setdefault(_upto(ends[law], answered[law][0]), []).append(law)
    parts = [f"{upto} on {_listed(laws, len(told))}" for upto, laws in groups.items()]
    sentences = [f"{where} is within {tolerance:g} nats of the truth {'; '.join(parts)}."]
    worst = max(answered, key=lambda law: abs(_worst(*answered[law])[1]))
    if abs(_worst(*answered[worst])[1]) > tolerance:
        sentences.append(f"Largest error: {off(*_worst(*answered[worst]))} on {worst}.")
    sentences += [f"{part[0].upper()}{part[1:]}." for part in _trust(dataset)]
    if len(answered) < len(told):
        sentences.append(f"Refused on {', '.join(law for law in told if law not in answered)}.")
    return " ".join(sentences)


def _upto(upto: float, truth: np.ndarray) -> str:
    if math.isnan(upto):
        return f"not even at {truth[0]:.3g} nats"
    if len(truth) == 1:
        return f"at {upto:.3g} nats"
    return f"from {truth[0]:.3g} to {upto:.3g} nats" if upto == truth[-1] else f"up to {upto:.3g} nats"


def _listed(laws: list[str], total: int) -> str:
    return f"all {total} laws" if len(laws) == total > 1 else ", ".join(laws)


def off(truth: float, bias: float) -> str:
    """An error in words: "low by 1.2 nats at 8"."""
    size = "without bound" if math.isinf(bias) else f"by {abs(bias):.2g} nats"
    return f"{'low' if bias < 0 else 'high'} {size} at {truth:.3g}"


def _worst(truth: np.ndarray, bias: np.ndarray) -> tuple[float, float]:
    k = int(np.argmax(np.abs(bias)))
    return float(truth[k]), float(bias[k])


def _known(row: xr.Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """Truths in their order and biases, where there is a value; None where there is none."""
    truth, bias = row["truth"].to_numpy(), row["bias"].to_numpy()
    there = ~np.isnan(bias)
    order = np.argsort(truth[there], kind="stable")
    return (truth[there][order], bias[there][order]) if there.any() else None


def _trust(row: xr.Dataset) -> list[str]:
    """How its intervals cover, and how many are warned or refused."""
    covered = row["covered"].where(row["warned"] == 0)
    intervals = int(covered.notnull().sum())
    words = []
    if intervals:
        cover = f"its 95 % intervals hold the truth in {float(covered.mean()):.0%} of {intervals} unwarned cases"
        words.append(cover.replace("%", " %").replace("95  %", "95 %"))
    elif int(row["warned"].notnull().sum()):
        words.append("it gives no unwarned intervals")
    for shares, what in ((row["warned"], "carry a warning"), (row["value"].isnull(), "are refused")):
        if float(shares.mean()) > 0:
            words.append(f"{float(shares.mean()) * 100:.0f} % of cases {what}")
    return words


def _first(reasons: xr.DataArray) -> str:
    return next((str(reason) for reason in reasons.to_numpy().ravel() if reason), "no reason given.")
