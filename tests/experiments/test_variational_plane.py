"""Orders of curves at equal rate, and claims that can fail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import variational_plane as experiment
from infoplane.experiments import variational_plane_claims as told
from infoplane.experiments.variational_plane_figures import figures_of
from infoplane.experiments.variational_plane_orders import betas, between, held_out, of
from infoplane.experiments.variational_plane_reading import read

H = float(np.log(10))
SHAPE = ("objective", "beta", "seed", "epoch", "split")
OFFSETS = {"VIB": 0.0, "CEB": 0.05, "DualVIB": 0.1}


def one(name: str, offset: float, rates: np.ndarray) -> xr.Dataset:
    """Models of one objective: I(Z;Y) is a straight line in the logarithm of R_c, three seeds, two checkpoints."""
    random = np.random.default_rng(len(name))
    ones = np.ones((1, len(rates), 3, 2, 2))
    conditional = rates[None, :, None, None, None] * ones * np.array([0.97, 1.0, 1.03])[:, None, None]
    target = 0.8 + offset + 0.25 * np.log(conditional) + 1e-4 * random.standard_normal((1, 1, 3, 1, 1))
    mixture = conditional + target
    accuracy = np.broadcast_to(np.linspace(0.5, 0.88, len(rates))[None, :, None, None, None], ones.shape)
    values = {
        "rate": mixture + 0.2,
        "rate_conditional": conditional,
        "rate_mixture": mixture,
        "mi_input": mixture,
        "mi_target": target,
        "distortion": H - target,
        "loss": ones,
        "accuracy": accuracy + 1e-4 * random.standard_normal((1, 1, 3, 1, 1)),
        "calibration_error": 0.02 * ones + 1e-4 * random.standard_normal((1, 1, 3, 1, 1)),
    }
    errors = {f"{key}_stderr": 1e-3 * ones for key in values}
    plane = xr.Dataset(
        {key: (SHAPE, array) for key, array in (values | errors).items()},
        {"objective": [name], "beta": np.arange(2.0, 2.0 + len(rates)), "seed": range(3), "epoch": [0, 20],
         "split": ["train", "test"]},
        {"kind": "variational", "entropy_target_train": H, "entropy_target_test": H, "ceiling_mi_target": H},
    )  # fmt: skip
    last = plane.isel(epoch=-1).sel(split="test", drop=True).drop_vars("epoch")
    measured = {
        "sandwich_lower": last.mi_input - 0.1,
        "sandwich_upper": last.mi_input - 0.05,
        "generative": last.mi_target,
        "common": last.mi_target - 0.1,
    }
    measured |= {f"{key}_stderr": last.mi_target_stderr for key in measured}
    return plane.assign(measured).assign_attrs(n_encoders=10_000)


def made(offsets: dict[str, float] = OFFSETS) -> xr.Dataset:
    """Three objectives with rates of their own."""
    rates = {"VIB": [0.4, 2.0, 10.0, 40.0], "CEB": [0.5, 3.0, 35.0], "DualVIB": [0.3, 1.0, 7.0, 20.0, 50.0]}
    return experiment.joined([one(name, offsets[name], np.array(rates[name])) for name in rates])


def verdicts(plane: xr.Dataset) -> dict[str, str]:
    return {claim.text: claim.verdict for claim in told.claims_of(plane)}


def changed(name: str, value: Callable[[xr.Dataset], xr.DataArray]) -> xr.Dataset:
    plane = made()
    return plane.assign({name: value(plane)})


def test_differences_at_equal_rate_are_those_put_in() -> None:
    """Straight lines in the logarithm are interpolated without error, whatever rates the models have."""
    models = held_out(made())
    for pair, offset in ((("DualVIB", "VIB"), 0.1), (("DualVIB", "CEB"), 0.05), (("VIB", "CEB"), -0.05)):
        found = between(models, *pair, "conditional")
        np.testing.assert_allclose(found.values, offset, atol=2e-3)  # the seeds' own noise
    found = between(models, "DualVIB", "VIB", "conditional")
    # The largest of the first rates and the smallest of the last ones, over all seeds.
    np.testing.assert_allclose(found.rates[[0, -1]], [0.4 * 1.03, 40.0 * 0.97])


def test_what_no_two_curves_share_is_not_compared() -> None:
    parts = [one("VIB", 0.0, np.array([0.5, 1.0])), one("CEB", 0.0, np.array([5.0, 9.0]))]
    found = between(held_out(experiment.joined(parts)), "CEB", "VIB", "conditional")
    assert np.isnan(found.values).all()
    assert found.mean.above(0.0) == "unclear"


def test_encoders_that_know_nothing_are_left_out() -> None:
    parts = [one(name, 0.0, np.array([0.01, 0.5, 5.0])) for name in ("VIB", "CEB")]
    assert between(held_out(experiment.joined(parts)), "CEB", "VIB", "conditional").rates[0] == pytest.approx(0.1)


def test_a_wide_sandwich_has_no_middle() -> None:
    plane = made()
    wide = plane.assign(sandwich_upper=plane.sandwich_upper + 0.4 * (plane.sandwich_upper > 20.0))
    np.testing.assert_array_equal(np.isnan(held_out(wide).mi_sandwich), ~(plane.sandwich_upper <= 20.0))


def test_objectives_with_betas_of_their_own_stand_in_one_plane() -> None:
    models = held_out(made())
    assert betas(models, "CEB").tolist() == [2.0, 3.0, 4.0]
    assert of(models, "DualVIB", "mi_target").shape == (3, 5)
    # The largest of three lower bounds: here that of the fit itself.
    np.testing.assert_array_equal(of(models, "VIB", "mi_target"), of(models, "VIB", "own"))
    better = held_out(changed("common", lambda plane: plane.common + 0.3))
    np.testing.assert_allclose(of(better, "VIB", "mi_target"), of(models, "VIB", "mi_target") + 0.2)


def test_claims_hold_on_what_theory_expects() -> None:
    found = verdicts(made())
    assert set(found.values()) == {"holds"}
    assert len(found) == 15


@pytest.mark.parametrize(
    ("name", "value", "start"),
    [
        ("mi_target", lambda plane: 3.0 - plane.mi_target, "Both rates and what is shown of I(Z;Y) rise with beta"),
        ("distortion", lambda plane: plane.distortion - plane.rate, "H(Y) - D is below"),
        ("generative", lambda plane: plane.generative - 0.1, "With the mixture"),
        ("sandwich_lower", lambda plane: plane.rate.isel(epoch=-1, split=-1) + 1.0, "Bounds that need no prior"),
        ("sandwich_upper", lambda plane: plane.mi_target.isel(epoch=-1, split=-1) - 0.1, "Bounds that need no prior"),
        ("sandwich_upper", lambda plane: plane.sandwich_upper - 1.0, "The rates are tight"),
        ("rate_conditional", lambda plane: plane.rate_conditional + 2.0, "The conditional rate is no bound"),
        ("accuracy", lambda plane: plane.accuracy - 0.02 * (plane.objective == "DualVIB"), "At the beta that is best"),
        ("calibration_error", lambda plane: plane.calibration_error + 0.1, "At the largest beta"),
    ],
)  # fmt: skip
def test_claims_fail_on_the_contrary(name: str, value: Callable, start: str) -> None:
    found = verdicts(changed(name, value))
    assert {verdict for text, verdict in found.items() if text.startswith(start)} == {"fails"}


def test_orders_fail_where_they_are_reversed_and_are_unclear_where_nothing_tells() -> None:
    reversed_ = verdicts(made({"VIB": 0.1, "CEB": 0.05, "DualVIB": 0.0}))
    assert [verdict for text, verdict in reversed_.items() if "lies above" in text] == ["fails"] * 6
    equal = made({"VIB": 0.0, "CEB": 0.0, "DualVIB": 0.0})
    noise = 0.05 * np.random.default_rng(3).standard_normal(equal.sizes["seed"])
    noisy = equal.assign(mi_target=equal.mi_target + xr.DataArray(noise, dims="seed") * (equal.objective == "DualVIB"))
    dual = [verdict for text, verdict in verdicts(noisy).items() if "DualVIB lies above" in text]
    assert dual[0] == "unclear"


@pytest.mark.slow
def test_every_figure_is_drawn() -> None:
    figures = figures_of(made())
    assert list(figures) == ["planes", "orders", "bounds", "predictions"]
    for figure in figures.values():
        figure.draw_without_rendering()


def test_label_noise_goes_into_the_dual_alone() -> None:
    matrix = np.full((10, 10), 0.01) + 0.9 * np.eye(10)
    noise = xr.Dataset({"confusion": (("true", "predicted"), matrix)})
    (dual,) = experiment.objectives("DualVIB", (8.0,), noise)
    np.testing.assert_allclose(dual.labels.matrix, matrix)  # type: ignore[attr-defined]
    assert dual.bounds == "I(X;Z|Y)"
    assert dual.weights().cross_entropy == 0.0
    assert [type(*experiment.objectives(kind, (8.0,), noise)).__name__ for kind in ("VIB", "CEB")] == ["VIB", "CEB"]


@pytest.mark.slow
def test_the_common_network_reads_what_is_there_and_no_more() -> None:
    """Two normal laws a distance apart, of which I(Z;Y) is known by quadrature; and labels that z knows nothing of."""
    random = np.random.default_rng(0)
    y = np.arange(8000) % 2
    z = (2.0 * y - 1.0)[:, None] * np.array([1.0, 0.0]) + random.standard_normal((8000, 2))
    logs = read(z[:4000], y[:4000], z[4000:], 2, seed=0)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1.0, rtol=1e-5)
    known = np.log(2) + logs[np.arange(4000), y[4000:]]
    grid = np.linspace(-9.0, 9.0, 4001)
    law = np.exp(-0.5 * (grid - 1.0) ** 2) / np.sqrt(2 * np.pi)
    truth = np.log(2) - float((law * np.log1p(np.exp(-2.0 * grid))).sum() * (grid[1] - grid[0]))
    error = known.std() / np.sqrt(4000)
    assert truth - 0.03 - 3 * error < known.mean() < truth + 3 * error  # 0.03: what 4,000 samples leave unlearned
    shuffled = read(z[:4000], random.permutation(y[:4000]), z[4000:], 2, seed=0)
    assert (np.log(2) + shuffled[np.arange(4000), y[4000:]]).mean() < 3 * error
