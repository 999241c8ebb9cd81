"""The experiment one-neuron: how curves run, and claims that hold and fail where they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import neuron_claims, one_neuron
from infoplane.experiments.agreement import information_limits, normal_limit, scores
from infoplane.experiments.neuron_claims import agreement, course, shapes

BIT = math.log(2)
WEIGHTS = np.array([0.1, 1.0, 10.0, 100.0])


@pytest.mark.parametrize(
    ("bits", "how"),
    [
        ([1, 1.005, 0.998], "constant"),
        ([1, 2, 1.995, 3], "rises"),
        ([3, 2.5, 2.505, 1], "falls"),
        ([1, 2, 3, 2.9, 1], "rises, then falls"),
        ([1, 1.002, 1.004, 1.006, 1.008, 1.011], "rises"),
        ([2, 1, 3], "otherwise"),
        ([1, 2, 1, 2], "otherwise"),
    ],
)
def test_how_a_curve_runs(bits, how: str) -> None:
    assert course(np.array(bits) * BIT) == how


@pytest.fixture(scope="module")
def exact() -> xr.Dataset:
    return one_neuron._exact(WEIGHTS)


def test_what_the_closed_forms_say(exact) -> None:
    verdicts = [claim.verdict for claim in shapes(exact, "an example")]
    assert verdicts == ["holds", "holds", "holds", "fails", "holds", "fails"]
    table = exact.mi_binned.sel(activation="tanh") / BIT
    np.testing.assert_allclose(table, [2.597, 4.828, 2.030, 1.149], atol=5.01e-4)
    turned = exact.copy()
    turned["mi_binned"] = (exact.mi_binned.dims, exact.mi_binned.values[:, ::-1])
    assert [claim.verdict for claim in shapes(turned, "an example")][1] == "fails"


def samples(exact: xr.Dataset, off: float) -> xr.Dataset:
    """Estimates with normal errors of 0.01 nats, of which tanh's at one weight are off by some standard errors."""
    random = np.random.default_rng(0)
    error = 0.01 * random.standard_normal((20, *exact.mi_binned.shape))
    error[:, 0, 1] += off * 0.01
    dims = ("seed", "activation", "weight")
    truth, noisy = exact.mi_binned.values, exact.mi_noisy.values
    same = np.full(error.shape, 0.01)
    values = {"mi_corrected": truth + error, "mi_plain": truth - 0.5 + error, "mi_stderr": same}
    values |= {"mi_pairwise_lower": noisy - 0.3 + error, "mi_pairwise_upper": noisy + 0.3 + 0 * error}
    values["mi_pairwise_stderr"] = same
    attrs = {"samples_counted": 100, "samples_paired": 50}
    return xr.Dataset({name: (dims, v) for name, v in values.items()}, dict(exact.coords), attrs)


def test_agreement_is_seen_where_it_is_and_only_there(exact) -> None:
    assert [c.verdict for c in agreement(exact, samples(exact, 0.0))] == ["holds", "fails", "holds", "holds"]
    assert [c.verdict for c in agreement(exact, samples(exact, 2.0))] == ["fails", "fails", "holds", "holds"]
    shifted = samples(exact, 0.0)
    shifted["mi_pairwise_upper"][:, 3, 2] -= 0.4
    interval = agreement(exact, shifted)[-1]
    assert interval.verdict == "fails"
    assert interval.numbers["not contained"] == "relu, w = 10"


def test_scores_and_limits() -> None:
    error = xr.DataArray(np.array([[1.0, 2.0], [3.0, -2.0]]), dims=("seed", "cell"))
    np.testing.assert_allclose(scores(error, xr.full_like(error, 2.0)), [4 / math.sqrt(8), 0])
    assert normal_limit(1) == pytest.approx(1.959964, abs=1e-6)
    assert normal_limit(100) == pytest.approx(3.480756, abs=1e-6)


def test_limits_of_independent_scalars_are_kept_by_chance() -> None:
    """Means over 5 estimates, each chi-squared of one degree less its mean, in 20,000 draws of 10 comparisons."""
    low, high = information_limits(10, 5)
    draws = np.random.default_rng(1).chisquare(1, (20_000, 10, 5))
    z = (draws - 1).sum(axis=-1) / math.sqrt(2 * 5)
    beyond = ((z < low) | (z > high)).any(axis=-1).mean()
    # Above, 10 x 0.25 % = 2.5 %; below nothing, as no sum is so small.
    assert abs(beyond - 0.025) < 4 * math.sqrt(0.025 / 20_000)
    assert low == -normal_limit(10)


def test_samples_of_a_small_run_agree_with_the_closed_form(monkeypatch) -> None:
    monkeypatch.setattr(one_neuron, "COUNTED", 4_000)
    monkeypatch.setattr(one_neuron, "PAIRED", 500)
    weights = np.array([0.3, 3.0])
    found = xr.concat([one_neuron._sampled(weights, s) for s in range(4)], "seed", combine_attrs="drop_conflicts")
    truth = one_neuron._exact(weights)
    z = scores(found.mi_corrected - truth.mi_binned, found.mi_stderr)
    assert float(np.abs(z).max()) < normal_limit(z.size)
    assert neuron_claims.agreement(truth, found)[-1].verdict == "holds"
    assert not found.mi_plain.isel(seed=0).equals(found.mi_plain.isel(seed=1))
