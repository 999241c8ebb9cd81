"""What is said of one neuron, and what closed forms and samples say to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from .agreement import normal_limit, scores
from .base import Claim, Verdict
from .verdicts import BITS, all_of, rounded

_SAXE = "Saxe et al. 2018, On the information bottleneck theory of deep learning"
_DERIVED = "derived; our own test"
_BOTH_SIDES = ("tanh", "softsign")  # activations that saturate on both sides
_WIGGLE = 0.01 / BITS  # nats: what the place of a grid of bins can do to a curve, and no more than that is no turn


def course(values: Sequence[float] | np.ndarray) -> str:
    """How information, in nats, runs along the weight; turns of less than 0.01 bits are none.

    Returns:
        "constant", "rises", "falls", "rises, then falls", or "otherwise".
    """
    way, low, high = 0, float(values[0]), float(values[0])
    turns: list[int] = []
    for value in map(float, values):
        high = max(high, value) if way >= 0 else high
        low = min(low, value) if way <= 0 else low
        if way >= 0 and high - value > _WIGGLE:
            way, low = -1, value
            turns.append(way)
        elif way <= 0 and value - low > _WIGGLE:
            way, high = 1, value
            turns.append(way)
    known = {(): "constant", (1,): "rises", (-1,): "falls", (1, -1): "rises, then falls"}
    return known.get(tuple(turns), "otherwise")


def shapes(exact: xr.Dataset, source: str) -> list[Claim]:
    """What the closed forms say of rising and falling.

    Args:
        exact: over (activation, weight): ``mi_binned``, ``mi_binned_scaled``, ``mi_noisy``, ``mi_noisy_scaled``.
        source: of the example.
    """
    fixed, scaled = ("mi_binned", "mi_noisy"), ("mi_binned_scaled", "mi_noisy_scaled")
    others = [str(a) for a in exact.activation.values if a not in _BOTH_SIDES]
    up, up_and_down, still = ("rises",), ("rises, then falls",), ("constant",)
    wanted = dict.fromkeys(_BOTH_SIDES, up_and_down) | dict.fromkeys(others, up)
    kept = dict.fromkeys(others, (*up, *still))
    said = {
        "tanh: the entropy of fixed bins rises with the weight, then falls.": (
            fixed[:1], {"tanh": up_and_down}, source),
        "ReLU: the entropy of bins of a fixed width keeps rising with the weight.": (
            fixed[:1], {"relu": up}, source),
        "At a fixed resolution, in bins and through noise, the information of activations that saturate on both sides "
        "rises, then falls, and that of the others keeps rising.": (fixed, wanted, _SAXE),
        "Resolution in units of the layer's standard deviation removes the fall of tanh.": (
            scaled, {"tanh": (*up, *still)}, _DERIVED),
        "At such a resolution the weight of a ReLU or linear neuron does not matter: their rise is one of scale.": (
            scaled, {"relu": still, "linear": still}, _DERIVED),
        "At such a resolution only activations that saturate on both sides lose information.": (
            scaled, dict.fromkeys(_BOTH_SIDES, ("falls", *up_and_down)) | kept, _DERIVED),
    }  # fmt: skip
    return [_claim(text, exact, names, how, whose) for text, (names, how, whose) in said.items()]


def _claim(
    text: str, exact: xr.Dataset, names: Sequence[str], wanted: Mapping[str, tuple[str, ...]], source: str
) -> Claim:
    """That the information of every activation runs along the weight in one of the ways wanted of it."""
    verdicts: list[Verdict] = []
    told: dict[str, float | str] = {}
    for name in names:
        for activation, how in wanted.items():
            values = exact[name].sel(activation=activation)
            found = course(values.to_numpy())
            verdicts.append("holds" if found in how else "fails")
            told[f"{activation}, {_WORDS[name]}"] = f"{found}: {_levels(values)}"
    return Claim(text, all_of(verdicts), told, source)


_WORDS = {
    "mi_binned": "fixed bins",
    "mi_noisy": "fixed noise",
    "mi_binned_scaled": "scaled bins",
    "mi_noisy_scaled": "scaled noise",
}


def _levels(values: xr.DataArray) -> str:
    """Information at the first weight, at its maximum and at the last weight."""
    bits, weights = values.to_numpy() * BITS, values.weight.to_numpy()
    if np.ptp(bits) < 1e-6:
        return f"{bits[0]:.3f} bits"
    top = int(bits.argmax())
    return (
        f"{bits[0]:.3f} bits at w = {weights[0]:.3g}, at most {bits[top]:.3f} at {weights[top]:.3g}, "
        f"{bits[-1]:.3f} at {weights[-1]:.3g}"
    )


def agreement(exact: xr.Dataset, found: xr.Dataset) -> list[Claim]:
    """Whether estimates from samples agree with the closed forms.

    Args:
        exact: as for :func:`shapes`.
        found: over (seed, activation, weight): ``mi_corrected``, ``mi_plain``, ``mi_stderr``, and ``mi_pairwise_``
            ``lower``, ``upper`` and ``stderr``.
    """
    truth = exact.sel(weight=found.weight, method="nearest").assign_coords(weight=found.weight)
    both = ["tanh", "relu"]
    others = [str(a) for a in exact.activation.values if a not in both]
    n = f"{int(found.attrs['samples_counted']):,} samples"
    return [
        _counts(truth, found, "mi_corrected", both, f"tanh and ReLU: counts of {n}, Miller-Madow corrected,"),
        _counts(truth, found, "mi_plain", both, f"tanh and ReLU: plain counts of {n}"),
        _counts(truth, found, "mi_corrected", others, f"{', '.join(others)}: counts of {n}, Miller-Madow corrected,"),
        _interval(truth, found, int(found.attrs["samples_paired"])),
    ]


def _counts(truth: xr.Dataset, found: xr.Dataset, name: str, activations: list[str], who: str) -> Claim:
    truth, found = truth.sel(activation=activations), found.sel(activation=activations)
    error = found[name] - truth.mi_binned
    z = scores(error, found.mi_stderr)
    worst = z.isel(np.abs(z).argmax(["activation", "weight"]))  # type: ignore[arg-type]
    most, mean_error = normal_limit(z.size), error.mean("seed") * BITS
    told = {
        "comparisons (activation, weight)": float(z.size),
        "limit of |z| (Bonferroni, 5 %)": most,
        "largest |z|": float(np.abs(worst)),
        "where": f"{worst.activation.item()}, w = {worst.weight.item():.3g}",
        "comparisons beyond the limit": float((np.abs(z) > most).sum()),
        "largest mean error, bits": float(np.abs(mean_error).max()),
        "rms of single z": float(np.sqrt(((error / found.mi_stderr) ** 2).mean())),
    }
    text = f"{who} agree with the closed form at every weight to their standard error."
    return Claim(text, "holds" if abs(float(worst)) <= most else "fails", rounded(told), _DERIVED)


def _interval(truth: xr.Dataset, found: xr.Dataset, n: int) -> Claim:
    """The mean interval over repetitions, its ends by their standard errors further out."""
    reach = (
        normal_limit(2 * truth.mi_noisy.size) * np.sqrt((found.mi_pairwise_stderr**2).sum("seed")) / found.sizes["seed"]
    )
    low, high = (found[f"mi_pairwise_{end}"].mean("seed") for end in ("lower", "upper"))
    missed = (truth.mi_noisy < low - reach) | (truth.mi_noisy > high + reach)
    cells = missed.stack(cell=("activation", "weight"))
    where = [f"{a}, w = {w:.3g}" for a, w in cells.cell.values[cells.to_numpy()]]
    told: dict[str, float | str] = {
        "comparisons (activation, weight)": float(missed.size),
        "not contained": "; ".join(where) or "none",
        "of these above the interval": float((truth.mi_noisy > high + reach).sum()),
        "widest interval, bits": float((high - low).max()) * BITS,
        "ceiling ln n, bits": math.log(n) * BITS,
        "largest truth, bits": float(truth.mi_noisy.max()) * BITS,
    }
    text = f"The pairwise interval of {n:,} samples contains the information through noise, at every weight."
    return Claim(text, "fails" if where else "holds", rounded(told), _DERIVED)
