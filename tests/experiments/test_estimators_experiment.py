"""The experiment on estimators: every claim holds where truth was put in so, and fails where it was not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from agreement_planes import FALL, FLAT, SHAKE, bins, noisy, path

from infoplane.experiments.base import Claim
from infoplane.experiments.estimators import Estimators, _estimators
from infoplane.experiments.estimators_claims import claims_of
from infoplane.plane import by_estimator
from infoplane.plane.methods import method_of

SIGMAS = (0.01, 0.1, 1.0)
FALLS, STAYS, SHAKES = path(FALL), path(FLAT), path(SHAKE, 0.3)
RISES = STAYS + np.linspace(0, 1, 30)
CHOICES = {"seen": FALLS, "moving": FALLS, "coarse": FALLS, "width": 0.3, "relu": STAYS, "relu_moving": FALLS}


def layers(values: np.ndarray) -> dict[str, np.ndarray]:
    return {"hidden 1": values, "hidden 2": values, "output": values}


def datasets(**changes) -> dict[str, xr.Dataset]:
    """Both ensembles: what tanh shows at a resolution that stays, that moves, and at the coarsest noise; and relu."""
    has = CHOICES | changes
    tanh = {
        "30 bins": bins(layers(has["seen"])),
        "own range": bins(layers(has["moving"]), range="snapshot"),
        **{f"noise {s:g}": noisy(layers(has["seen"]), s, width=has["width"]) for s in SIGMAS[:2]},
        "noise 1": noisy(layers(has["coarse"]), 1.0, width=has["width"]),
        **{f"noise {s:g} std": noisy(layers(has["moving"]), s, True, width=has["width"]) for s in SIGMAS},
    }
    inner = tanh["noise 0.1"]
    ksg = inner.assign_attrs(estimator="KSG()")
    ksg["mi_input"] = ksg.mi_input - changes.get("below", 0.1)
    decoder = ksg.isel(epoch=[0, 15, -1]).assign_attrs(estimator_target="Decoder()")
    inner["mi_target_lower"], inner["mi_target_upper"] = inner.mi_target - 0.05, inner.mi_target + 0.05
    decoder["mi_target"] = decoder.mi_target + changes.get("decoded", 0.02)
    relu = {
        "30 bins": bins(layers(has["relu"])),
        "noise 0.1": noisy(layers(has["relu"]), 0.1),
        "noise 0.1 std": noisy(layers(has["relu_moving"]), 0.1, True),
    }
    together = [
        by_estimator({method_of(p).label: p for p in planes}) for planes in ((*tanh.values(), ksg), relu.values())
    ]
    return {"tanh": together[0], "tanh-decoder": decoder, "relu": together[1]}


def claim(start: str, **changes) -> Claim:
    (found,) = [one for one in claims_of(datasets(**changes), "a survey") if one.text.startswith(start)]
    return found


@pytest.mark.parametrize(
    ("start", "changes", "verdict"),
    [
        ("tanh: all estimators", {}, "holds"),
        ("tanh: all estimators", {"coarse": STAYS}, "fails"),
        ("tanh: all estimators", {"coarse": SHAKES}, "unclear"),
        ("tanh: all estimators", {"coarse": STAYS - 3.98}, "holds"),  # too coarse to tell
        ("tanh: whether", {"coarse": RISES}, "holds"),
        ("tanh: whether", {}, "fails"),
        ("tanh: whether", {"coarse": STAYS}, "unclear"),
        ("tanh: the compression", {"moving": STAYS}, "holds"),
        ("tanh: the compression", {}, "fails"),
        ("tanh: the compression", {"moving": SHAKES}, "unclear"),
        ("tanh: at every noise", {}, "holds"),
        ("tanh: at every noise", {"width": 4.0}, "fails"),
        ("relu: no estimator", {"relu_moving": STAYS}, "holds"),
        ("relu: no estimator", {}, "fails"),
        ("relu: no estimator", {"relu": SHAKES, "relu_moving": STAYS}, "unclear"),
        ("relu: with noise", {}, "holds"),
        ("relu: with noise", {"relu": FALLS, "relu_moving": STAYS}, "fails"),
        ("No estimate", {}, "holds"),
        ("No estimate", {"decoded": 0.6}, "fails"),
        ("tanh: nearest", {}, "holds"),
        ("tanh: nearest", {"below": 1.0}, "fails"),
        ("tanh: of I(T", {}, "holds"),
        ("tanh: of I(T", {"decoded": -0.2}, "fails"),
    ],
)
def test_every_claim_can_hold_and_fail(start, changes, verdict):
    found = claim(start, **changes)
    assert found.verdict == verdict
    assert found.numbers


def test_numbers_are_bits_with_their_intervals():
    numbers = claim("tanh: all estimators").numbers
    assert numbers["compression in"] == "9 of 9 estimators"
    told = str(numbers["30 bins, fixed range: fall, bits"])
    assert float(told.split()[0]) == pytest.approx(FALLS.max() - FALLS[-1], abs=0.03)
    assert told.endswith("], holds")


def test_without_neighbours_and_decoder_their_claims_are_left_out():
    some = {name: dataset for name, dataset in datasets().items() if name != "tanh-decoder"}
    assert len(claims_of(some, "a survey")) == 7
    assert len(claims_of(datasets(), "a survey")) == 9


def test_the_sweep_spans_three_decades_at_full_size():
    class Full:
        quick = False

    names = list(_estimators(Full(), "tanh"))  # type: ignore[arg-type]
    sigmas = [float(name.split()[1]) for name in names if name.startswith("noise")]
    assert max(sigmas) / min(sigmas) >= 1000
    assert [name for name in names if name.startswith("noise") and name.endswith(" std")] == [
        f"noise {sigma:g} std" for sigma in sigmas[: len(sigmas) // 2]
    ]
    assert Estimators.seeds >= 10
