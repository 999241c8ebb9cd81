"""What the experiment noisy says of its planes: verdicts of compression that hold whatever a bracket leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from .base import Claim, Verdict
from .resampled import rank_correlation
from .verdicts import BITS, SLIGHT, Mean, all_of, any_of, compresses, compression, mean_over_seeds, opposite

# Sizes of the noise, strengths of the penalty and all limits are ours.
SIGMA, MORE, DROPOUT = 0.1, 0.2, 0.4
PENALTIES = {"penalty": 1e-3, "strong-penalty": 1e-2}
ENTROPIES = {"entropy_fine": "30 bins", "entropy_matched": "bins as wide as\nthe noise"}
_TRACKS = 0.5  # rank correlation from which a measure is said to track another
_HARM = 1.0  # percentage points of test accuracy that count as hurt
_FEW = 4  # checkpoints at least for a correlation
_SATURATED = 0.95  # of ln n, from which bins isolate the inputs
_OF_DROPOUT = "our reading of statements others attribute to arXiv:2303.00596"


class Change(NamedTuple):
    """Difference of I(X;T) between two checkpoints, in bits: means over networks.

    Attributes:
        least, most: between the far and the near ends of the two brackets.
        value: between the values.
    """

    least: Mean
    value: Mean
    most: Mean

    def __str__(self) -> str:
        return f"{self.value}, at least {self.least}, at most {self.most}"

    def above(self, limit: float) -> Verdict:
        """Whether it exceeds a limit, wherever in the brackets the truth lies."""
        if self.least.above(limit) == "holds":
            return "holds"
        return "fails" if self.most.above(limit) == "fails" else "unclear"


def noisy_claims(datasets: Mapping[str, xr.Dataset], source: str) -> list[Claim]:
    """The claims; ``source`` is that of the statements on additive noise."""
    plain = datasets["plain"]
    last = _layers(plain)[-1]
    falls = {layer: fall(plain, layer) for layer in _layers(plain)}
    found = [
        _moves(plain, source),
        Claim(
            f"In a noisy network (sigma {SIGMA:g}) {last} compresses: from the checkpoint of its largest mean on, "
            f"I(X;T) falls by more than {SLIGHT:g} bits, wherever in its brackets it lies.",
            falls[last].above(SLIGHT),
            {f"{layer}: fall, bits": str(change) for layer, change in falls.items()},
            source,
        ),
        *_more_noise(datasets, last, source),
        *_clustering(plain, datasets["plain-proxies"], source),
        *(_tracks(plain, datasets["plain-proxies"], name, source) for name in ENTROPIES),
    ]
    for name in (name for name in PENALTIES if name in datasets):  # a run of reduced size has the weaker one only
        found += _penalty(datasets, name, PENALTIES[name], last, source)
    return [*found, *_dropout(datasets["dropout"], datasets["dropout-binned"])]


def fall(plane: xr.Dataset, layer: str) -> Change:
    """From the checkpoint where the mean over networks is largest to the last one.

    The same checkpoint for all networks, so that the maximum of each one's noise does not count as a fall.
    """
    return change(plane, layer, _top(plane, layer), -1)


def change(plane: xr.Dataset, layer: str, here: int, there: int) -> Change:
    """I(X;T) at one checkpoint less that at another, by their positions."""
    lower, value, upper = _ends(plane, layer)
    parts = ((lower, upper), (value, value), (upper, lower))
    return Change(*(mean_over_seeds(one[:, here] - other[:, there]) for one, other in parts))


def _ends(plane: xr.Dataset, layer: str) -> tuple[np.ndarray, ...]:
    """(seed, epoch) lower ends, values, and upper ends of I(X;T), in bits."""
    names = ("mi_input_bracket_lower", "mi_input", "mi_input_bracket_upper")
    return tuple(plane[name].sel(layer=layer).transpose("seed", "epoch").to_numpy() * BITS for name in names)


def _top(plane: xr.Dataset, layer: str) -> int:
    return int(plane.mi_input.sel(layer=layer).mean("seed").argmax("epoch"))


def _layers(plane: xr.Dataset) -> list[str]:
    return [str(layer) for layer in plane.layer.values]


def _moves(plane: xr.Dataset, source: str) -> Claim:
    """Whether the means over networks at two checkpoints differ, in every layer."""
    changes = {}
    for layer in _layers(plane):
        path = plane.mi_input.sel(layer=layer).mean("seed")
        changes[layer] = change(plane, layer, int(path.argmax("epoch")), int(path.argmin("epoch")))
    finite: Verdict = "holds" if bool(np.isfinite(plane.mi_input).all()) else "fails"
    return Claim(
        f"In a noisy network (sigma {SIGMA:g}) I(X;T) of every hidden layer is finite and moves with training, by more "
        f"than {SLIGHT:g} bits and what the brackets leave open.",
        all_of([finite, *(one.above(SLIGHT) for one in changes.values())]),
        {f"{layer}: largest less smallest mean, bits": str(one) for layer, one in changes.items()},
        source,
    )


def correlations(plane: xr.Dataset, proxy: xr.DataArray, layer: str, start: int = 0) -> list[Mean]:
    """Rank correlation over checkpoints of I(X;T), at its lower end, value and upper end, with a proxy; from a position
    on; nan where checkpoints are fewer than four."""
    other = proxy.sel(layer=layer).transpose("seed", "epoch").to_numpy()[:, start:]
    if other.shape[1] < _FEW:
        return [Mean(np.nan, np.nan, np.nan)] * 3
    return [mean_over_seeds(rank_correlation(end[:, start:], other)) for end in _ends(plane, layer)]


def _agreed(verdicts: list[Verdict]) -> Verdict:
    """The verdict that the ends of the brackets share."""
    return verdicts[0] if len(set(verdicts)) == 1 else "unclear"


def _told(found: list[Mean]) -> str:
    return f"{found[1]}; at the brackets' ends {found[0]}, {found[2]}"


def _more_noise(datasets: Mapping[str, xr.Dataset], last: str, source: str) -> list[Claim]:
    """The same with another size of the noise, which a run of reduced size leaves out."""
    if "more-noise" not in datasets:
        return []
    found = fall(datasets["more-noise"], last)
    return [
        Claim(
            f"So it does with twice the noise (sigma {MORE:g}, {last}).",
            found.above(SLIGHT),
            {f"{last}: fall, bits": str(found)},
            f"{source}; the second sigma is ours",
        )
    ]


def _clustering(plane: xr.Dataset, proxies: xr.Dataset, source: str) -> list[Claim]:
    """Whether classes gather while I(X;T) falls, and whether the two go against each other all along."""
    layers, within = _layers(plane), proxies.cosine_within
    falling = [layer for layer in layers if fall(plane, layer).above(SLIGHT) == "holds"]
    later = {layer: correlations(plane, within, layer, _top(plane, layer)) for layer in layers}
    always = {layer: correlations(plane, within, layer) for layer in layers}
    words = "of I(X;T) and the cosine within classes"
    return [
        Claim(
            "Compression goes with clustering: in the hidden layers that compress, from the largest I(X;T) on, "
            "activations of one class are the more alike the smaller I(X;T).",
            all_of([_agreed([mean.below(0.0) for mean in later[layer]]) for layer in falling]),
            {"hidden layers that compress": ", ".join(falling) or "none"}
            | {f"{layer}: rank correlation {words}, from the largest on": _told(later[layer]) for layer in layers},
            source,
        ),
        Claim(
            "That is so in every hidden layer over all of training, fitting included.",
            all_of([_agreed([mean.below(0.0) for mean in always[layer]]) for layer in layers]),
            {f"{layer}: rank correlation {words}, all checkpoints": _told(always[layer]) for layer in layers},
            "our stricter reading of the same",
        ),
    ]


def _tracks(plane: xr.Dataset, proxies: xr.Dataset, name: str, source: str) -> Claim:
    """Whether a binned entropy goes up and down with I(X;T), where bins do not isolate the inputs."""
    entropy = proxies[name]
    kept = [layer for layer in _layers(plane) if not _saturated(entropy, layer, plane)]
    found = {layer: correlations(plane, entropy, layer) for layer in _layers(plane)}
    ends = entropy.mean("seed")
    bins = " ".join(ENTROPIES[name].split())
    return Claim(
        f"Binned entropy tracks I(X;T) (noise off, {bins}): rank correlation over checkpoints above {_TRACKS:g} in "
        "every hidden layer whose bins do not isolate the inputs.",
        all_of([_agreed([mean.above(_TRACKS) for mean in found[layer]]) for layer in kept]),
        {"quantity": str(entropy.attrs["quantity"]), "layers counted": ", ".join(kept) or "none"}
        | {
            f"{layer}: rank correlation, and range of mean H(T), bits": f"{_told(mean)}; "
            f"{float(ends.sel(layer=layer).min()) * BITS:.3g} to {float(ends.sel(layer=layer).max()) * BITS:.3g}"
            for layer, mean in found.items()
        },
        source,
    )


def _saturated(entropy: xr.DataArray, layer: str, plane: xr.Dataset) -> bool:
    """Whether bins isolate the inputs at every checkpoint."""
    return bool((entropy.sel(layer=layer).mean("seed") > _SATURATED * plane.attrs["ceiling_mi_input"]).all())


def _penalty(datasets: Mapping[str, xr.Dataset], name: str, strength: float, last: str, source: str) -> list[Claim]:
    """Compression, test accuracy and clustering beside the same seeds without the penalty."""
    pair = [datasets["plain"], datasets[name]]
    changes = [fall(plane, last) for plane in pair]
    falls = [_path(plane, last)[:, _top(plane, last)] - _path(plane, last)[:, -1] for plane in pair]
    accuracy = [100 * plane.accuracy_test.isel(epoch=-1).to_numpy() for plane in pair]
    cosine = [
        datasets[f"{which}-proxies"].cosine_within.sel(layer=last).isel(epoch=-1).to_numpy()
        for which in ("plain", name)
    ]
    less, harm, loose = (mean_over_seeds(with_it - without) for without, with_it in (falls, accuracy, cosine))
    means = [f"{mean_over_seeds(v)}" for v in (*accuracy, *cosine)]
    return [
        Claim(
            f"An orthonormality penalty of {strength:g} suppresses compression: {last} falls less than without, by "
            f"more than {SLIGHT:g} bits (values half-way between the brackets' ends).",
            less.below(-SLIGHT),
            {f"{last}: fall with penalty minus without, bits": str(less)}
            | {f"{last}: fall {w}, bits": str(one) for w, one in zip(("without", "with"), changes, strict=True)},
            source,
        ),
        Claim(
            f"The penalty of {strength:g} does not hurt: it costs at most {_HARM:g} percentage point of test accuracy.",
            harm.above(-_HARM),
            {
                "test accuracy with penalty minus without, percentage points": str(harm),
                "test accuracy without, with, %": f"{means[0]}, {means[1]}",
            },
            source,
        ),
        Claim(
            f"With the penalty of {strength:g} activations of one class end less alike in {last}.",
            loose.below(0.0),
            {
                "cosine within classes with penalty minus without": str(loose),
                "cosine within classes without, with": f"{means[2]}, {means[3]}",
            },
            f"{source}: compression as clustering, which the penalty prevents",
        ),
    ]


def _path(plane: xr.Dataset, layer: str) -> np.ndarray:
    """(seed, epoch) values of I(X;T), in bits."""
    return _ends(plane, layer)[1]


def _dropout(plane: xr.Dataset, binned: xr.Dataset) -> list[Claim]:
    """Gaussian dropout: the plane, and binning of the same layers."""
    layers = _layers(plane)
    changes = {layer: fall(plane, layer) for layer in layers}
    seen: dict[str, Verdict] = {layer: compresses(binned, layer) for layer in layers}
    numbers = {
        f"{layer}: fall, and fall by 30 bins with noise off, bits": f"{one}; {compression(binned, layer)}"
        for layer, one in changes.items()
    }
    return [
        Claim(
            f"With Gaussian dropout (sigma {DROPOUT:g}) {layers[-1]} compresses, wherever in its brackets I(X;T) lies.",
            changes[layers[-1]].above(SLIGHT),
            numbers,
            _OF_DROPOUT,
        ),
        Claim(
            "With Gaussian dropout some hidden layer compresses in which binning shows no compression.",
            any_of([all_of([changes[layer].above(SLIGHT), opposite(seen[layer])]) for layer in layers]),
            numbers | {f"{layer}: compresses by 30 bins": verdict for layer, verdict in seen.items()},
            _OF_DROPOUT,
        ),
    ]
