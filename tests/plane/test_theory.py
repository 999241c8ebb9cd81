"""Fitted betas, bounds, gradient phases and the summary, against closed forms and slow twins."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, xlogy
from scipy.stats import bootstrap

from infoplane import InputError, data, information_plane, summary
from infoplane.data import rule_by_counts
from infoplane.estimators import Binned
from infoplane.plane import gaussian_channel_bound, gradient_phases, input_compression_bound, layer_beta
from infoplane.plane.bounds import encoder_beta
from infoplane.plane.summary import bootstrap_interval
from infoplane.recordings import from_arrays

BITS = np.log(2)


def soft_rule(gamma):
    """p(x) and p(y|x) of the soft 12-bit rule, inputs of one f taken together."""
    f, counts = np.unique(rule_by_counts(data.twelve_bit().x), return_counts=True)
    one = expit(gamma * (f - 119.5))
    return counts / 4096, np.stack([1 - one, one], axis=1)


def bottleneck_encoder(p_x, p_y_x, beta, steps=20_000):
    """Iterate the self-consistent equations from the identity."""
    encoder = np.eye(len(p_x))
    for _ in range(steps):
        p_t = p_x @ encoder
        keep = p_t > 1e-12
        encoder, p_t = encoder[:, keep], p_t[keep]
        p_y_t = (encoder * p_x[:, None]).T @ p_y_x / p_t[:, None]
        divergence = xlogy(p_y_x, p_y_x).sum(1)[:, None] - p_y_x @ np.log(p_y_t).T
        weight = np.log(p_t) - beta * divergence
        updated = np.exp(weight - weight.max(1, keepdims=True))
        updated /= updated.sum(1, keepdims=True)
        change, encoder = np.abs(updated - encoder).max(), updated
        if change < 1e-13:
            break
    return encoder


@pytest.mark.parametrize(("gamma", "beta", "bits"), [(0.1, 5.0, (0.717, 0.243)), (0.1, 20.0, (1.608, 0.341))])
def test_an_encoder_that_solves_the_equations_returns_its_beta(gamma, beta, bits):
    p_x, p_y_x = soft_rule(gamma)
    encoder = bottleneck_encoder(p_x, p_y_x, beta)
    joint = (encoder * p_x[:, None]).T @ p_y_x
    p_t, p_y = joint.sum(1), joint.sum(0)
    mi_input = (p_x[:, None] * (xlogy(encoder, encoder) - xlogy(encoder, p_t))).sum()
    mi_target = (xlogy(joint, joint) - xlogy(joint, np.outer(p_t, p_y))).sum()
    assert_allclose(np.array([mi_input, mi_target]) / BITS, bits, atol=1e-3)  # the twin finds the published optimum
    fit = encoder_beta(p_x, encoder, p_y_x)
    assert_allclose(fit.beta, beta, rtol=1e-5)
    assert fit.residual < 1e-9
    assert not fit.degenerate
    assert not fit.at_edge


def test_layer_beta_is_the_minimum_over_a_fine_grid():
    p_x, p_y_x = soft_rule(0.1)
    rows = np.repeat(np.arange(len(p_x)), np.round(p_x * 4096).astype(int))
    codes = np.digitize(rows, [12, 20, 30])
    fit = layer_beta(codes, p_y_x[rows])

    def residual(beta):
        p_t = np.bincount(codes) / 4096
        p_y_t = np.stack([p_y_x[rows[codes == t]].mean(0) for t in range(4)])
        law = p_y_x[rows]
        divergence = xlogy(law, law).sum(1)[:, None] - law @ np.log(p_y_t).T
        weight = p_t * np.exp(-beta * divergence)
        return -np.log(weight[np.arange(4096), codes] / weight.sum(1)).mean()

    grid = np.exp(np.linspace(np.log(0.8), np.log(300), 2000))
    values = [residual(b) for b in grid]
    best = int(np.argmin(values))
    assert 0 < best < 1999
    assert grid[best - 1] < fit.beta < grid[best + 1]
    assert_allclose(fit.residual, residual(fit.beta), rtol=1e-9)
    assert fit.residual <= min(values) + 1e-12


def test_hard_labels_have_no_beta():
    task = data.twelve_bit()
    fit = layer_beta(task.y, task.p_y_given_x)
    assert fit.degenerate
    assert np.isnan([fit.beta, fit.residual]).all()
    sure_or_not = soft_rule(8.254)[1]  # laws that reach 0 and 1 in double precision: infinite divergences
    found = layer_beta(np.digitize(np.arange(44), [20, 33]), sure_or_not)
    assert np.isfinite([found.beta, found.residual]).all()


@pytest.mark.parametrize(("bits", "delta", "value"), [(12, None, 0.7905), (12, 0.05, 0.7908), (10, 0.05, 0.3959)])
def test_input_compression_bound_values(bits, delta, value):
    assert_allclose(input_compression_bound(bits * BITS, 3277, delta).value, value, atol=5e-5)


def test_input_compression_bound_verdicts():
    def verdict(bits):
        return input_compression_bound(bits * BITS, 3277, None).verdict

    assert [verdict(b) for b in (10.67, 10.69, 12.67, 12.69)] == [
        "informative", "worse than chance", "worse than chance", "vacuous"
    ]  # fmt: skip
    found = input_compression_bound(5.0, 3277)
    assert not found.is_bound
    assert input_compression_bound(5.0, 3277, genuine_partition=True).is_bound
    assert len(found.conditions) == 3
    assert input_compression_bound(1e9, 10).verdict == "vacuous"  # no overflow
    for arguments in ((1.0, 0), (1.0, 10, 0.0), (1.0, 10, 1.0)):
        with pytest.raises(InputError, match="n_train >= 1 and delta"):
            input_compression_bound(*arguments)


def test_gaussian_channel_bound():
    widths, ratio = np.array([10, 2, 5]), np.array([[1.0, 3.0, 1.0], [2.0, 6.0, 2.0]])
    found = gaussian_channel_bound(widths, ratio)
    assert_allclose(found[0], [5 * np.log(2), np.log(4), np.log(4)])
    assert (np.diff(found, axis=1) <= 0).all()  # no layer may know more than the one before it
    assert (found[1] > found[0]).all()  # more signal, more information
    assert_array_equal(gaussian_channel_bound(widths, np.zeros(3)), np.zeros(3))


def test_gradient_phases():
    mean = np.array([[4.0, 2.0, 0.5, 0.1], [4.0, 3.0, 2.0, 1.5], [1.0, 1.0, 1.0, 1.0], [2.0, 0.5, 2.0, 0.5]])
    std = np.array([[1.0] * 4, [1.0] * 4, [0.0] * 4, [1.0] * 4])
    dims = ("seed", "epoch", "layer")
    dataset = xr.Dataset(
        {
            "gradient_mean": (dims, mean[:, :, None]),
            "gradient_std": (dims, std[:, :, None]),
            "weight_norm": (dims, np.full((4, 4, 1), 2.0)),
        },
        coords={"seed": range(4), "epoch": [0, 10, 100, 1000], "layer": ["a"]},
    )
    found = gradient_phases(dataset).isel(layer=0)
    assert_array_equal(found.drift_to_diffusion_epoch, [100, np.nan, np.nan, 10])  # never, never, the first of two
    assert_array_equal(found.signal_to_noise[2], np.full(4, np.inf))
    assert_allclose(found.signal_to_noise[0], mean[0])
    assert_allclose(found.gaussian_channel[0], np.log(1 + mean[0] ** 2))
    assert_allclose(found["mean"], mean / 2)
    assert_allclose(found["std"], std / 2)
    with pytest.raises(InputError, match="needs gradient_std"):
        gradient_phases(dataset.drop_vars("gradient_std"))


def test_full_batch_training_never_crosses(trained):
    assert_array_equal(trained.provenance["batch_size"], 512)
    plane = information_plane(trained, Binned(10))
    phases = gradient_phases(plane)
    assert_array_equal(plane.drift_to_diffusion_epoch, phases.drift_to_diffusion_epoch)
    assert_allclose(phases["mean"], trained.scalars.gradient_mean / trained.scalars.weight_norm)


def test_bootstrap_interval_agrees_with_scipy():
    values = np.random.default_rng(0).exponential(size=(25, 3))
    low, high = bootstrap_interval(values, np.random.default_rng(1))
    for column in range(3):
        expected = bootstrap(
            (values[:, column],), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
        ).confidence_interval
        # The error of a 2.5 % quantile from 2000 resamples: sqrt(0.025 * 0.975 / 2000) over the density there, 0.058
        # in units of the mean's error, gives 0.06 of it.
        error = 4 * 0.06 * values[:, column].std() / 5
        assert_allclose([low[column], high[column]], expected, atol=error)
    assert np.isnan(bootstrap_interval(values[:1], np.random.default_rng(1))).all()
    with_nan = np.where(np.arange(25)[:, None] < 5, np.nan, values)
    kept = bootstrap_interval(with_nan, np.random.default_rng(1))
    assert (kept[0] < np.nanmean(with_nan, axis=0)).all()
    assert (kept[1] > np.nanmean(with_nan, axis=0)).all()
    assert np.isnan(bootstrap_interval(values * np.nan, np.random.default_rng(1))).all()


def coded_path(counts, n=64):
    """Codes 0..c-1 equally often at each epoch: entropies ln c exactly."""
    return np.stack([(np.arange(n) % c).astype(float) for c in counts])[None, :, :, None]


def test_summary_of_constructed_paths():
    layers = {
        "falls": coded_path([2, 16, 32, 4]),
        "rises evenly": coded_path([2, 4, 8, 16]),
        "still": coded_path([8] * 4),
    }
    made = from_arrays(layers, np.arange(64) % 4, epochs=[0, 10, 100, 1000])
    plane = information_plane(made, Binned(64, range=(0, 64)))
    assert_allclose(plane.compression[0] / BITS, [3, 0, 0], atol=1e-12)
    assert_array_equal(plane.epoch_of_maximum[0], [100, 1000, 0])
    assert_allclose(plane.fitting_gain[0] / BITS, [1, 1, 0], atol=1e-12)
    # Increments without their trend: none are left on an even path, and a jagged one has some by chance alone.
    assert_allclose(plane.compression_null[1:], 0, atol=1e-12)
    assert plane.compression_null[0] > 0.5
    assert np.isnan(plane.compression_lower).all()  # one network has no spread

    four = from_arrays({"t": np.concatenate([coded_path([2, 16, c]) for c in (2, 4, 8, 16)])}, np.arange(64) % 4)
    found = summary(information_plane(four, Binned(64, range=(0, 64)))).compression.sel(layer="t") / BITS
    assert_allclose(found.sel(statistic="mean"), 1.5)
    assert 0 < float(found.sel(statistic="lower")) < 1.5 < float(found.sel(statistic="upper")) < 3
