"""The experiment on depth: fixed points by quadrature against closed forms, and claims that follow made-up numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import describe
from infoplane.experiments import infinite_depth_claims as told
from infoplane.experiments.base import Run
from infoplane.experiments.infinite_depth import NETS, _measured, deep, table
from infoplane.experiments.infinite_depth import _kernels as _kernels_of
from infoplane.experiments.infinite_depth_limits import limit
from infoplane.infinite import Dense, Ensemble
from infoplane.progress import silent
from infoplane.results import compact, load, save

_TIMES = np.geomspace(1e-8, 1e12, 21)
_DEPTHS = [1, 8, 16, 30]
_QUANTITIES = [
    "mi_input",
    "mi_input_lower",
    "mi_target",
    "loss_gibbs",
    "loss_gibbs_train",
    "mi_parameters_data",
    "action",
]
_LEAST = 0.5 * np.log(2.0 * np.pi)


def test_fixed_points_of_erf_are_those_of_its_closed_forms() -> None:
    """A layer maps the variance q to weight A(q) + bias; equal inputs part by weight B(q), B = 4/pi / sqrt(1 + 4q)."""
    for name in ("erf, ordered", "erf, critical", "erf, chaotic"):
        net = NETS[name]
        found, weight = limit(net), net.weight_std**2
        q = found.variance
        assert q == pytest.approx(weight * 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)) + net.bias_std**2, rel=1e-9)
        c = found.correlation
        assert c * q == pytest.approx(
            weight * 2 / np.pi * np.arcsin(2 * c * q / (1 + 2 * q)) + net.bias_std**2, rel=1e-9
        )
        slope = weight * 4 / np.pi / np.sqrt((1 + 2 * q) ** 2 - 4 * (c * q) ** 2)
        assert found.slope == pytest.approx(slope, rel=1e-9)
    assert limit(NETS["erf, critical"]).slope == pytest.approx(1.0, abs=1e-9)
    assert limit(NETS["erf, chaotic"]).correlation < 0.5


def test_fixed_points_of_relu() -> None:
    ordered = limit(NETS["relu, ordered"])
    assert ordered.variance == pytest.approx(0.01 / 0.5)  # bias / (1 - weight / 2)
    assert (ordered.correlation, ordered.slope) == (1.0, pytest.approx(0.5))
    assert limit(NETS["relu, critical"]).slope == pytest.approx(1.0)
    growing = limit(NETS["relu, growing"])
    assert np.isinf(growing.variance)
    assert (growing.correlation, growing.slope) == (1.0, pytest.approx(1.0, abs=1e-9))


def test_deep_keeps_all_but_the_depth() -> None:
    assert deep(NETS["erf, chaotic, residual"], 7) == Dense(7, "erf", 1.5, 0.1, residual=True)


def _kernels(factor: float = 1.0, power: float = 1.0) -> xr.Dataset:
    nets = ["erf, ordered", "erf, chaotic", "relu, ordered", "erf, critical", "relu, critical", "relu, growing"]
    slopes = [0.6, 0.9, 0.5, 1.0, 1.0, 1.0]
    depths = np.array([*range(1, 81), 160, 320])
    rows = [np.exp(factor * np.log(s) * depths) if s < 1 else depths ** (power * told._POWERS[n])
            for n, s in zip(nets, slopes, strict=True)]  # fmt: skip
    distance = np.stack(rows)[:, None] * (1 + 1e-3 * np.arange(3))[:, None]
    return xr.Dataset(
        {"distance": (("net", "seed", "depth"), distance), "slope_limit": ("net", slopes)},
        {"net": nets, "depth": depths, "seed": range(3)},
    )


def test_rates_and_powers() -> None:
    np.testing.assert_allclose(told.rates(_kernels(), "erf, chaotic"), -np.log(0.9))
    assert told._rates(_kernels()).verdict == "holds"
    assert told._rates(_kernels(factor=1.2)).verdict == "fails"
    assert told._powers(_kernels()).verdict == "holds"
    assert told._powers(_kernels(power=0.5)).verdict == "fails"


def _net(slope: float, condition: float = 1.0, **levels: list[float]) -> xr.Dataset:
    """Three repetitions; the time to learn grows by ``slope`` in log10 a layer; other values by depth at all times."""
    values = np.ones((3, len(_QUANTITIES), len(_DEPTHS), len(_TIMES)))
    for k, name in enumerate(_QUANTITIES):
        values[:, k] = (
            np.array(levels.get(name, [1.0] * len(_DEPTHS)))[:, None] * (1 + 1e-6 * np.arange(3))[:, None, None]
        )
    turn = slope * np.array(_DEPTHS)[:, None]
    values[:, _QUANTITIES.index("action")] = 100.0 / (1.0 + 10.0 ** -(np.log10(_TIMES)[None] - turn))
    values[:, _QUANTITIES.index("loss_gibbs_train")] = _LEAST
    conditions = np.array([10.0 * condition**depth for depth in _DEPTHS]) * (1 + 1e-3 * np.arange(3))[:, None]
    return xr.Dataset(
        {"value": (("seed", "quantity", "depth", "time"), values), "condition": (("seed", "depth"), conditions)},
        {"seed": range(3), "quantity": _QUANTITIES, "depth": _DEPTHS, "time": _TIMES},
        {"n_train": 50, "ceiling_mi_input": np.log(50.0)},
    )


def _nets() -> dict[str, xr.Dataset]:
    falling, rising = [2.0, 1.0, 0.5, 0.01], [1.0, 1.2, 1.5, 2.0]
    found = {name: _net(0.0) for name in NETS}
    found["erf, ordered"] = _net(-np.log10(0.6), 2.0, mi_input=falling, mi_input_lower=falling, loss_gibbs=rising)
    found["relu, ordered"] = _net(
        -0.5 * np.log10(0.5), 2.0, mi_input=falling, mi_input_lower=falling, loss_gibbs=rising
    )
    found["erf, chaotic"] = _net(0.0, 0.95, mi_input=falling, mi_input_lower=falling, loss_gibbs=rising)
    found["erf, ordered"]["value"].loc[{"quantity": "mi_parameters_data"}] = np.array([120.0, 140.0, 30.0, 12.0])[
        :, None
    ] * (1 + 1e-6 * np.arange(3)[:, None, None])
    return found


def test_claims_hold_and_fail() -> None:
    nets, kernels = _nets(), _kernels()
    good = [
        told._condition, lambda n: told._slow(kernels, n), told._forget, told._survives, told._chaotic,
        told._parameters, told._residual,
    ]  # fmt: skip
    assert [claim(nets).verdict for claim in good] == ["holds"] * len(good)
    assert told._late(nets).verdict == "fails"
    assert told.log_time(nets["erf, chaotic"])[0, 0] == pytest.approx(0.95, abs=0.1)  # nine tenths at 9 times the turn
    flat = {name: _net(0.0) for name in NETS}
    assert [claim(flat).verdict for claim in good] == ["fails"] * len(good)


def test_claims_set_a_lower_bound_against_an_upper_one() -> None:
    """Lower bounds alone would order these the way the claims say; upper ones of the other side are too high."""
    nets = _nets()
    for activation in ("erf", "relu"):
        nets[f"{activation}, ordered"]["value"].loc[{"quantity": "mi_input"}] = 5.0
        nets[f"{activation}, ordered"]["value"].loc[{"quantity": "mi_input_lower"}] = np.array([0.1, 0.2, 0.3, 0.4])[
            :, None
        ]
    assert told._survives(nets).verdict == "fails"
    assert told._residual(nets).verdict == "fails"
    assert told._late(nets).verdict == "fails"
    for activation in ("erf", "relu"):
        nets[f"{activation}, ordered"]["value"].loc[{"quantity": "mi_input"}] = np.array([0.2, 0.2, 0.3, 0.5])[:, None]
    assert told._late(nets).verdict == "holds"


def test_a_bound_that_does_not_fall_is_no_claim() -> None:
    nets = _nets()
    nets["erf, ordered"]["value"].loc[{"quantity": "mi_parameters_data"}] = 50.0
    assert told._parameters(nets).verdict == "fails"


def test_a_table_keeps_what_is_said_of_its_numbers_and_the_run_resumes(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((12, 3))
    found = [Ensemble(Dense(1, "erf"), x, x[:, k]).information(x + 0.1, x[:, k], [1.0, 1e6]) for k in range(2)]
    made = table(found, [1, 2], 7)
    run = Run(True, 2, tmp_path, silent)
    kept = run.table("pieces/one", lambda: made)
    again = Run(True, 2, tmp_path, silent)
    xr.testing.assert_identical(again.table("pieces/one", lambda: pytest.fail("it is on disk")), kept)
    assert not again.measured
    loaded = load(tmp_path / "pieces" / "one.nc")
    assert {"schema_version", "versions", "unit", "ceiling_mi_input"} <= set(loaded.attrs)
    notes = json.loads(loaded.attrs["notes"])
    assert notes
    assert all(note.startswith("7 hidden") for note in notes)
    np.testing.assert_array_equal(loaded["value"].sel(quantity="mi_input", seed=2), found[1]["mi_input"])
    np.testing.assert_array_equal(loaded["stderr"].sel(quantity="mi_input", seed=2), found[1]["mi_input_stderr"])
    assert np.isnan(loaded["stderr"].sel(quantity="action")).all()
    assert str(loaded["unit"].sel(quantity="mi_input").item()) == "nats"
    assert str(loaded["direction"].sel(quantity="mi_input").item()) == "upper"


@pytest.mark.parametrize(
    "measure", [pytest.param(_kernels_of, marks=pytest.mark.slow), lambda run: _measured(run, "erf, ordered")]
)
def test_what_the_experiment_measures_can_be_saved_and_read(measure: Callable, tmp_path: Path) -> None:
    made = measure(Run(True, 2, tmp_path, silent))
    assert made.attrs["schema_version"]
    save(made, tmp_path / "whole.nc")
    xr.testing.assert_identical(load(tmp_path / "whole.nc"), made)
    xr.testing.assert_identical(measure(Run(True, 2, tmp_path, silent)), made)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["infinite-depth", "random-labels"])
def test_what_is_kept_gives_the_same_verdicts(name: str) -> None:
    """The claims of a quick run, from its numbers and from those that are committed."""
    if name == "random-labels" and not os.environ.get("INFOPLANE_DATA"):
        pytest.skip("needs MNIST")
    experiment = describe(name)
    found = experiment.measure(Run(True, experiment.quick_seeds, None, silent))
    whole = experiment.claims(found)
    kept = experiment.claims({label: compact(one) for label, one in found.items()})
    assert [(one.text, one.verdict) for one in kept] == [(one.text, one.verdict) for one in whole]
