"""What the experiment on estimators claims, from planes by estimator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..plane.agreement import agreement
from ..plane.compression import BITS, SLIGHT, Mean, Verdict, mean_over_seeds
from ..plane.methods import method_of
from ..plane.rescaling import Rescaling, rescalings
from ..plane.several import apart
from .base import Claim
from .verdicts import all_of, hidden, last_hidden

NOISE = 0.1  # of the variable that nearest neighbours, the decoder and the pairwise bounds look at together
_DERIVED = "derived; our own test"
_ROUNDING = 1e-6  # nats: pairwise sums are in single precision


def claims_of(datasets: Mapping[str, xr.Dataset], survey: str) -> list[Claim]:
    """All claims; those on nearest neighbours and the decoder where they were measured."""
    tanh, relu = (agreement(datasets[name]) for name in ("tanh", "relu"))
    layer = last_hidden(datasets["tanh"])
    pairs = {name: rescalings(table) for name, table in (("tanh", tanh), ("relu", relu))}
    found = [
        _all_see(tanh, layer, survey),
        _sign(datasets["tanh"], layer, survey),
        _vanishes(pairs["tanh"], layer, survey),
        _informative(tanh, layer),
        _none_sees(relu, hidden(datasets["relu"])),
        _grows(pairs["relu"], hidden(datasets["relu"])),
        _below_ceiling(datasets),
    ]
    if "tanh-decoder" in datasets:
        planes = apart(datasets["tanh"])
        found += [
            _neighbours(planes[f"KSG, noise {NOISE:g}"], planes[f"pairwise, noise {NOISE:g}"]),
            _decoder(datasets["tanh-decoder"], planes[f"pairwise, noise {NOISE:g}"]),
        ]
    return found


def _told(values: tuple[float, float, float] | Mean) -> str:
    """Nats as bits, with their interval."""
    value, low, high = (values.value, values.lower, values.upper) if isinstance(values, Mean) else values
    return str(Mean(value * BITS, low * BITS, high * BITS))


def _fall(row: xr.Dataset) -> str:
    return _told((float(row.fall), float(row.fall_lower), float(row.fall_upper)))


def _all_see(table: xr.Dataset, layer: str, source: str) -> Claim:
    """Every estimator that could have seen it."""
    rows = [table.isel(estimator=k).sel(layer=layer) for k in range(table.sizes["estimator"])]
    telling = [row for row in rows if not row.blind.item()]
    seen: list[Verdict] = [row.verdict.item() for row in telling]
    return Claim(
        f"tanh: all estimators that can tell agree that {layer} compresses.",
        all_of(seen),
        {"compression in": f"{seen.count('holds')} of {len(telling)} estimators"}
        | {f"{row.estimator.item()}: fall, bits": f"{_fall(row)}, {row.verdict.item()}" for row in telling},
        f"{source}, read as a question to our estimators",
    )


def _sign(dataset: xr.Dataset, layer: str, source: str) -> Claim:
    """Whether training takes information away at one noise that stays, and adds some at another."""
    changes = {}
    for name, plane in apart(dataset).items():
        method = method_of(plane)
        if method.settings.startswith("PairwiseBounds(") and not method.follows_scale:
            path = plane.mi_input.sel(layer=layer)
            changes[name] = mean_over_seeds(path.isel(epoch=-1, drop=True) - path.isel(epoch=0, drop=True))
    gains, losses = ([m.above(0.0) for m in changes.values()], [m.below(0.0) for m in changes.values()])
    both = "holds" in gains and "holds" in losses
    one = all(v == "holds" for v in gains) or all(v == "holds" for v in losses)
    return Claim(
        f"tanh: whether {layer} ends with less I(X; T + noise) than it started with, or with more, depends on sigma.",
        "holds" if both else "fails" if one else "unclear",
        {f"{name}: last less first, bits": _told(mean) for name, mean in changes.items()},
        f"our reading of {source}",
    )


def _vanishes(pairs: list[Rescaling], layer: str, source: str) -> Claim:
    """Of all fixed resolutions that see compression and have a counterpart that can tell."""
    mine = [p for p in pairs if p.layer == layer and p.outcome in ("vanishes", "remains", "unclear")]
    kinds: dict[str, Verdict] = {"vanishes": "holds", "remains": "fails", "unclear": "unclear"}
    return Claim(
        f"tanh: the compression of {layer} vanishes when the resolution moves with the layer's scale.",
        all_of([kinds[p.outcome] for p in mine]),
        {
            f"{p.fixed}, then {p.moving}: fall, bits": f"{_told(p.fall)}, then {_told(p.fall_after)}: {p.outcome}"
            for p in mine
        },
        f"one geometric cause, scale, put to the test; after {source}",
    )


def _informative(table: xr.Dataset, layer: str) -> Claim:
    """Whether the bounds alone decide, at every noise, if the layer falls by more than 0.1 bits."""
    rows = [table.isel(estimator=k).sel(layer=layer) for k in range(table.sizes["estimator"])]
    rows = [row for row in rows if row.proved.item()]
    verdicts: list[Verdict] = []
    for row in rows:
        open_ = float(row.least_upper) < SLIGHT / BITS < float(row.most_lower)
        verdicts.append("holds" if row.proved.item() != "unclear" else "fails" if open_ else "unclear")
    return Claim(
        f"tanh: at every noise the pairwise bounds alone decide whether {layer} falls by more than {SLIGHT:g} bits.",
        all_of(verdicts),
        {
            f"{row.estimator.item()}: fall at least, at most, bits": f"{_ends(row, 'least')}, {_ends(row, 'most')}"
            for row in rows
        },
        _DERIVED,
    )


def _ends(row: xr.Dataset, name: str) -> str:
    return _told((float(row[name]), float(row[f"{name}_lower"]), float(row[f"{name}_upper"])))


def _none_sees(table: xr.Dataset, layers: list[str]) -> Claim:
    """No estimator that could have seen it, in no hidden layer."""
    kinds: dict[str, Verdict] = {"holds": "fails", "fails": "holds", "unclear": "unclear"}
    verdicts: list[Verdict] = []
    numbers: dict[str, float | str] = {}
    for layer in layers:
        part = table.sel(layer=layer)
        here = [str(v) for v, b in zip(part.verdict.to_numpy(), part.blind.to_numpy(), strict=True) if not b]
        verdicts.extend(kinds[v] for v in here)
        names = [str(n) for n in part.estimator.to_numpy()[part.verdict.to_numpy() == "holds"]]
        which = f": {'; '.join(names)}" if names else ""
        numbers[f"{layer}: compression in"] = f"{len(names)} of {len(here)}{which}"
    return Claim(
        "relu: no estimator that can tell sees a hidden layer compress.",
        all_of(verdicts),
        numbers,
        "Saxe et al. 2018, On the information bottleneck theory of deep learning",
    )


def _grows(pairs: list[Rescaling], layers: list[str]) -> Claim:
    """Whether rescaling the noise adds to the fall, for every pair of which one falls by more than 0.1 bits."""
    mine = [p for p in pairs if p.kind == "noise" and p.layer in layers]
    mine = [p for p in mine if max(p.fall.value, p.fall_after.value) > SLIGHT / BITS]
    return Claim(
        "relu: with noise in units of the layer's deviation hidden layers fall by more than with noise that stays, for "
        "their scale grows.",
        all_of([p.change.above(0.0) for p in mine]),
        {
            f"{p.layer}, {p.fixed}, then {p.moving}: falls; change, bits": (
                f"{_told(p.fall)}, then {_told(p.fall_after)}; {_told(p.change)}"
            )
            for p in mine
        },
        _DERIVED,
    )


def _below_ceiling(datasets: Mapping[str, xr.Dataset]) -> Claim:
    """The greatest drawn value of I(T;Y) of every dataset, over all estimators, layers, checkpoints and networks."""
    ceiling = float(datasets["tanh"].attrs["ceiling_mi_target"])
    planes = {f"{name}, {k}" if k else name: p for name, d in datasets.items() for k, p in apart(d).items()}
    most = {name: float(plane.mi_target.max()) for name, plane in planes.items()}
    worst = max(most, key=lambda name: most[name])
    above = [name for name, value in most.items() if value > ceiling + _ROUNDING]
    return Claim(
        "No estimate of I(T;Y) exceeds H(Y), at any layer, checkpoint or network.",
        "fails" if above else "holds",
        {"H(Y), bits": f"{ceiling * BITS:.6f}", "greatest I(T;Y), bits": f"{most[worst] * BITS:.6f} ({worst})"}
        | {f"{name}: greatest I(T;Y), bits": f"{most[name] * BITS:.6f}" for name in above},
        _DERIVED,
    )


def _neighbours(plane: xr.Dataset, bounds: xr.Dataset) -> Claim:
    """At the last checkpoint, layer by layer, over networks: above the lower and below the upper bound."""
    verdicts: list[Verdict] = []
    numbers: dict[str, float | str] = {}
    for layer in map(str, plane.layer.to_numpy()):
        value, low, high = (
            values.sel(layer=layer).isel(epoch=-1)
            for values in (plane.mi_input, bounds.mi_input_lower, bounds.mi_input_upper)
        )
        verdicts.extend((mean_over_seeds(value - low).above(0.0), mean_over_seeds(high - value).above(0.0)))
        numbers[f"{layer}: KSG; bounds, bits"] = (
            f"{_told(mean_over_seeds(value))}; {float(low.mean()) * BITS:.3g} to {float(high.mean()) * BITS:.3g}"
        )
    return Claim(
        f"tanh: nearest neighbours (KSG) put I(X; T + noise {NOISE:g}) within its certain bounds, in every layer.",
        all_of(verdicts),
        numbers,
        _DERIVED,
    )


def _decoder(plane: xr.Dataset, bounds: xr.Dataset) -> Claim:
    """At the last checkpoint, layer by layer: a held-out decoder against the lower end of the pairwise interval."""
    verdicts: list[Verdict] = []
    numbers: dict[str, float | str] = {}
    for layer in map(str, plane.layer.to_numpy()):
        value, low, high = (
            values.sel(layer=layer).isel(epoch=-1, drop=True)
            for values in (plane.mi_target, bounds.mi_target_lower, bounds.mi_target_upper)
        )
        verdicts.append(mean_over_seeds(value - low).above(0.0))
        ends = f"{float(np.mean(low)) * BITS:.3g} to {float(np.mean(high)) * BITS:.3g}"
        numbers[f"{layer}: decoder; pairwise bounds, bits"] = f"{_told(mean_over_seeds(value))}; {ends}"
    return Claim(
        f"tanh: of I(T + noise {NOISE:g}; Y) a held-out decoder proves more than the pairwise bound, in every layer.",
        all_of(verdicts),
        numbers,
        _DERIVED,
    )
