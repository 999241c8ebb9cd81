"""What the experiment ``mnist-plane`` claims of MNIST: who sees compression, what noise hides, what gradients do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import xarray as xr

from ..plane.agreement import agreement
from ..plane.several import apart
from .base import Claim, Verdict
from .noisy_claims import fall
from .phase_claims import crosses_near_compression, drift_then_diffusion
from .verdicts import (
    BITS,
    SLIGHT,
    Mean,
    all_of,
    compresses,
    compression,
    excess_compression,
    mean_over_seeds,
    opposite,
    same,
)

SIGMA = 0.1**0.5  # of the published plane: variance 0.1
PUBLISHED = f"pairwise, noise {SIGMA:.3g}"
_DERIVED = "derived; our own test"
_LEARNED = {"train": 0.99, "test": 0.9}  # accuracies from which a network has learned; ours
_ACTIVATIONS = ("tanh", "relu")
_NEAR = 0.95  # of ln n, from which a resolution isolates the images and cannot tell
_SETTING = "12,000 images, 300 epochs at rate 0.1"  # not the published setting: said with every claim on its networks


def claims_of(datasets: Mapping[str, xr.Dataset], source: str) -> list[Claim]:
    """All claims; ``source`` is that of the statements on tanh and ReLU."""
    tables = {name: agreement(datasets[name]) for name in _ACTIVATIONS}
    bins = {name: datasets[f"{name}-bins"] for name in _ACTIVATIONS}
    last = str(bins["tanh"].layer.to_numpy()[-2])
    source = f"{source}; tested with {_SETTING}"
    found = [
        _learned(bins),
        _falls("tanh", part(bins["tanh"], "test"), last, "in 30 bins of a fixed range", source),
        _seen("tanh", tables["tanh"], "adaptive", "adaptive bins", last, source),
        _falls("tanh", part(datasets["tanh-pairwise"], "test"), last, "by pairwise values at sigma^2 = 0.1", source),
        _none("relu", tables["relu"], source),
        *(_one_answer(name, tables[name], last) for name in _ACTIVATIONS),
        *(_alike(name, bins[name], last) for name in _ACTIVATIONS),
        _saturation(datasets),
    ]
    for name in _ACTIVATIONS:
        found += [_rises(name, datasets[f"{name}-decoder"]), _credited(name, datasets)]
    found += [drift_then_diffusion(part(bins[name], "test"), "arXiv:1703.00810", name) for name in _ACTIVATIONS]
    # Only where a maximum of I(X;T) is to be seen: in bins these layers are at their ceiling from beginning to end.
    seen = part(datasets["tanh-pairwise"], "test")
    found.append(crosses_near_compression(seen, "arXiv:1703.00810", "tanh, noise of variance 0.1"))
    return [*found, *_dropout(datasets)]


def part(plane: xr.Dataset, split: str) -> xr.Dataset:
    """One part of the images, with its own number of samples and ceilings."""
    own = json.loads(str(plane.attrs["by_split"]))[split]
    return plane.sel(split=split, drop=True).assign_attrs(split=split, by_split="", **own)


def _learned(bins: Mapping[str, xr.Dataset]) -> Claim:
    verdicts: list[Verdict] = []
    numbers: dict[str, float | str] = {}
    for name, plane in bins.items():
        for images, least in _LEARNED.items():
            mean = mean_over_seeds(plane[f"accuracy_{images}"].isel(epoch=-1, split=0, missing_dims="ignore"))
            verdicts.append(mean.above(least))
            numbers[f"{name}: accuracy, {images}"] = str(mean)
    return Claim(
        "The networks learn: above 99 % of training and 90 % of test images.", all_of(verdicts), numbers, _DERIVED
    )


def _falls(name: str, plane: xr.Dataset, layer: str, words: str, source: str) -> Claim:
    return Claim(
        f"{name}: {layer} compresses {words} (10,000 test images).",
        _telling(plane, layer),
        {
            "fall, bits": str(compression(plane, layer)),
            "fall above shuffled steps, bits": str(excess_compression(plane, layer)),
            "I(X;T) at the end, share of ln n": str(_share(plane, layer)),
        },
        source,
    )


def _share(plane: xr.Dataset, layer: str) -> Mean:
    """I(X;T) at the end as a share of its ceiling."""
    return mean_over_seeds(plane.mi_input.sel(layer=layer).isel(epoch=-1) / float(plane.attrs["ceiling_mi_input"]))


def _telling(plane: xr.Dataset, layer: str) -> Verdict:
    """Whether it compresses; a resolution that isolates nearly every image at the end could not have seen a fall."""
    found = compresses(plane, layer)
    return "unclear" if found != "holds" and _share(plane, layer).value > _NEAR else found


def _row(table: xr.Dataset, method: str, layer: str) -> xr.Dataset:
    """Of the one method whose label has these words, whole labels first."""
    labels = [str(label) for label in table.estimator.to_numpy()]
    place = labels.index(method) if method in labels else next(k for k, label in enumerate(labels) if method in label)
    return table.isel(estimator=place).sel(layer=layer)


def _fall(row: xr.Dataset) -> str:
    return str(Mean(*(float(row[f"fall{end}"]) * BITS for end in ("", "_lower", "_upper"))))


def _told(row: xr.Dataset) -> str:
    blind = str(row.blind.item())
    return f"{_fall(row)}, {row.verdict.item()}" + (f" (blind: {blind})" if blind else "")


def _answer(row: xr.Dataset) -> Verdict:
    """A method that could not have seen a fall leaves it open."""
    return "unclear" if row.blind.item() else row.verdict.item()


def _seen(name: str, table: xr.Dataset, method: str, words: str, layer: str, source: str) -> Claim:
    row = _row(table, method, layer)
    return Claim(f"{name}: {layer} compresses by {words}.", _answer(row), {"fall, bits": _told(row)}, source)


def _none(name: str, table: xr.Dataset, source: str) -> Claim:
    """By the three methods that the experiment names, in the hidden layers of 20 units."""
    methods = {
        "30 bins": "fixed range" if name == "tanh" else "30 bins",
        "adaptive bins": "adaptive",
        PUBLISHED: PUBLISHED,
    }
    layers = [str(layer) for layer in table.layer.to_numpy()[1:-1]]
    rows = {(words, layer): _row(table, method, layer) for words, method in methods.items() for layer in layers}
    return Claim(
        f"{name}: no hidden layer of 20 units compresses, in bins, adaptive bins or through noise of variance 0.1.",
        all_of([opposite(_answer(row)) for row in rows.values()]),
        {f"{layer}, {words}: fall, bits": _told(row) for (words, layer), row in rows.items()},
        source,
    )


def _one_answer(name: str, table: xr.Dataset, layer: str) -> Claim:
    """Of all methods that can tell: one that sees a fall and one that does not are a contradiction."""
    rows = [table.isel(estimator=k).sel(layer=layer) for k in range(table.sizes["estimator"])]
    telling = [row for row in rows if not row.blind.item()]
    answers = {str(row.verdict.item()) for row in telling}
    verdict: Verdict = "fails" if {"holds", "fails"} <= answers else "holds" if len(answers) == 1 else "unclear"
    return Claim(
        f"{name}: all methods and all noises that can tell give one answer on whether {layer} compresses.",
        "unclear" if answers <= {"unclear"} else verdict,
        {"compression in": f"{sum(r.verdict.item() == 'holds' for r in telling)} of {len(telling)} methods"}
        | {f"{row.estimator.item()}: fall, bits": _told(row) for row in rows},
        "arXiv:2003.09671, read as a question to our methods",
    )


def _alike(name: str, plane: xr.Dataset, layer: str) -> Claim:
    parts = {split: part(plane, split) for split in ("train", "test")}
    return Claim(
        f"{name}: in 30 bins, training images and as many test images agree on whether {layer} compresses.",
        same(_telling(parts["train"], layer), _telling(parts["test"], layer)),
        {
            f"{split}: fall, bits; I(X;T) at the end, share of ln n": (
                f"{compression(images, layer)}; {_share(images, layer)}"
            )
            for split, images in parts.items()
        },
        _DERIVED,
    )


def _saturation(datasets: Mapping[str, xr.Dataset]) -> Claim:
    """Share of values whose upper bound is within 5 % of ln n, by layer and noise."""
    numbers: dict[str, float | str] = {}
    published: list[float] = []
    for name in _ACTIVATIONS:
        for label, plane in apart(datasets[name]).items():
            if not label.startswith("pairwise"):
                continue
            share = {str(k): float(plane.saturated.sel(layer=k).mean()) for k in plane.layer.to_numpy()}
            numbers[f"{name}, {label}: share saturated"] = ", ".join(f"{k} {v:.2g}" for k, v in share.items())
            if label == PUBLISHED:
                published += share.values()
    return Claim(
        "At sigma^2 = 0.1 no layer is saturated at any checkpoint: all upper bounds stay below 95 % of ln n.",
        "fails" if any(published) else "holds",
        numbers,
        _DERIVED,
    )


def _rises(name: str, decoded: xr.Dataset) -> Claim:
    """From before training to its end, in every layer."""
    gains = {
        str(layer): mean_over_seeds(
            (decoded.decoded.isel(epoch=-1, drop=True) - decoded.decoded.isel(epoch=0, drop=True)).sel(layer=layer)
            * BITS
        )
        for layer in decoded.layer.to_numpy()
    }
    accuracy = [str(mean_over_seeds(decoded.accuracy_test.isel(epoch=k))) for k in (0, -1)]
    return Claim(
        f"{name}: what a held-out decoder proves of I(T;Y) rises with training, in every layer.",
        all_of([gain.above(0.0) for gain in gains.values()]),
        {"test accuracy, first and last": " and ".join(accuracy)}
        | {f"{layer}: gain, bits": str(gain) for layer, gain in gains.items()},
        _DERIVED,
    )


def _credited(name: str, datasets: Mapping[str, xr.Dataset]) -> Claim:
    """Before training, where layers are random features: bins against a decoder, on the same images."""
    binned, decoded = _plane(datasets[name], "30 bins"), datasets[f"{name}-decoder"].decoded
    ceiling = float(datasets[name].attrs["ceiling_mi_target"])
    excess, numbers = [], {"H(Y), bits": f"{ceiling * BITS:.4g}"}
    for layer in map(str, decoded.layer.to_numpy()[:-1]):
        pair = [values.sel(layer=layer).isel(epoch=0, drop=True) * BITS for values in (binned.mi_target, decoded)]
        excess.append(mean_over_seeds(pair[0] - pair[1]).above(SLIGHT))
        numbers[f"{layer}: bins; decoder, bits"] = "; ".join(str(mean_over_seeds(values)) for values in pair)
    return Claim(
        f"{name}: before training, bins credit every hidden layer with over 0.1 bits more on the label than a held-out "
        "decoder proves.",
        all_of(excess),
        dict(numbers),
        _DERIVED,
    )


def _plane(dataset: xr.Dataset, words: str) -> xr.Dataset:
    """The first plane whose name starts with these words."""
    return next(plane for label, plane in apart(dataset).items() if label.startswith(words))


def _dropout(datasets: Mapping[str, xr.Dataset]) -> Sequence[Claim]:
    plane, bins = datasets["dropout"], datasets["dropout-bins"]
    layers = [str(layer) for layer in plane.layer.to_numpy()]
    falls = {layer: fall(plane, layer) for layer in layers}
    last = layers[-1]
    own = falls[last].above(SLIGHT)
    return [
        Claim(
            f"tanh with Gaussian dropout: {last} compresses, wherever in its brackets I(X;T) lies.",
            own,
            {f"{layer}: fall, bits": str(change) for layer, change in falls.items()},
            "our reading of statements others attribute to arXiv:2303.00596; 100 epochs, 500 test images",
        ),
        Claim(
            f"tanh with Gaussian dropout: 30 bins of the same weights, noise off, say the same of {last}.",
            same(own, compresses(bins, last)),
            {f"{layer}: fall in bins, bits": str(compression(bins, layer)) for layer in layers},
            _DERIVED,
        ),
    ]
