"""Trained models in numbers: one line an objective, every value with its error, over epochs and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..results import kept_models
from .ensemble_tables import short
from .runs import finite

_MODELS = ("objective", "beta", "seed", "epoch", "split")

# Variables with their headings, in the order of the columns.
COLUMNS = {
    "rate": "marginal rate R, nats",
    "rate_mixture": "mixture rate, nats",
    "rate_conditional": "conditional rate, nats",
    "mi_input": "I(X;Z), upper, nats",
    "distortion": "distortion D, nats",
    "distortion_readout": "D of the read-out, nats",
    "mi_target": "I(Z;Y), lower, nats",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
}


class Line(NamedTuple):
    """One objective of one dataset: (beta, seed, epoch, split) values, where it has models.

    Attributes:
        title: of the dataset, "" where there is one only.
        objective: its name, without beta.
        dataset: its part of the dataset, with those betas only of which there are models.
    """

    title: str
    objective: str
    dataset: xr.Dataset

    @property
    def name(self) -> str:
        return f"{self.title}: {self.objective}" if self.title else self.objective


def lines(titles: Sequence[str], datasets: Sequence[xr.Dataset]) -> list[Line]:
    """Every objective that has models, in order."""
    found = []
    for title, dataset in zip(titles, datasets, strict=True):
        measured = [name for name in dataset.data_vars if set(dataset[name].dims) == set(_MODELS)]
        kept = ["best_epoch"] if "best_epoch" in dataset else []
        for objective in dataset["objective"].to_numpy():
            one = dataset[[*measured, *kept]].sel(objective=objective)
            have = [bool(np.isfinite(one["mi_target"].isel(beta=k)).any()) for k in range(one.sizes["beta"])]
            if any(have):
                label = title if len(datasets) > 1 else ""
                found.append(
                    Line(label, str(objective), one.isel(beta=np.flatnonzero(have)).assign_attrs(dataset.attrs))
                )
    return found


def ended(line: Line) -> xr.Dataset:
    """(beta, seed, split) values of the models that are kept: of their best epoch, else of the last they reached."""
    return kept_models(line.dataset)


def spread(dataset: xr.Dataset, name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Means over seeds, and their errors: the standard deviation over seeds, of one seed the error over samples.

    Args:
        dataset: values over (beta, seed, split), and (epoch) where that is wanted.
        name: of the variable.
        split: of the data.

    Returns:
        Both (beta,) or (beta, epoch); nan where not known. Seeds that have no value are left out.
    """
    order = [name for name in ("seed", "beta", "epoch") if name in dataset["mi_target"].dims]
    values = _of(dataset, name, split, order)
    count = np.isfinite(values).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.nansum(values, axis=0) / count
        deviation = np.sqrt(np.nansum((values - middle) ** 2, axis=0) / (count - 1))
    alone = np.full(middle.shape, np.nan)
    if f"{name}_stderr" in dataset:
        errors = np.where(np.isfinite(values), _of(dataset, f"{name}_stderr", split, order), np.nan)
        alone = np.where(np.isfinite(errors).any(axis=0), np.nansum(errors, axis=0), np.nan)
    return middle, np.where(count > 1, deviation, np.where(count == 1, alone, np.nan))


def _of(dataset: xr.Dataset, name: str, split: str, order: Sequence[str]) -> np.ndarray:
    values = dataset[name].sel(split=split).transpose(*order).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def splits(found: Sequence[Line]) -> list[str]:
    """Parts of the data that were measured; the last is what the page begins with."""
    names = list(dict.fromkeys(str(name) for line in found for name in line.dataset["split"].to_numpy()))
    return sorted(names, key=lambda name: (name == "test", name != "train"))


def described(line: Line, parts: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Everything the scripts draw of one objective, ready for JSON, in nats."""
    last, here = ended(line), [part for part in parts if part in line.dataset["split"].to_numpy()]
    known = [name for name in names if name in line.dataset]
    return {
        "betas": [finite(beta) for beta in line.dataset["beta"].to_numpy()],
        "epochs": line.dataset["epoch"].to_numpy().tolist(),
        "seeds": int(line.dataset.sizes["seed"]),
        "ceilings": {part: ceiling(line.dataset, part) for part in here},
        "last": {part: {name: _plain(spread(last, name, part)) for name in known} for part in here},
        "course": {part: {name: _plain(spread(line.dataset, name, part)) for name in known} for part in here},
    }


def ceiling(dataset: xr.Dataset, split: str) -> float | None:
    """H(Y) of a part of the data, nats."""
    return finite(dataset.attrs.get(f"entropy_target_{split}", dataset.attrs.get("ceiling_mi_target")))


def _plain(pair: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    return {
        key: np.where(np.isfinite(values), values.astype(object), np.array(None)).tolist()
        for key, values in zip(("mean", "error"), pair, strict=True)
    }


def beta_text(beta: float) -> str:
    """beta as it is read; that of an objective without one as a dash."""
    return f"{beta:,.6g}" if np.isfinite(beta) else "–"


def table(found: Sequence[Line], parts: Sequence[str]) -> dict[str, Any]:
    """A row an objective, beta and part of the data: values at the end with their errors."""
    present = [name for name in COLUMNS if any(name in line.dataset for line in found)]
    rows = []
    for line in found:
        last = ended(line)
        for part in (part for part in parts if part in last["split"].to_numpy()):
            cells = [spread(last, name, part) if name in last else None for name in present]
            for k, beta in enumerate(last["beta"].to_numpy()):
                texts = ["–" if pair is None else with_error(pair[0][k], pair[1][k]) for pair in cells]
                rows.append([line.name, beta_text(float(beta)), part, *texts])
    return {"headings": ["objective", "β", "data", *(COLUMNS[name] for name in present)], "rows": rows}


def with_error(value: float, error: float) -> str:
    """ "1.23 ± 0.04"; without an error where it is not known."""
    if not np.isfinite(error) or not np.isfinite(value):
        return short(float(value))
    return f"{short(float(value))} ± {short(float(error)) if error >= 1e-3 or error == 0 else '<0.001'}"
