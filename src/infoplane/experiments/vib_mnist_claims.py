"""What ``vib-mnist`` says: its error and its bounds against what is recorded, and whether the bounds agree."""

from __future__ import annotations

import numpy as np
import xarray as xr

from .base import Claim
from .verdicts import Verdict, all_of, rounded, when

ERROR, KNOWN = 0.0135, 2.20  # what an averaged error is allowed to be, and the least I(Z;Y) in nats
_ERROR_REDUCED, _EPOCHS = 0.025, 200  # what it may be where training has fewer epochs
RECORDED = {"mi_target": 2.222, "rate": 15.37}  # nats, of the published code (3.206 and 22.17 bits)
_SHARE = 0.05
_OURS = "our own test"
_CODE = "code of arXiv:1612.00410 (recorded there); our own test"


def claims_of(plane: xr.Dataset) -> list[Claim]:
    """Claims on the networks of one run, (seed,) each."""
    last = plane.isel(objective=0, beta=0, epoch=-1)
    test = last.sel(split="test", drop=True)
    return [_low_error(plane), _much_known(test), _recorded(test), _averaging(plane), _bounds(plane, last)]


def _low_error(plane: xr.Dataset) -> Claim:
    limit = ERROR if _full(plane) else _ERROR_REDUCED
    words = {"12": "12 draws averaged", "1": "1 draw", "mean of z": "mean of z"}
    numbers: dict[str, float | str] = {
        f"test error in %, {word}": _told(100 * plane.error.sel(draws=draws)) for draws, word in words.items()
    }
    numbers["its standard error over test images, %"] = float(100 * plane.error_stderr.sel(draws="12").max())
    return Claim(
        f"With 12 draws averaged, the test error is at most {100 * limit:.4g} % in every network.",
        when(bool((plane.error.sel(draws="12") <= limit).all())),
        rounded(numbers),
        _CODE if _full(plane) else _OURS,
    )


def _much_known(test: xr.Dataset) -> Claim:
    return Claim(
        "The representation is shown to keep at least 2.20 nats of the label, on test images, in every network.",
        when(bool((test.mi_target >= KNOWN).all())),
        rounded(
            {
                "I(Z;Y), lower bound, test, nats": _told(test.mi_target),
                "its standard error over test images": float(test.mi_target_stderr.max()),
                "H(Y), test": float(test.attrs["entropy_target_test"]),
            }
        ),
        _CODE,
    )


def _recorded(test: xr.Dataset) -> Claim:
    parts: list[Verdict] = []
    numbers: dict[str, float | str] = {}
    by_classifier = float(test.attrs["entropy_target_test"]) - test.distortion  # as recorded: a read-out was not there
    for name, label, values in (
        ("mi_target", "I(Z;Y), lower bound by the classifier", by_classifier),
        ("rate", "rate, upper bound of I(X;Z)", test.rate),
    ):
        close = abs(float(values.mean()) / RECORDED[name] - 1.0) <= _SHARE
        parts.append(when(close) if _full(test) else "unclear")  # another network, of fewer dimensions
        numbers |= {f"{label}, test, nats": _told(values), f"{label}, recorded": RECORDED[name]}
    return Claim("Both bounds are those that the published code records, within 5 %.", all_of(parts),
                 rounded(numbers), _CODE)  # fmt: skip


def _averaging(plane: xr.Dataset) -> Claim:
    """A fall of the error counts where it is above 1.96 standard errors of the paired difference over test images."""
    low, high = plane.gain - 1.96 * plane.gain_stderr, plane.gain + 1.96 * plane.gain_stderr
    verdict: Verdict = "holds" if (low > 0).all() else "fails" if (high < 0).any() else "unclear"
    return Claim(
        "Averaging 12 draws of z makes fewer errors than one draw does, in every network.",
        verdict,
        rounded({"test error of 1 draw less that of 12, %": _told(100 * plane.gain),
                 "its standard error over test images": float(100 * plane.gain_stderr.max())}),
        _OURS,
    )  # fmt: skip


def _bounds(plane: xr.Dataset, last: xr.Dataset) -> Claim:
    """What must hold of any model, with five standard errors over samples."""
    entropy = xr.DataArray([plane.attrs[f"entropy_target_{name}"] for name in last.split.values], dims="split")
    error = 5.0 * (last.rate_stderr + last.rate_mixture_stderr + last.rate_conditional_stderr + last.distortion_stderr)
    test = last.sel(split="test", drop=True)
    margin = 5.0 * (plane.sandwich_lower_stderr + test.rate_mixture_stderr)
    parts = [
        last.mi_target <= last.mi_input + error,
        entropy - last.distortion <= last.rate + error,
        last.rate_mixture <= last.rate_conditional + entropy + error,
        plane.sandwich_lower <= test.mi_input + margin,
        plane.sandwich_lower <= plane.sandwich_upper + 1e-9,
    ]
    numbers = {
        "rate, test, nats": _told(test.rate),
        "rate with the mixture of the classes, test": _told(test.rate_mixture),
        "conditional rate, bound of I(X;Z|Y), test": _told(test.rate_conditional),
        "I(X;Z), lower, without a prior": _told(plane.sandwich_lower),
        "I(X;Z), upper, without a prior": _told(plane.sandwich_upper),
        "ln n of the lower one, its ceiling": float(np.log(plane.sandwich_samples.max())),
    }
    return Claim(
        "The bounds agree: I(Z;Y) is below I(X;Z), the mixture's rate below the conditional rate and H(Y), and the "
        "lower bound that the encoders themselves give below both rates.",
        when(all(bool(part.all()) for part in parts)),
        rounded(numbers),
        "derived; our own test",
    )


def _full(plane: xr.Dataset) -> bool:
    return int(plane.attrs["epochs"]) >= _EPOCHS


def _told(values: xr.DataArray) -> str:
    """Every network's value."""
    return ", ".join(f"{value:.4g}" for value in np.ravel(values))
