"""The checks beside an estimate: shuffles, growth with n, half-sample error, calibration."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from infoplane import information_plane
from infoplane.estimators import Binned, PairwiseBounds
from infoplane.recordings import from_arrays


def test_shuffles_of_the_labels():
    random = np.random.default_rng(0)
    n, runs, shuffles = 200, 50, 19
    y = np.arange(n) % 2
    noise = random.normal(size=(runs, 1, n, 1))
    made = from_arrays({"blind": noise, "informed": noise + y[:, None]}, y)
    plane = information_plane(made, Binned(20, range=(-4, 4)), null=shuffles)
    p_value = plane.mi_target_p_value.isel(epoch=0)
    assert (p_value.sel(layer="informed") == 1 / (1 + shuffles)).mean() > 0.9
    # Without information p is uniform on 1/20, ..., 20/20: mean 0.525, deviation 0.288, and 50 runs of it.
    blind = p_value.sel(layer="blind").to_numpy()
    assert abs(blind.mean() - 0.525) < 4 * 0.288 / np.sqrt(runs)
    assert blind.min() < 0.2 < 0.8 < blind.max()
    # The plug-in bias is all there is to the value of a blind layer, and the null finds it.
    gap = (plane.mi_target - plane.mi_target_null).sel(layer="blind").to_numpy()
    assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(runs)
    assert float(plane.mi_target_null.mean()) > 0.02


def test_checks_stand_at_the_first_the_maximal_and_the_last_checkpoint():
    random = np.random.default_rng(1)
    scale = np.array([0.1, 0.5, 2.0, 0.4, 0.3])[:, None, None]
    made = from_arrays({"a": scale * random.normal(size=(1, 5, 100, 1))}, np.arange(100) % 2)
    plane = information_plane(made, Binned(20, range=(-4, 4)), null=3)
    for name in ("mi_target_null", "mi_target_p_value", "mi_input_growth", "mi_input_subsample_stderr"):
        assert np.isfinite(plane[name].to_numpy()[0, :, 0]).tolist() == [True, False, True, False, True]
    assert np.isnan(information_plane(made, Binned(20)).mi_target_p_value).all()


def test_growth_tells_counted_samples_from_settled_values():
    random = np.random.default_rng(2)
    apart = random.normal(size=(100, 10))
    made = from_arrays({"apart": apart, "two codes": np.sign(apart[:, :1]).repeat(10, 1)}, np.arange(100) % 2)
    for estimator in (Binned(30), PairwiseBounds(0.01)):
        growth = information_plane(made, estimator, null=1).mi_input_growth.isel(seed=0, epoch=0)
        assert_allclose(growth.sel(layer="apart"), 1, atol=1e-6)
        assert abs(growth.sel(layer="two codes")) < 0.05


def test_half_samples_show_the_sampling_error():
    random = np.random.default_rng(3)
    runs = 60
    made = from_arrays({"t": random.normal(size=(runs, 1, 400, 1))}, np.arange(400) % 2)
    plane = information_plane(made, Binned(5, range=(-2, 2)), null=1)
    truth = plane.mi_input.to_numpy().std(ddof=1)
    found = np.sqrt((plane.mi_input_subsample_stderr.to_numpy() ** 2).mean())
    # Relative errors: 1/sqrt(2 * 59) of the spread over runs, 1/sqrt(2 * 5 * 60) of the six halves pooled over runs.
    assert abs(found / truth - 1) < 4 * np.hypot(1 / np.sqrt(118), 1 / np.sqrt(600))


def test_calibration_is_near_zero_where_the_case_is_easy():
    random = np.random.default_rng(4)
    n = 2000
    made = from_arrays({"easy": random.normal(size=(n, 1)), "hard": random.normal(size=(n, 10))}, np.arange(n) % 2)
    plane = information_plane(made, Binned(6, range=(-3, 3)), null=1).isel(seed=0, epoch=0)
    easy = plane.sel(layer="easy")
    assert abs(easy.mi_input_calibration) < 4 * easy.mi_input_stderr + 5 / (2 * n)  # sampling error and plug-in bias
    assert plane.mi_input_calibration.sel(layer="hard") < -1  # ten units hold more than ln n
    noisy = information_plane(made, PairwiseBounds(3.0), null=1, layers=["easy"]).isel(seed=0, epoch=0, layer=0)
    assert 0 < noisy.mi_input_calibration < noisy.mi_input_upper - noisy.mi_input_lower
