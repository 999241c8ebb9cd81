"""Cosines within and between classes, against a sum over all pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from infoplane import data, results
from infoplane.errors import InputError
from infoplane.plane import clustering
from infoplane.recordings import from_arrays

N = 40
RANDOM = np.random.default_rng(2)
SHIFTED = RANDOM.standard_normal((2, 3, N, 4)) + 1.5
LAYERS = {
    "shifted": SHIFTED,
    "relu": np.maximum(RANDOM.standard_normal((2, 3, N, 2)), 0.0),  # about a quarter of the rows are all 0
    "one unit": RANDOM.standard_normal((2, 3, N, 1)),
    "tiny": 1e-200 * SHIFTED,
}
Y = np.array(["a", "b", "c", "b"] * (N // 4))


def slowly(t: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean cosine over pairs of one class and of two, one pair after another."""
    pairs: dict[bool, list[float]] = {True: [], False: []}
    for i, j in itertools.combinations(range(len(t)), 2):
        lengths = math.hypot(*t[i]) * math.hypot(*t[j])
        if lengths > 0:
            pairs[bool(y[i] == y[j])].append(float(t[i] @ t[j]) / lengths)
    return float(np.mean(pairs[True])), float(np.mean(pairs[False]))


@pytest.mark.parametrize("layer", ["shifted", "relu", "one unit"])
def test_equals_the_sum_over_all_pairs(layer) -> None:
    found = clustering(from_arrays(LAYERS, Y, epochs=[0, 5, 20]), layers=[layer], epochs=[20, 0])
    assert found.epoch.to_numpy().tolist() == [0, 20]
    for seed, (column, epoch) in itertools.product(range(2), ((0, 0), (2, 20))):
        within, between = slowly(LAYERS[layer][seed, column], Y)
        cell = found.sel(seed=seed, epoch=epoch, layer=layer)
        assert float(cell.cosine_within) == pytest.approx(within, abs=1e-12)
        assert float(cell.cosine_between) == pytest.approx(between, abs=1e-12)
        assert float(cell.spread_ratio) == pytest.approx((1 - within) / (1 - between), rel=1e-10)


def test_is_a_result_that_can_be_kept(tmp_path) -> None:
    found = clustering(from_arrays(LAYERS, Y))
    results.save(found, tmp_path / "cosines.nc")
    xr.testing.assert_identical(results.load(tmp_path / "cosines.nc"), found)


def test_lengths_do_not_matter() -> None:
    found = clustering(from_arrays(LAYERS, Y))
    for name in ("cosine_within", "cosine_between", "spread_ratio"):
        assert_allclose(found[name].sel(layer="tiny"), found[name].sel(layer="shifted"), rtol=1e-12)


def test_each_network_has_its_own_test_samples() -> None:
    train = np.zeros((2, N), bool)
    train[0, : N // 2], train[1, N // 4 : 3 * N // 4] = True, True
    made = from_arrays(LAYERS, Y, train=train)
    for split, chosen in (("train", train), ("test", ~train)):
        found = clustering(made, layers=["shifted"], split=split).isel(layer=0)
        for seed in range(2):
            within, between = slowly(SHIFTED[seed, 1][chosen[seed]], Y[chosen[seed]])
            assert float(found.cosine_within[seed, 1]) == pytest.approx(within, abs=1e-12)
            assert float(found.cosine_between[seed, 1]) == pytest.approx(between, abs=1e-12)


def test_what_is_known_by_thought() -> None:
    """Two classes in opposite directions; one direction for all; nothing but zeros; a class of one input."""
    y = np.array([0, 0, 1, 1])
    layers = {
        "opposite": np.array([[1.0, 2.0], [0.5, 1.0], [-3.0, -6.0], [-1.0, -2.0]]),
        "alike": np.arange(1.0, 5.0)[:, None] * np.array([1.0, 0.3]),
        "zeros": np.zeros((4, 2)),
    }
    found = clustering(from_arrays(layers, y)).isel(seed=0, epoch=0)
    assert_allclose(found.cosine_within, [1.0, 1.0, np.nan], atol=1e-15)
    assert_allclose(found.cosine_between, [-1.0, 1.0, np.nan], atol=1e-15)
    assert_allclose(found.spread_ratio, [0.0, np.nan, np.nan], atol=1e-15)
    alone = clustering(from_arrays({"opposite": layers["opposite"]}, [0, 1, 2, 3]))
    assert math.isnan(alone.cosine_within.item())
    assert alone.cosine_between.item() == pytest.approx((2 - 4) / 6)


def test_the_pixels_of_the_twelve_bit_task_hold_some_of_its_rule() -> None:
    """Every fourth pattern at once, against products of all pairs at once."""
    task = data.twelve_bit()
    x, y = task.x[::4].astype(np.float64), task.y[::4]
    found = clustering(from_arrays({"input": x}, y))
    x, y = x[1:], y[1:]  # the first pattern is dark: no direction
    unit = x / np.sqrt(x.sum(axis=1, keepdims=True))
    cosines, same = unit @ unit.T, y[:, None] == y[None]
    assert found.cosine_within.item() == pytest.approx(cosines[same & ~np.eye(1023, dtype=bool)].mean(), abs=1e-12)
    assert found.cosine_between.item() == pytest.approx(cosines[~same].mean(), abs=1e-12)


def test_one_sentence_for_what_does_not_fit() -> None:
    made = from_arrays(LAYERS, Y)
    with pytest.raises(InputError, match="needs classes, and y is continuous"):
        clustering(from_arrays(LAYERS, RANDOM.standard_normal(N)))
    with pytest.raises(InputError, match="one class only"):
        clustering(from_arrays(LAYERS, np.zeros(N, int)))
    with pytest.raises(InputError, match="no layer 'relus'"):
        clustering(made, layers=["relus"])
    with pytest.raises(InputError, match="at least one layer and one epoch"):
        clustering(made, layers=[])
