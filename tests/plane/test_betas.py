"""Fitted betas of layers: of the solver's own encoders, of every checkpoint, and against critical betas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import xlogy

from infoplane import InputError, data
from infoplane.bottleneck import Joint, solve
from infoplane.channels import AdditiveGaussian
from infoplane.estimators import Binned, PairwiseBounds, Plugin
from infoplane.plane import layer_beta, layer_betas
from infoplane.plane.betas import nearness
from infoplane.plane.bounds import BETAS, beta_residuals, encoder_beta
from infoplane.recordings import from_arrays

SOFT = data.twelve_bit(0.1)


@pytest.mark.parametrize("gamma", [0.1, 1.0])
def test_an_optimum_of_the_bottleneck_returns_its_beta(gamma):
    joint = Joint.from_conditional(data.twelve_bit(gamma).p_y_given_x)
    for beta in (2.5, 5.0, 20.0):
        fit = encoder_beta(joint.p_x, solve(joint, beta).encoder, joint.p_y_given_x)
        assert_allclose(fit.beta, beta, rtol=1e-6)
        assert fit.residual < 1e-10
        assert not fit.at_edge


def test_every_checkpoint_of_every_network_is_fitted():
    random = np.random.default_rng(0)
    lit = SOFT.x.sum(axis=1, keepdims=True)
    held = {
        "lit": np.broadcast_to(lit, (2, 2, 4096, 1)),
        "noise": random.integers(0, 5, (2, 2, 4096, 1)).astype(float),
        "dead": np.zeros((2, 2, 4096, 1)),
    }
    made = from_arrays(held, SOFT.y, p_y_given_x=SOFT.p_y_given_x, enumerated=True, epochs=[0, 7])
    found = layer_betas(made, Binned(13, range=(-0.5, 12.5)))
    for layer, values in held.items():
        for seed, column in ((0, 1), (1, 0)):
            direct = layer_beta(values[seed, column, :, 0], SOFT.p_y_given_x)
            at = found.isel(seed=seed, epoch=column).sel(layer=layer)
            assert_allclose([at.layer_beta, at.layer_beta_residual], [direct.beta, direct.residual])
            assert bool(at.layer_beta_at_edge) == direct.at_edge
    assert np.isnan(found.layer_beta.sel(layer="dead")).all()  # one code is no place on the curve
    assert_allclose(found.layer_beta_residual.sel(layer="dead"), 0, atol=1e-12)
    part = layer_betas(made, Plugin(), channel=Binned(13, range=(-0.5, 12.5)).channel, epochs=[7])
    assert part.epoch.values.tolist() == [7]
    assert_array_equal(part.layer_beta, found.layer_beta.sel(epoch=[7]))


def test_what_has_no_betas_is_refused():
    hard = from_arrays({"t": SOFT.x}, data.twelve_bit().y)
    with pytest.raises(InputError, match="needs random labels of known law"):
        layer_betas(hard, Binned(3))
    soft = from_arrays({"t": SOFT.x}, SOFT.y, p_y_given_x=SOFT.p_y_given_x)
    for estimator, channel in ((PairwiseBounds(0.1), None), (Plugin(), AdditiveGaussian(0.1))):
        with pytest.raises(InputError, match=r"needs codes, as Binned\(30\) makes them"):
            layer_betas(soft, estimator, channel=channel)


def test_residuals_start_at_the_information_and_end_at_the_fit():
    codes = SOFT.x[:, :5] @ 2 ** np.arange(5)
    fit = layer_beta(codes, SOFT.p_y_given_x)
    assert_allclose(beta_residuals(codes, SOFT.p_y_given_x, [1e-12])[0], np.log(32))
    around = beta_residuals(codes, SOFT.p_y_given_x, [fit.beta * 0.99, fit.beta, fit.beta * 1.01])
    assert_allclose(around[1], fit.residual)
    assert around[1] < min(around[0], around[2])


def test_under_a_certain_label_pure_codes_fit_every_beta_alike():
    hard = data.twelve_bit()
    pure = hard.y * 7 + hard.x[:, 0].astype(int)
    flat = beta_residuals(pure, hard.p_y_given_x, [0.5, 2, 50, 300])
    assert_allclose(flat, flat[0], rtol=1e-12)
    p = np.bincount(pure)[np.unique(pure)] / 4096
    of_label = np.array([p[:2].sum(), p[2:].sum()])
    assert_allclose(flat[0], xlogy(of_label, of_label).sum() - xlogy(p, p).sum())  # H(T|Y): what T keeps besides
    mixed = beta_residuals(hard.x[:, 0].astype(int), hard.p_y_given_x, [2, 50])
    assert mixed[1] > mixed[0] + 0.1


CRITICAL = np.array([2.0, 3.0, 10.0, 40.0, 700.0])


def test_ranks_of_random_betas_are_uniform():
    random = np.random.default_rng(1)
    n = 2_000
    found = nearness(np.exp(random.uniform(np.log(2), np.log(BETAS[1]), n)), CRITICAL)
    assert found.counted == n
    for q in (0.1, 0.3, 0.5, 0.8):  # 4 standard errors
        assert abs((found.rank <= q).mean() - q) < 4 * np.sqrt(q * (1 - q) / n)
    assert 1e-4 < found.p_independent < 1 - 1e-4


def test_betas_at_critical_ones_are_closer_than_any():
    found = nearness(np.array([[2.0, 3.0], [10.0, 40.0]]), CRITICAL)
    assert_allclose(found.distance, 0, atol=1e-12)
    assert_allclose(found.rank, 0, atol=1e-12)
    assert found.p_independent < 1e-3
    assert found.p_shifted < 1e-3
    between = nearness(np.sqrt([2.0 * 3.0, 40.0 * 10.0]), CRITICAL)
    assert_allclose(between.distance, [np.log(1.5) / 2, np.log(4) / 2])
    assert between.p_independent > 0.3


def test_many_networks_in_one_place_are_one_draw():
    """Forty betas at a critical one: no chance for independent draws, much more for a pattern that moves as one."""
    found = nearness(np.full(40, 3.05), CRITICAL)
    assert found.p_independent < 1e-6
    assert_allclose(found.p_shifted, found.rank[0], atol=2e-3)


def test_betas_out_of_the_range_are_left_out():
    beta = np.array([1.0, np.nan, 3.0, 300.0, 5.0])
    found = nearness(beta, CRITICAL, np.array([False, False, False, True, False]))
    assert found.counted == 2
    assert np.isfinite(found.rank).tolist() == [False, False, True, False, True]
    nothing = nearness(np.array([1.0]), CRITICAL)
    assert nothing.counted == 0
    assert np.isnan(nothing.p_shifted)
    with pytest.raises(InputError, match="needs a critical beta below 300"):
        nearness(beta, np.array([400.0]))
