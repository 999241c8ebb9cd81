"""The experiment on growing width: finite networks against their peers, twins, and claims that can fail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import infinite_width_limit as experiment
from infoplane.experiments import infinite_width_limit_claims as told
from infoplane.experiments import infinite_width_networks as finite
from infoplane.infinite import Conv, Dense, Ensemble, Kernels, empirical_kernels
from infoplane.infinite.finite import draw

_WIDTHS = np.array([8, 16, 32, 64, 128, 256])
_SEEDS = 12


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_kernels_of_one_network_are_those_of_its_peer(activation: str) -> None:
    """By another programme, in float64, on the same weights; single precision is good to 1e-5 of the largest entry."""
    import jax

    net, x = Dense(3, activation, 1.5, 0.1), experiment.points().x
    parameters = finite.drawn(net, 24, (16,), jax.random.key(1))
    peer = draw(net, 24, (16,))
    for place, (weights, biases) in enumerate(parameters):
        peer.weights[place][:], peer.biases[place][:] = weights, biases
    outputs, nngp, ntk = (
        np.asarray(part) for part in finite.kernels(net, parameters, jax.numpy.asarray(x, np.float32))
    )
    for mine, theirs in ((outputs, peer.outputs(x)), (nngp, peer.nngp(x)), (ntk, peer.ntk(x))):
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.slow
def test_tangent_kernel_of_a_convolution_is_that_of_its_jacobian() -> None:
    import jax

    net = Conv(2, "relu", 1.4, 0.1)
    x = jax.numpy.asarray(experiment.points().x.reshape(16, 4, 4, 1)[:5], np.float32)
    parameters = finite.drawn(net, 6, (4, 4, 1), jax.random.key(1))
    by_jacobian = empirical_kernels(lambda p, points: finite.forward(net, p, points), parameters, x).ntk
    np.testing.assert_allclose(finite.kernels(net, parameters, x)[2], by_jacobian, atol=1e-5 * by_jacobian.max())
    infinite = net.kernels(np.asarray(x))
    found = finite.starts(net, 32, np.asarray(x), 400, 0)
    for several, limit in zip(found[1:], infinite, strict=True):
        away = np.linalg.norm(several - limit, axis=(1, 2)) / np.linalg.norm(limit)
        # The mean of 400 is off by a twentieth of one, and by a bias of order 1/width.
        assert np.linalg.norm(several.mean(axis=0) - limit) / np.linalg.norm(limit) < away.mean() / 20 * 4 + 1 / 32


@pytest.mark.slow
def test_training_follows_the_flow_of_a_linear_model() -> None:
    """Its tangent kernel stands still, so that every network is its own twin."""
    net, (x, y) = Dense(0, "relu", 1.3, 0.1), experiment.points()
    kernels = Kernels(*net.kernels(x))
    step = 0.5 / float(np.linalg.eigvalsh(kernels.ntk[:8, :8])[-1])
    found = finite.courses(net, 8, x, y[:8], 5, 0, step=step, counts=(4, 40))
    np.testing.assert_allclose(found.ntk[:, 1], np.broadcast_to(kernels.ntk[:8, :8], (5, 8, 8)), rtol=1e-4, atol=1e-4)
    for place, count in enumerate((4, 40)):
        through, mean = experiment.twin(kernels, y[:8], count * step)
        wanted = found.start.outputs @ through.T + mean
        # A step errs by (1/2)^5 / 5! of a mode at most, 2.6e-4; n of them by n exp(-n/2) / exp(-1/2) times that.
        np.testing.assert_allclose(found.outputs[:, place], wanted, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("time", [0.1, 3.0])
def test_twins_have_the_law_of_the_infinite_ensemble(time: float) -> None:
    net, (x, y) = Dense(2, "erf", 1.5, 0.1), experiment.points()
    kernels = Kernels(*net.kernels(x))
    through, mean = experiment.twin(kernels, y[:8], time)
    wanted, covariance = Ensemble(net, x[:8], y[:8]).predict(x[8:], time)
    np.testing.assert_allclose(mean[8:], wanted[:, 0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose((through @ kernels.nngp @ through.T)[8:, 8:], covariance, rtol=1e-9, atol=1e-9)


def test_a_slope_is_found_and_noise_gives_none() -> None:
    random = np.random.default_rng(0)
    powers = (_WIDTHS**-1.0)[:, None, None] * np.array([3.0, -4.0])
    noisy = powers + 1e-4 * random.standard_normal((len(_WIDTHS), _SEEDS, 2))
    slope = told.slope_of_mean(_WIDTHS, noisy)
    assert slope.lower < -1.0 < slope.upper
    assert slope.upper - slope.lower < 0.05
    np.testing.assert_allclose(told.shift(noisy).size, 5.0 / _WIDTHS, rtol=0.01)
    noise = told.shift(random.standard_normal((200, _SEEDS, 2)))
    assert noise.seen.mean() < 0.05
    assert np.isnan(told.slope_of_mean(_WIDTHS, 0.1 * random.standard_normal((len(_WIDTHS), _SEEDS, 2))).value)


def _shifts(power: float, numbers: tuple[int, ...], noise: float = 1e-4) -> np.ndarray:
    random = np.random.default_rng(1)
    sizes = (_WIDTHS**power).reshape(-1, 1, *[1] * len(numbers))
    return sizes + noise * random.standard_normal((len(_WIDTHS), _SEEDS, *numbers))


def _singles(power: float, *numbers: int) -> np.ndarray:
    random = np.random.default_rng(2)
    return (_WIDTHS**power).reshape(-1, 1, *[1] * len(numbers)) * np.exp(
        0.01 * random.standard_normal((len(_WIDTHS), _SEEDS, *numbers))
    )


def _kernels(single: float = -0.5, mean: float = -1.0, deep: bool = True) -> xr.Dataset:
    values: dict[str, tuple] = {f"error_{kind}": (("width", "seed"), _singles(single)) for kind in ("nngp", "ntk")}
    shift = _shifts(mean, (3,)) if deep else _shifts(mean, (3,)) * 0.0 + 1e-3 * _shifts(-20.0, (3,), 1.0)
    values |= {f"shift_{kind}": (("width", "seed", "pair"), shift) for kind in ("nngp", "ntk")}
    values["information_error"] = (
        ("width", "seed", "quantity", "time"),
        _singles(single, len(told.QUANTITIES), 2),
    )
    return xr.Dataset(values, {"width": _WIDTHS, "quantity": list(told.QUANTITIES), "time": [1.0, 10.0]})


def _trained(single: float = -0.5, mean: float = -1.0, drift: float = -1.0) -> xr.Dataset:
    return xr.Dataset(
        {
            "twin": (("width", "seed", "time"), _singles(single, 2)),
            "drift": (("width", "seed", "time"), _singles(drift, 2)),
            "shift_mean": (("width", "seed", "time", "point"), _shifts(mean, (2, 4))),
            "shift_second": (("width", "seed", "time", "test", "other"), _shifts(mean, (2, 2, 2))),
            "covariance": (("time", "test", "other"), np.ones((2, 2, 2))),
            "target": ("point", np.ones(4)),
        },
        {"width": _WIDTHS, "time": [1.0, 10.0]},
    )


def test_claims_hold_on_what_theory_expects() -> None:
    kernels = {"erf-1": _kernels(deep=False), "relu-3": _kernels()}
    trained = {"erf-1": _trained(), "relu-1": _trained(drift=-0.75)}
    assert [claim.verdict for claim in told.claims(kernels, trained)] == ["holds"] * 9


@pytest.mark.parametrize(
    ("claim", "tables"),
    [
        (told._single_kernels, {"erf-1": _kernels(single=-0.3)}),
        (told._unbiased, {"erf-1": _kernels()}),
        (told._mean_kernels, {"erf-3": _kernels(mean=-0.5)}),
        (told._twins, {"erf-1": _trained(single=-1.0)}),
        (told._means, {"erf-1": _trained(mean=-0.5)}),
        (told._covariances, {"erf-1": _trained(mean=-0.5)}),
        (lambda t: told._drift(t, "erf"), {"erf-1": _trained(drift=-0.5)}),
        (lambda t: told._drift(t, "relu"), {"relu-1": _trained(drift=-1.0)}),
        (told._information, {"erf-1": _kernels(single=-1.0)}),
    ],
)
def test_claims_fail_on_the_contrary(claim: Callable, tables: dict[str, xr.Dataset]) -> None:
    assert claim(tables).verdict == "fails"


def test_means_in_noise_are_unclear() -> None:
    tables = {"erf-1": _trained()}
    noise = np.random.default_rng(3).standard_normal(tables["erf-1"]["shift_mean"].shape)
    tables["erf-1"]["shift_mean"] = (tables["erf-1"]["shift_mean"].dims, noise)
    assert told._means(tables).verdict == "unclear"
