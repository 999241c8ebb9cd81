"""What is said of deep linear networks, and what their closed forms say to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from .agreement import information_limits, scores
from .base import Claim, Verdict
from .verdicts import BITS, SLIGHT, Mean, all_of, compresses, compression, mean_over_seeds, opposite, rounded

QUANTITIES = {
    "mi_input": "I(X;T)",
    "mi_relevant": "I(X relevant; T)",
    "mi_irrelevant": "I(X irrelevant; T)",
    "mi_target": "I(T;Y)",
}
_DERIVED = "derived; our own test"
_LINEAR = "the linear networks of Saxe et al. 2018 as others describe them (not checked against the paper; sizes ours)"
_WORSE, _LEAST = 0.10, 0.05  # of the least population loss: ends so much higher, or not even so much
_RIGHT = 0.10  # by how much standard errors may be wrong

Pairs = Mapping[str, tuple[xr.Dataset, xr.Dataset]]


def overfitting(planes: Mapping[str, xr.Dataset], samples: Mapping[str, int]) -> Claim:
    """That the two settings are what they are called.

    Args:
        planes: exact ones by setting, with ``loss_population``.
        samples: training samples by setting, few first.
    """
    rise = {name: _rise(plane.loss_population) for name, plane in planes.items()}
    few, many = samples
    text = (
        f"Networks overfit {samples[few]} samples (the population loss ends more than {_WORSE:.0%} above its minimum) "
        f"and not {samples[many]} (within {_LEAST:.0%})."
    )
    told: dict[str, float | str] = {f"{name}: rise after the minimum, share": str(mean) for name, mean in rise.items()}
    for name, plane in planes.items():
        last = plane.isel(epoch=-1)
        told[f"{name}: loss at the end, population"] = str(mean_over_seeds(last.loss_population))
        told[f"{name}: loss at the end, training"] = str(mean_over_seeds(last.loss_train))
    return Claim(text, all_of([rise[few].above(_WORSE), rise[many].below(_LEAST)]), told, _DERIVED)


def _rise(loss: xr.DataArray) -> Mean:
    return mean_over_seeds(loss.isel(epoch=-1) / loss.min("epoch") - 1.0)


def alike(planes: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Whether the planes of networks that overfit and that do not look alike: in I(X;T), and in I(T;Y)."""
    cells = [(name, plane, str(layer)) for name, plane in planes.items() for layer in plane.layer.values]
    lost = {
        f"{name}, {layer}": mean_over_seeds(_lost(plane.mi_target.sel(layer=layer)) * BITS)
        for name, plane, layer in cells
    }
    return [
        Claim(
            f"No layer compresses, with overfitting or without: I(X;T) falls by less than {SLIGHT:g} bits.",
            all_of([opposite(compresses(plane, layer)) for _, plane, layer in cells]),
            {f"{name}, {layer}: fall, bits": str(compression(plane, layer)) for name, plane, layer in cells},
            _LINEAR,
        ),
        Claim(
            "The planes of networks that overfit and that do not are alike along I(T;Y) too: no layer loses "
            f"{SLIGHT:g} bits of it after its maximum.",
            all_of([mean.below(SLIGHT) for mean in lost.values()]),
            {f"{where}: fall of I(T;Y), bits": str(mean) for where, mean in lost.items()},
            _LINEAR,
        ),
    ]


def _lost(path: xr.DataArray) -> xr.DataArray:
    """(seed,) fall after the maximum."""
    return path.max("epoch") - path.isel(epoch=-1, drop=True)


def split(name: str, plane: xr.Dataset, source: str) -> Claim:
    """Whether information on irrelevant inputs falls from first to last checkpoint while that on relevant ones rises.

    Args:
        name: of the setting.
        plane: exact, with ``mi_relevant``, ``mi_irrelevant`` and ``loss_population``.
        source: of the statement.
    """
    best = plane.loss_population.argmin("epoch")
    verdicts: list[Verdict] = []
    told: dict[str, float | str] = {}
    for layer in map(str, plane.layer.values):
        for quantity, rises in (("mi_irrelevant", False), ("mi_relevant", True), ("mi_input", True)):
            path = plane[quantity].sel(layer=layer) * BITS
            change = mean_over_seeds(path.isel(epoch=-1) - path.isel(epoch=0))
            verdicts.append(change.above(0.0) if rises else change.below(0.0))
            told[f"{layer}: change of {QUANTITIES[quantity]}, bits"] = str(change)
            if quantity == "mi_irrelevant":
                early = mean_over_seeds(path.isel(epoch=best) - path.isel(epoch=0))
                told[f"{layer}: the same until the population loss is least, bits"] = str(early)
    text = f"{name}: in every layer irrelevant information falls while relevant and all information rise."
    return Claim(text, all_of(verdicts), told, source)


def agreement(pairs: Pairs) -> list[Claim]:
    """Whether measured planes are the exact ones to Monte Carlo error, and whether that error is known.

    Args:
        pairs: the exact and the measured plane of every setting.
    """
    z = {
        (name, quantity): scores(measured[quantity] - exact[quantity], measured[f"{quantity}_stderr"])
        for name, (exact, measured) in pairs.items()
        for quantity in QUANTITIES
    }
    single = {
        name: xr.concat(
            [(measured[q] - exact[q]) / measured[f"{q}_stderr"] for q in QUANTITIES], "quantity", coords="minimal"
        )
        for name, (exact, measured) in pairs.items()
    }
    every = np.concatenate([values.to_numpy().ravel() for values in z.values()])
    seeds = next(iter(single.values())).sizes["seed"]
    low, high = information_limits(every.size, seeds)
    count = sum(values.size for values in single.values())
    within = float(np.mean([float((np.abs(values) < 1.96).mean()) for values in single.values()]))
    told = {
        "comparisons of means over networks (setting, epoch, layer, quantity)": float(every.size),
        "least and largest z": f"{every.min():.3g}, {every.max():.3g}",
        "limits of z (Bonferroni, 5 %)": f"{low:.3g}, {high:.3g}",
        "mean z": float(every.mean()),
        "single comparisons": float(count),
        "single |z| below 1.96, share": within,
        "largest single |z|": max(float(np.abs(values).max()) for values in single.values()),
    }
    squares = mean_over_seeds(xr.concat([(v**2).mean(["quantity", "epoch", "layer"]) for v in single.values()], "half"))
    return [
        Claim(
            "Measured planes equal the closed form at every checkpoint to Monte Carlo error: I(X;T), I(T;Y), and the "
            "information on relevant and on irrelevant inputs, of every layer.",
            "holds" if low <= every.min() and every.max() <= high else "fails",
            rounded(told),
            _DERIVED,
        ),
        Claim(
            f"The estimator's standard errors are right to {_RIGHT:.0%}.",
            all_of([squares.above((1.0 - _RIGHT) ** 2), squares.below((1.0 + _RIGHT) ** 2)]),
            {"mean square of single z": str(squares)},
            _DERIVED,
        ),
    ]
