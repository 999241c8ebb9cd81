"""Which quantity ranks generalisation: correlations along one axis at a time, and what is said of them."""

from __future__ import annotations

import os

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

from infoplane import plots
from infoplane.errors import InputError
from infoplane.experiments import sample_size_claims, sample_size_figures
from infoplane.experiments.infinite_sample_size import gaussian_sample, mnist_sample
from infoplane.experiments.sample_size_table import AXIS, QUANTITIES, SHOWN, TOLD, joined, rank_correlations

RANDOM = np.random.default_rng(3)
SCALES, SIZES, SEEDS, TIMES = [0.5, 1.0, 2.0], [50, 100, 400], [1, 2, 3, 4], [0.1, 1.0, 10.0, 100.0]


def table(**given: np.ndarray) -> xr.Dataset:
    """A made-up table; a quantity not given is noise, the gap grows along time and weights and falls with the size."""
    shape = len(SCALES), len(SIZES), len(SEEDS), len(TIMES)
    scale, size, _, time = np.ogrid[tuple(slice(n) for n in shape)]
    gap = np.exp(scale - size + time + 0.01 * RANDOM.random(shape))
    known = {"generalisation_gap": gap, "loss_gibbs": 1.0 + gap, **given}
    rows = {name: known.get(name, 1.0 + RANDOM.random(shape)) for name in (*QUANTITIES, *TOLD)}
    pieces = {}
    for k, weight in enumerate(SCALES):
        for j, n in enumerate(SIZES):
            for i, seed in enumerate(SEEDS):
                values = np.stack([np.broadcast_to(row, shape)[k, j, i] for row in rows.values()])
                pieces[weight, n, seed] = xr.Dataset(
                    {"value": (("quantity", "time"), values)}, {"quantity": list(rows), "time": TIMES}
                )
    return joined(pieces)


def test_pieces_are_put_where_they_belong():
    gap = np.arange(144.0).reshape(3, 3, 4, 4)
    found = table(generalisation_gap=gap)["value"].sel(quantity="generalisation_gap")
    assert found.dims == ("scale", "size", "seed", "time")
    np.testing.assert_array_equal(found, gap)


def test_rank_correlations_are_those_of_single_lines():
    made = table()
    found = rank_correlations(made)["correlation"].sel(quantity="action", along="size", seed=2)
    value = made["value"].sel(seed=2)
    each = [
        spearmanr(
            value.sel(quantity="action", scale=s, time=t), value.sel(quantity="generalisation_gap", scale=s, time=t)
        )
        for s in SCALES
        for t in TIMES
    ]
    assert float(found) == pytest.approx(np.mean([one.statistic for one in each]), abs=1e-12)  # pyright: ignore


def test_what_orders_is_one_what_is_constant_or_differs_by_rounding_is_nothing():
    shape = (3, 3, 4, 4)
    scale, size, _, time = np.ogrid[tuple(slice(n) for n in shape)]
    gap = np.exp(scale - size + time)
    found = rank_correlations(
        table(
            generalisation_gap=gap,
            action=gap**3,
            fisher_energy=-gap,
            fisher_trace=np.ones(shape),
            modes_learned=7.0 * (1.0 + 1e-13 * RANDOM.random(shape)),
            bound_input=np.full(shape, np.inf),
        )
    )["correlation"]
    for name, expected in {
        "action": 1.0,
        "fisher_energy": -1.0,
        "fisher_trace": 0.0,
        "modes_learned": 0.0,
        "bound_input": 0.0,
    }.items():
        np.testing.assert_allclose(found.sel(quantity=name), expected, atol=1e-12, err_msg=name)


def test_the_axis_itself_is_what_a_quantity_has_to_beat():
    found = rank_correlations(table())["correlation"]
    np.testing.assert_allclose(found.sel(quantity=AXIS, along="size"), -1.0, atol=1e-12)
    np.testing.assert_allclose(found.sel(quantity=AXIS, along=["scale", "time"]), 1.0, atol=1e-12)
    assert found.sel(quantity="loss_gibbs_train").isnull().all()  # a summand of the gap
    assert rank_correlations(table(), "loss_gibbs")["correlation"].sel(quantity="mi_target").isnull().all()


def verdicts(tables: dict[str, xr.Dataset]) -> list[str]:
    return [claim.verdict for claim in sample_size_claims.claims(tables)]


def test_claims_follow_the_numbers():
    shape = (3, 3, 4, 4)
    scale, size, _, time = np.ogrid[tuple(slice(n) for n in shape)]
    gap = np.exp(0.1 * (scale - size + time)) * np.ones(shape)
    expected = {
        "generalisation_gap": gap,
        "loss_gibbs": 1.0 + gap,
        "mi_parameters_data": np.exp(size + scale + time) * np.ones(shape),
        "bound_parameters": 1000.0 * np.exp(scale + time) * np.ones(shape),
        "bound_input": np.exp(-size - scale + time) * np.ones(shape),
    }
    assert verdicts({"gaussian": table(**expected)}) == ["holds"] * 3 + ["fails"] * 2 + ["holds"] * 2
    against = {
        "generalisation_gap": 1 / gap,
        "loss_gibbs": 1.0 + 1 / gap,
        "mi_parameters_data": 1 / gap,
        "bound_parameters": np.exp(-size) * np.ones(shape) * 0.1,
        "action": gap,
    }
    made = {"gaussian": table(**against), "mnist": table(**against)}
    assert verdicts(made)[:5] == ["fails", "fails", "fails", "holds", "holds"]
    assert verdicts(made)[5] == "fails"


def test_figures_are_drawn():
    made = {"gaussian": table(), "mnist": table()}
    assert len(sample_size_figures.ranks(made).axes) == 4
    assert len(sample_size_figures.gaps(made).axes) == 6
    ax = plots.rank_table(rank_correlations(made["mnist"]).mean("seed"))
    assert [label.get_text() for label in ax.get_yticklabels()] == list(SHOWN)
    with pytest.raises(InputError, match="over \\(quantity, along\\)"):
        plots.rank_table(xr.Dataset({"correlation": ("quantity", [1.0])}))


def test_samples_are_nested_and_drawn_anew():
    small, large, other = gaussian_sample(1, 50), gaussian_sample(1, 200), gaussian_sample(2, 50)
    np.testing.assert_array_equal(small[0], large[0][:50])
    np.testing.assert_array_equal(small[3], large[3])
    assert not np.isin(other[1], large[1]).any()


@pytest.mark.slow
@pytest.mark.skipif("INFOPLANE_DATA" not in os.environ, reason="INFOPLANE_DATA is not set: no images here")
def test_small_samples_of_digits_have_all_ten():
    x, y, x_test, y_test = mnist_sample(2, 50)
    assert (np.bincount(y) == 5).all()
    assert x.shape == (50, 784)
    assert x_test.shape == (500, 784)
    assert len(np.unique(y_test)) == 10
    np.testing.assert_array_equal(mnist_sample(2, 20)[0], x[:20])
