"""The experiments on infinitely wide ensembles: their problem, the bands of repeated data sets, claims that follow."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import infinite_claims
from infoplane.experiments.infinite_gaussian import NETS, draw, optimum
from infoplane.infinite import Ensemble

_CONSTANT = 0.5 * np.log(2 * np.pi)  # in the Gibbs loss


def test_the_problem_is_the_stated_one() -> None:
    x, y, x_test, y_test = draw(3, 4000, 10)
    assert (x.shape, y.shape, x_test.shape, y_test.shape) == ((4000, 30), (4000,), (10, 30), (10,))
    # Var Y = 1 and R^2 = 0.9, to four errors of 4,000 samples.
    assert abs(y.var() - 1) < 4 * np.sqrt(2 / 4000)
    fit = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert abs(np.corrcoef(fit, y)[0, 1] ** 2 - 0.9) < 0.02
    curve = optimum()
    assert float(curve["mi_target"].max()) == pytest.approx(-0.5 * np.log(0.1), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "times", "bands"),
    [
        ("erf-1", (0.3, 3.2), {"gibbs": [(0.079, 0.004), (0.082, 0.004)], "error": [(0.120, 0.007), (0.127, 0.008)],
                               "input": [(1.59, 0.03), (1.60, 0.03)], "target": [(0.92, 0.02), (0.90, 0.03)]}),
        ("relu-0.5", (56, 100), {"gibbs": [(0.059, 0.003), (0.065, 0.004)], "error": [(0.117, 0.007), (0.130, 0.007)],
                                 "input": [(3.52, 0.04), (3.64, 0.04)], "target": [(1.07, 0.03), (1.02, 0.03)]}),
    ],
)  # fmt: skip
def test_bands_of_repeated_data_sets(
    name: str, times: tuple[float, float], bands: dict[str, list[tuple[float, float]]]
) -> None:
    """Means over ten data sets lie within one deviation of those of twenty others; at the best time, and at the end.

    The median of the best times lies in the range that those of the twenty had, to a step of the grid.
    """
    rows = []
    for seed in range(2, 12):
        x, y, x_test, y_test = draw(seed, 500, 500)
        entropy = 0.5 * np.log(2 * np.pi * np.e * y_test.var())
        rows.append(Ensemble(NETS[name], x, y).information(x_test, y_test, np.geomspace(1e-4, 1e8, 49),
                                                           entropy_target=entropy))  # fmt: skip
    together = xr.concat(rows, "seed", combine_attrs="override")
    step = 1e12 ** (1 / 48)
    assert times[0] / step < np.median(together["time"].to_numpy()[infinite_claims.best(together)]) < times[1] * step
    values = {"gibbs": "loss_gibbs", "error": "squared_error", "input": "mi_input_lower", "target": "mi_target"}
    for key, variable in values.items():
        best = infinite_claims.at_best(together, variable).mean()
        last = float(together[variable].isel(time=-1).mean())
        for found, (mean, deviation) in zip((best, last), bands[key], strict=True):
            assert abs(found - mean - (_CONSTANT if key == "gibbs" else 0.0)) < deviation, (key, found)


def _ensemble(loss: list[float], **more: list[float]) -> xr.Dataset:
    """Two data sets that differ by a little, over four times."""
    shift = np.array([[0.0], [1e-4]])
    cells = {name: (("seed", "time"), np.array([values]) + shift) for name, values in more.items()}
    cells["loss_gibbs"] = (("seed", "time"), np.array([loss]) + shift)
    return xr.Dataset(
        cells, {"time": [1.0, 1e4, 1e6, 1e8], "seed": [0, 1]}, {"ceiling_mi_input": 6.2, "entropy_target": 2.3}
    )


def test_overfitting_is_a_minimum_before_the_end() -> None:
    falls, rises = _ensemble([2.0, 1.5, 1.2, 1.0]), _ensemble([2.0, 1.0, 1.2, 1.3])
    assert infinite_claims._overfits({"a": rises}, ("a",)).verdict == "holds"
    assert infinite_claims._overfits({"a": falls}, ("a",)).verdict == "fails"
    np.testing.assert_array_equal(infinite_claims.best(rises), [1, 1])
    np.testing.assert_allclose(infinite_claims.at_best(rises, "loss_gibbs"), [1.0, 1.0001])


def test_finite_and_falling_information() -> None:
    names = [f"{a}-{k}" for a in ("erf", "relu") for k in (1, 2)]
    made = {
        n: _ensemble([1.0] * 4, mi_input=[v] * 4, mi_input_lower=[v - 0.1] * 4)
        for n, v in zip(names, (3, 2, 3, 1), strict=True)
    }
    assert infinite_claims._finite(made).verdict == "holds"
    assert infinite_claims._falls_with_scale(made).verdict == "holds"
    assert infinite_claims._falls_with_scale(dict(zip(names, reversed(made.values()), strict=True))).verdict == "fails"
    top = {name: one + 4.0 for name, one in made.items()}
    for name, one in top.items():
        one.attrs = made[name].attrs
    assert infinite_claims._finite(top).verdict in ("fails", "unclear")


def test_the_parameters_bound_and_its_curvature() -> None:
    one = _ensemble([1.0] * 4, mi_parameters_data=[1.0, 1e4, 1e6, 1e8],
                    mi_parameters_data_curvature=[0.5, 9e3, 9e5, 9e7],
                    mi_output_data_joint_train=[0.9, 5e3, 5e5, 5e7], fisher_trace=[3.0] * 4,
                    mi_output_data=[1.0, 2.0, 2.5, 2.5])  # fmt: skip
    assert infinite_claims._parameters_diverge({"erf-1": one}).verdict == "holds"
    assert infinite_claims._curvature({"erf-1": one}).verdict == "holds"
    assert infinite_claims._outputs_saturate({"erf-1": one}).verdict == "holds"
    assert infinite_claims._fisher_is_flat({"erf-1": one}).verdict == "holds"
    one["mi_output_data_joint_train"] += 1e9
    assert infinite_claims._curvature({"erf-1": one}).verdict == "fails"


def test_images() -> None:
    good = _ensemble([2.0, 1.5, 1.2, 1.2], accuracy=[0.1, 0.5, 0.9, 0.9], mi_input_lower=[0.1, 1.0, 2.0, 2.1],
                     mi_target=[0.0, 0.5, 1.0, 1.5])  # fmt: skip
    verdicts = {c.text[:20]: c.verdict for c in infinite_claims.mnist_claims({"erf-1": good})}
    assert set(verdicts.values()) == {"holds"}
    bad = good.assign(mi_target=good["mi_target"] + 2.0)
    bad["accuracy"] = good["accuracy"].copy(data=good["accuracy"].to_numpy()[:, ::-1])
    assert [c.verdict for c in infinite_claims.mnist_claims({"erf-1": bad})][:2] == ["fails", "fails"]
