"""The experiment second-rule: the committee's phases told from planes made by hand, and a run of seconds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import base, phase_claims, second_rule, verdicts
from infoplane.experiments.second_rule import SecondRule
from infoplane.plane.summary import add_summary

EPOCHS = np.unique(np.floor(np.logspace(0, 3, 40)).astype(int))
RISE_AND_FALL = np.where(EPOCHS < 10, 6 + EPOCHS / 10, 7 - 2 * np.log10(EPOCHS / 10))  # bits; down to 3
FLAT = np.full(len(EPOCHS), 11.0)


def plane(paths: list[np.ndarray], ratio_end: float | tuple[float, ...] = 0.1, gain: float = 0.5) -> xr.Dataset:
    """Twelve networks whose I(X;T), in bits, follows the paths, and whose gradients' m/s falls from 4 to an end."""
    random = np.random.default_rng(2)
    cells = ("seed", "epoch", "layer")
    shape = (12, len(EPOCHS), len(paths))
    level = np.stack(paths, axis=-1) + 0.005 * random.normal(size=shape)
    time = (np.arange(len(EPOCHS)) / (len(EPOCHS) - 1))[None, :, None]
    # The ratio is at its end for the last quarter; the noise of single networks is a tenth.
    log_ratio = np.log(4) + np.minimum(time / 0.75, 1) * np.log(np.divide(ratio_end, 4))
    noise = 0.1 * random.normal(size=(12, 1, len(paths)))
    variables = {
        "mi_input": (cells, level * math.log(2), {"quantity": "H(T)", "direction": "exact"}),
        "mi_target": (cells, gain * time * np.ones(shape) + 0.01 * random.random(shape)),
        "gradient_mean": (cells, np.exp(log_ratio + noise)),
        "gradient_std": (cells, np.ones(shape)),
    }
    layers = [*(f"hidden {i + 1}" for i in range(len(paths) - 1)), "output"]
    return add_summary(xr.Dataset(variables, {"seed": np.arange(12), "epoch": EPOCHS, "layer": layers}))


SEEN = plane([FLAT, RISE_AND_FALL, FLAT])
STILL = plane([FLAT, FLAT, FLAT], gain=-0.5)


@pytest.mark.parametrize("claim", [phase_claims.fits, phase_claims.falls, phase_claims.longer_than_fitting])
def test_phases_are_seen_where_they_were_put_and_only_there(claim):
    assert claim(SEEN, "hidden 2", "").verdict == "holds"
    assert claim(STILL, "hidden 2", "").verdict == "fails"


def test_a_fall_of_a_moment_is_not_most_epochs():
    early = np.where(EPOCHS < 100, 6 + EPOCHS / 100, 3.0)  # up for 100 epochs, down at the next checkpoint
    assert phase_claims.falls(plane([early, FLAT]), "hidden 1", "").verdict == "holds"
    assert phase_claims.longer_than_fitting(plane([early, FLAT]), "hidden 1", "").verdict == "fails"


def test_every_layer_means_every_hidden_one():
    assert phase_claims.every_layer_falls(SEEN, "").verdict == "fails"
    assert phase_claims.every_layer_falls(plane([RISE_AND_FALL, RISE_AND_FALL, FLAT]), "").verdict == "holds"


def test_drift_gives_way_to_diffusion_in_every_layer_or_not():
    assert phase_claims.drift_then_diffusion(SEEN, "", "").verdict == "holds"
    found = phase_claims.drift_then_diffusion(plane([FLAT] * 3, (0.1, 3.0, 0.1)), "", "")
    assert found.verdict == "fails"
    first, last = str(found.numbers["hidden 2: ln(mean/std) at first, at last"]).split("], ")
    assert float(first.split()[0]) == pytest.approx(math.log(4), abs=0.15)  # 5 standard errors of 0.1 / sqrt(12)
    assert float(last.split()[0]) == pytest.approx(math.log(3.0), abs=0.15)


def test_a_crossing_is_near_the_maximum_or_far():
    """m/s crosses 1 after 28 % of the checkpoints, near epoch 7; the maximum lies at 10, or at the end."""
    assert phase_claims.crosses_near_compression(SEEN, "", "").verdict == "holds"
    late = plane([FLAT, 6 + np.log10(EPOCHS), FLAT])
    assert phase_claims.crosses_near_compression(late, "", "").verdict == "fails"
    never = plane([FLAT, RISE_AND_FALL, FLAT], 3.0)
    assert phase_claims.crosses_near_compression(never, "", "").numbers["share that cross at all"] == "0 [0, 0]"


def test_two_rules_agree_layer_by_layer():
    other = plane([RISE_AND_FALL, RISE_AND_FALL, FLAT], (0.1, 3.0, 0.1))
    same, different = ({"12-bit-sgd": SEEN, "committee-sgd": p} for p in (SEEN, other))
    for claim in (second_rule._same_layers_compress, second_rule._same_diffusion):
        assert claim(same, "sgd").verdict == "holds"
        assert claim(different, "sgd").verdict == "fails"
    assert verdicts.same("unclear", "unclear") == "unclear"
    assert verdicts.same("fails", "fails") == "holds"


def test_thinned_checkpoints_keep_both_ends():
    np.testing.assert_array_equal(base.thinned(np.arange(10), 4), [0, 3, 6, 9])
    np.testing.assert_array_equal(base.thinned([5, 7], 9), [5, 7])


def test_every_claim_is_made_once():
    names = [f"{rule}-{kind}" for rule in ("12-bit", "committee") for kind in ("sgd", "adam")]
    claims = SecondRule().claims(dict.fromkeys([*names, "committee-adam-pairwise"], SEEN))
    assert len(claims) == len({claim.text for claim in claims}) == 16
    assert {claim.verdict for claim in claims if "Every hidden layer" not in claim.text} == {"holds"}
