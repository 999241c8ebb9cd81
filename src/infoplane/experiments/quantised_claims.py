"""What the experiment ``quantised`` states, and how its numbers decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..plane.summary import add_summary
from .base import Claim, Verdict
from .train_size import late_change
from .verdicts import (
    BITS,
    SLIGHT,
    all_of,
    any_of,
    compresses,
    compression,
    excess_compression,
    hidden,
    last_hidden,
    mean_over_seeds,
    opposite,
    same,
)

ACTIVATIONS = ("tanh", "relu")
WIDTHS_IN_BITS = (4, 8)
BINS = (16, 30, 256)
FOLLOWING = "relu-256-levels-following"
_PAIRS = ((4, 16), (8, 256), (8, 30))  # bits and bins: of one resolution, and the usual bins
_ONE_POINT = 1.0  # percentage point of test accuracy
_DERIVED = "derived: every layer is a function of the one before"
_OURS = "our test"


def quantised_claims(datasets: Mapping[str, xr.Dataset], paper: str) -> list[Claim]:
    """All claims.

    Args:
        datasets: planes "tanh-8-bit" (exact, with the means over single units), "tanh-30-bins" (of float networks) and
            so on; "relu-256-levels-following" has the float networks on ranges that follow their activations.
        paper: whose question it is. Its findings were not at hand: nothing here is quoted from it.
    """
    reading = f"our reading of what {paper} asks; its findings were not checked"
    found = []
    for activation in ACTIVATIONS:
        exact = {bits: datasets[f"{activation}-{bits}-bit"] for bits in WIDTHS_IN_BITS}
        binned = {bins: datasets[f"{activation}-{bins}-bins"] for bins in BINS}
        neurons = {bits: neurons_as_plane(plane) for bits, plane in exact.items()}
        found += [
            _fits(activation, exact, reading),
            *(_compression(activation, bits, plane, reading) for bits, plane in exact.items()),
            _narrow(activation, exact[8], reading),
            *(_forgets(activation, bits, plane) for bits, plane in exact.items()),
            _agree(f"{activation}: networks of 4 and of 8 bits", "4 bits", exact[4], "8 bits", exact[8], reading),
        ]
        for bits, bins in _PAIRS:
            text = f"{activation}: {bits} bits, exact, and float networks at {bins} bins"
            found.append(_agree(text, f"{bits} bits", exact[bits], f"{bins} bins", binned[bins], reading))
        if activation == "relu":
            text = "relu: 8 bits, exact, and float networks at 256 levels on a range that follows"
            found.append(_agree(text, "8 bits", exact[8], "following", datasets[FOLLOWING], reading))
        for bits in WIDTHS_IN_BITS:
            text = f"{activation}, {bits} bits (exact): layers and, in the mean, their single units"
            found.append(_agree(text, "layer", exact[bits], "units", neurons[bits], _OURS))
    found += [_range(datasets), _functions(datasets), _binned_violates(datasets)]
    return found + [_accuracy(datasets, bits) for bits in WIDTHS_IN_BITS]


def neurons_as_plane(plane: xr.Dataset) -> xr.Dataset:
    """The means over single units under the names of whole layers, summarised, to be judged and drawn like a plane."""
    names = {f"{name}_neurons": name for name in ("mi_input", "mi_target")}
    return add_summary(plane[list(names)].rename(names))


def _fits(activation: str, exact: Mapping[int, xr.Dataset], source: str) -> Claim:
    """Whether the last hidden layer gains label information at every width of codes."""
    layer = last_hidden(exact[8])
    gains = {bits: mean_over_seeds(plane.fitting_gain.sel(layer=layer) * BITS) for bits, plane in exact.items()}
    rises = {bits: mean_over_seeds(_rise(plane, layer)) for bits, plane in exact.items()}
    return Claim(
        f"{activation}: {layer} gains information on the label at 4 and at 8 bits (exact).",
        all_of([gain.above(0.0) for gain in gains.values()]),
        {f"{bits} bits: gain of I(T;Y), bits": str(gain) for bits, gain in gains.items()}
        | {f"{bits} bits: rise of I(X;T) to its maximum, bits": str(rise) for bits, rise in rises.items()},
        source,
    )


def _compression(activation: str, bits: int, plane: xr.Dataset, source: str) -> Claim:
    """tanh: whether some hidden layer compresses; ReLU: whether none does."""
    seen: list[Verdict] = [compresses(plane, layer) for layer in hidden(plane)]
    saturates = activation == "tanh"
    return Claim(
        f"{activation}, {bits} bits (exact): {'some' if saturates else 'no'} hidden layer compresses.",
        any_of(seen) if saturates else all_of([opposite(verdict) for verdict in seen]),
        {
            f"{layer}: fall, and above shuffled steps, bits": f"{compression(plane, layer)}, "
            f"{excess_compression(plane, layer)}"
            for layer in hidden(plane)
        },
        source,
    )


def _narrow(activation: str, plane: xr.Dataset, source: str) -> Claim:
    """Whether the last hidden layer falls by more than the first, network by network."""
    first, last = hidden(plane)[0], last_hidden(plane)
    more = mean_over_seeds((plane.compression.sel(layer=last) - plane.compression.sel(layer=first)) * BITS)
    return Claim(
        f"{activation}, 8 bits (exact): the narrow {last} falls by more than the wide {first}.",
        more.above(0.0),
        {"difference of the falls, bits": str(more)}
        | {f"{layer}: fall, bits": str(compression(plane, layer)) for layer in (first, last)},
        source,
    )


def _forgets(activation: str, bits: int, plane: xr.Dataset) -> Claim:
    """Whether the last hidden layer gains label information while it forgets, or loses that too."""
    layer = last_hidden(plane)
    change = late_change(plane, layer)
    path = plane.mi_input.sel(layer=layer).mean("seed")
    falls = int(path.argmax("epoch")) < path.sizes["epoch"] - 1
    return Claim(
        f"{activation}, {bits} bits (exact): {layer} still gains label information after its I(X;T) has peaked.",
        change.above(0.0) if falls else "unclear",
        {"change of I(T;Y), bits": str(change) if falls else "its mean I(X;T) peaks at the end"},
        _OURS,
    )


def _range(datasets: Mapping[str, xr.Dataset]) -> Claim:
    """Whether a range that follows the activations makes the same float networks compress more than a fixed one."""
    follows, fixed = datasets[FOLLOWING], datasets["relu-256-bins"]
    layer = last_hidden(fixed)
    more = mean_over_seeds((follows.compression - fixed.compression).sel(layer=layer) * BITS)
    both = {"that follows": follows, "fixed": fixed}
    return Claim(
        f"relu: on a range that follows the largest activation, as the quantiser's does, {layer} of the float networks "
        f"falls by at least {SLIGHT} bits more than on a fixed range.",
        more.above(SLIGHT),
        {"difference of the falls, bits": str(more)}
        | {
            f"{name}, {kind}: fall, and above shuffled steps, bits": f"{compression(plane, name)}, "
            f"{excess_compression(plane, name)}"
            for name in hidden(fixed)
            for kind, plane in both.items()
        },
        "our control",
    )


def _agree(what: str, one: str, first: xr.Dataset, other: str, second: xr.Dataset, source: str) -> Claim:
    """Whether the verdict on compression of every hidden layer is the same in both; falls are compared by seed."""
    numbers: dict[str, float | str] = {}
    agree: list[Verdict] = []
    for layer in hidden(first):
        seen: list[Verdict] = [compresses(plane, layer) for plane in (first, second)]
        agree.append(same(*seen))
        falls = [str(compression(plane, layer)) for plane in (first, second)]
        more = mean_over_seeds((first.compression - second.compression).sel(layer=layer) * BITS)
        numbers[f"{layer}: compresses"] = f"{one} {seen[0]}, {other} {seen[1]}"
        numbers[f"{layer}: falls and their difference, bits"] = f"{falls[0]}, {falls[1]}, {more}"
    return Claim(f"{what} agree on which hidden layers compress.", all_of(agree), numbers, source)


def _functions(datasets: Mapping[str, xr.Dataset]) -> Claim:
    """Whether information never grows from layer to layer in quantised networks: counts, without an interval."""
    planes = {f"{a}, {bits} bits": datasets[f"{a}-{bits}-bit"] for a in ACTIVATIONS for bits in WIDTHS_IN_BITS}
    counts = {name: violations(plane) for name, plane in planes.items()}
    return Claim(
        "In a quantised network no layer knows more of the input, or of the label, than the one before (exact).",
        "holds" if not any(sum(count[:2]) for count in counts.values()) else "fails",
        {f"{name}: violations for I(X;T), I(T;Y), of": _counted(*count) for name, count in counts.items()},
        _DERIVED,
    )


def _binned_violates(datasets: Mapping[str, xr.Dataset]) -> Claim:
    """Whether binned values of float networks break that at every number of bins."""
    planes = {f"{a}, {bins} bins": datasets[f"{a}-{bins}-bins"] for a in ACTIVATIONS for bins in BINS}
    counts = {name: violations(plane) for name, plane in planes.items()}
    return Claim(
        "Binned float networks break data processing at every number of bins: a layer seems to know more than the one "
        "before.",
        "holds" if all(sum(count[:2]) for count in counts.values()) else "fails",
        {f"{name}: violations for I(X;T), I(T;Y), of": _counted(*count) for name, count in counts.items()},
        "derived: the bins of a layer are no function of the bins before it",
    )


def violations(plane: xr.Dataset) -> tuple[int, int, int]:
    """How often a layer's I(X;T), and its I(T;Y), exceeds that of the layer before; and of how many pairs of layers."""
    counted = (int(plane[f"violations_{name}"].sum()) for name in ("input", "target"))
    pairs = plane.sizes["seed"] * plane.sizes["epoch"] * (plane.sizes["layer"] - 1)
    return (*counted, pairs)  # type: ignore[return-value]


def _counted(of_input: int, of_target: int, pairs: int) -> str:
    return f"{of_input:,}, {of_target:,}, {pairs:,}"


def _accuracy(datasets: Mapping[str, xr.Dataset], bits: int) -> Claim:
    """Whether quantised networks lose less than a percentage point against float networks of the same seeds."""
    numbers: dict[str, float | str] = {}
    lost = {}
    for activation in ACTIVATIONS:
        plain, quantised = (_accuracies(datasets[f"{activation}-{kind}"]) for kind in ("30-bins", f"{bits}-bit"))
        lost[activation] = mean_over_seeds(plain - quantised)
        both = f"{mean_over_seeds(plain)}, {mean_over_seeds(quantised)}"
        numbers[f"{activation}: test accuracy of floats, of {bits} bits, %"] = both
        numbers[f"{activation}: loss, percentage points"] = str(lost[activation])
    return Claim(
        f"{bits} bits cost less than one percentage point of test accuracy, with both activations.",
        all_of([mean.below(_ONE_POINT) for mean in lost.values()]),
        numbers,
        _OURS,
    )


def _accuracies(plane: xr.Dataset) -> np.ndarray:
    """(seed,) test accuracies at the last checkpoint, per cent."""
    return 100 * plane.accuracy_test.isel(epoch=-1).to_numpy()


def _rise(plane: xr.Dataset, layer: str) -> np.ndarray:
    """(seed,) rise of I(X;T) from the first checkpoint to its maximum, bits."""
    path = plane.mi_input.sel(layer=layer)
    return (path.max("epoch") - path.isel(epoch=0, drop=True)).to_numpy() * BITS
