"""Binning: every range and kind against a twin that asks of each value which bin it is in, and the closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from estimator_twins import bin_of, entropy_by_counting, information_by_counting, miller_madow, rows
from scipy.special import ndtr, ndtri, xlogy

import infoplane as ip
from infoplane.estimators import Binned, LayerBlock

BITS = math.log(2.0)


def equal_walls(low: float, high: float, bins: int) -> list[float]:
    return [low + (high - low) * k / bins for k in range(1, bins)]


def quantile_walls(values: Sequence[float], bins: int) -> list[float]:
    """The k-th wall is the value with k/J of the sorted values below it (the published rule, u[floor(k |u| / J)])."""
    ordered = sorted(values)
    return [ordered[math.floor(k * len(ordered) / bins)] for k in range(1, bins)]


def walls_of(estimator: Binned, t: np.ndarray) -> list[float]:
    values = t.ravel().tolist()
    low, high = estimator.range if isinstance(estimator.range, tuple) else (min(values), max(values))
    if estimator.kind == "width":
        return equal_walls(low, high, estimator.bins)
    inside = [min(max(v, low), high) for v in values]
    return quantile_walls(inside if estimator.kind == "mass" else sorted(set(inside)), estimator.bins)


def coded(estimator: Binned, t: np.ndarray) -> list[tuple]:
    walls = walls_of(estimator, t)
    return [tuple(bin_of(v, walls) for v in row) for row in np.asarray(t, np.float64).tolist()]


@pytest.mark.parametrize("kind", ["width", "mass", "adaptive"])
@pytest.mark.parametrize("span", ["known", "layer", "global", (-0.5, 1.25)])
@pytest.mark.parametrize("bins", [2, 7, 30])
def test_equals_its_twin(bins: int, span: str | tuple[float, float], kind: str) -> None:
    random = np.random.default_rng(bins)
    t = np.tanh(3 * random.standard_normal((300, 2)))
    t[:60] = np.where(t[:60] > 0, 1.0, -1.0)  # a saturated part: many equal values
    y = (t.sum(axis=1) > 0).astype(int)
    estimator = Binned(bins, span, kind)  # pyright: ignore
    found = ip.mutual_information(t, y, estimator)
    assert found.value == pytest.approx(information_by_counting(coded(estimator, t), y.tolist()), abs=1e-12)
    corrected = ip.mutual_information(t, y, Binned(bins, span, kind, "miller-madow"))  # pyright: ignore
    assert corrected.value == pytest.approx(miller_madow(coded(estimator, t), y.tolist()), abs=1e-12)


def test_both_arguments_are_binned_on_their_own_range() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((400, 1))
    y = 100.0 + 5.0 * (x + random.standard_normal((400, 1)))
    estimator = Binned(6)
    twin = information_by_counting(coded(estimator, x), coded(estimator, y))
    found = ip.mutual_information(x, y, estimator)
    assert found.value == pytest.approx(twin, abs=1e-12)
    assert found.quantity == "I(X at 6 bins; Y at 6 bins)"
    assert any("other bins give other values" in note for note in found.notes)


def test_the_top_is_closed_and_what_lies_outside_is_clipped_and_counted() -> None:
    t = np.array([0.0, 0.249, 0.25, 0.5, 0.75, 1.0, -0.1, 7.0])
    codes = [(0,), (0,), (1,), (2,), (3,), (3,), (0,), (3,)]
    found = ip.mutual_information(t, np.arange(8), Binned(4, (0.0, 1.0)))
    assert found.value == pytest.approx(entropy_by_counting(codes), abs=1e-12)
    assert "2 values of x lay outside the range and were put into the end bins." in found.notes
    inside = ip.mutual_information(t[:6], np.arange(6), Binned(4, (0.0, 1.0)))
    assert not any("outside" in note for note in inside.notes)


def block(t: np.ndarray, y: np.ndarray, span: tuple[float, float], interior: np.ndarray | None = None) -> LayerBlock:
    cells, n = t.shape[:2]
    low, high = (np.full(cells, end) for end in span)
    return LayerBlock(t, y, np.arange(n)[None], low=low, high=high, interior=interior)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_values_on_the_walls_have_one_code_in_every_path(kind: type) -> None:
    """Multiples of the bin width, the worst case for rounding: a layer and its snapshot must agree to the last code."""
    random = np.random.default_rng(0)
    for low, step in ((-1.0, 2 / 30), (0.1, 0.3 / 30), (-0.7, 1e3 / 30), (2.0, 1 / 3)):
        t = (low + step * random.integers(0, 31, (1, 400, 2))).astype(kind)
        t[0, 0], t[0, 1] = t.min(), t.max()
        y = random.integers(0, 2, (1, 400, 1))
        found = Binned(30).layer(block(t, y, (float(t.min()), float(t.max()))))
        assert found.mi_input[0] == pytest.approx(
            ip.mutual_information(np.arange(400), t[0], Binned(30)).value, abs=1e-12
        )
        assert found.mi_target[0, 0] == pytest.approx(ip.mutual_information(t[0], y[0], Binned(30)).value, abs=1e-12)


@pytest.mark.parametrize("width", [3, 12, 13, 40])
def test_layers_of_any_width_are_counted_exactly(width: int) -> None:
    """30^12 codes fit into one integer and 30^13 do not; every row is there twice, but for one unit of some."""
    random = np.random.default_rng(width)
    t = random.random((2, 300, width)).astype(np.float32)
    t[:, 150:] = t[:, :150]
    t[:, 280:, -1] = 1.0 - t[:, 280:, -1]
    y = random.integers(0, 3, (2, 300, 1))
    found = Binned(30, (0.0, 1.0)).layer(block(t, y, (0.0, 1.0)))
    for cell in range(2):
        codes = rows(np.minimum(np.floor(t[cell] * np.float32(30)), 29))
        assert found.mi_input[cell] == pytest.approx(entropy_by_counting(codes), abs=1e-12)
        assert found.mi_target[cell, 0] == pytest.approx(information_by_counting(codes, rows(y[cell])), abs=1e-12)
        assert found.n_codes[cell] == len(set(codes))


@pytest.mark.parametrize("width", [61, 62, 63, 64, 65, 66])
def test_no_unit_is_lost_where_codes_stop_fitting_into_one_integer(width: int) -> None:
    """Two bins a unit; all rows equal but for one unit each, so that every unit tells one row from the others."""
    t = np.eye(width, dtype=np.float32)[None]
    found = Binned(2, (0.0, 1.0)).layer(block(t, np.arange(width)[None, :, None] % 2, (0.0, 1.0)))
    assert found.n_codes[0] == width
    assert found.mi_input[0] == pytest.approx(math.log(width), abs=1e-12)


@pytest.mark.parametrize("kind", ["mass", "adaptive"])
def test_a_layer_with_unequal_walls_agrees_with_its_snapshot(kind: str) -> None:
    random = np.random.default_rng(0)
    t = np.maximum(random.standard_normal((2, 200, 3)), 0.0)  # half of all values equal
    y = (t.sum(axis=2, keepdims=True) > 1.0).astype(int)
    estimator = Binned(10, "layer", kind)  # pyright: ignore
    interior = np.array([walls_of(estimator, snapshot) for snapshot in t])
    found = estimator.layer(block(t, y, (0.5, 1.5), interior))
    for cell in range(2):
        assert found.mi_target[cell, 0] == pytest.approx(
            ip.mutual_information(t[cell], y[cell], estimator).value, abs=1e-12
        )
    np.testing.assert_array_equal(found.out_of_range, ((t < 0.5) | (t > 1.5)).sum(axis=(1, 2)))


def test_a_layer_counts_what_lies_outside_its_range() -> None:
    t = np.random.default_rng(0).standard_normal((3, 100, 4))
    found = Binned(8, (-1.0, 0.5)).layer(block(t, np.arange(100)[None, :, None].repeat(3, 0) % 2, (-1.0, 0.5)))
    np.testing.assert_array_equal(found.out_of_range, ((t < -1.0) | (t > 0.5)).sum(axis=(1, 2)))


def test_a_float_target_of_a_layer_is_binned_on_a_range_of_its_own() -> None:
    random = np.random.default_rng(0)
    t = random.random((2, 200, 2))
    y = 50.0 + 9.0 * t[:, :, :1] + random.standard_normal((2, 200, 1))
    found = Binned(5, (0.0, 1.0)).layer(block(t, y, (0.0, 1.0)))
    for cell in range(2):
        twin = information_by_counting(coded(Binned(5, (0.0, 1.0)), t[cell]), coded(Binned(5), y[cell]))
        assert found.mi_target[cell, 0] == pytest.approx(twin, abs=1e-12)


def test_a_constant_layer_carries_nothing() -> None:
    t = np.full((1, 50, 3), 0.3)
    found = Binned(30).layer(block(t, np.arange(50)[None, :, None] % 2, (0.3, 0.3)))
    assert found.mi_input[0] == found.mi_target[0, 0] == 0.0
    assert found.n_codes[0] == 1


def test_a_layer_needs_its_range() -> None:
    with pytest.raises(ip.InputError, match="needs the range of the layer; use information_plane"):
        Binned().layer(LayerBlock(np.zeros((1, 4, 1)), np.zeros((1, 4, 1), int), np.arange(4)[None]))


# One neuron, X ~ N(0, 1): the published table in bits, each with the exact entropy of its bins as the oracle between.

TANH = {0.1: 2.597, 0.3: 4.048, 1.0: 4.828, 3.0: 3.480, 10.0: 2.030, 100.0: 1.149}
RELU = {0.1: 1.094, 0.3: 2.205, 1.0: 3.284, 3.0: 4.167, 10.0: 5.078, 100.0: 6.760}


def quantiles(n: int) -> np.ndarray:
    """n equally probable points of N(0, 1): the share of any interval is right to within 1/n."""
    return ndtri((np.arange(n) + 0.5) / n)


def entropy_and_slack(mass: np.ndarray, n: int) -> tuple[float, float]:
    """H of the bins' masses in bits, and how far off it can be when every mass is off by 1/n."""
    terms = -xlogy(mass, mass)
    moved = np.clip(np.stack([mass - 1 / n, mass + 1 / n]), 0.0, 1.0)
    # -p ln p is concave: over the interval it strays most at an end, or at its top 1/e where that lies inside.
    top = np.where((moved[0] < 1 / math.e) & (moved[1] > 1 / math.e), 1 / math.e, 0.0)
    slack = np.maximum(np.abs(-xlogy(moved, moved) - terms).max(axis=0), np.where(top > 0, 1 / math.e - terms, 0.0))
    return terms.sum() / BITS, slack.sum() / BITS


@pytest.mark.parametrize(("weight", "bits"), TANH.items())
def test_one_tanh_neuron(weight: float, bits: float) -> None:
    """The grid of 30 edges in [-1, 1] has 29 intervals; the outer two take all the rest."""
    n = 200_000
    walls = np.arctanh(np.linspace(-1, 1, 30)[1:-1]) / weight
    exact, slack = entropy_and_slack(np.diff(ndtr(walls), prepend=0.0, append=1.0), n)
    assert exact == pytest.approx(bits, abs=5e-4)
    t = np.tanh(weight * quantiles(n))
    found = ip.mutual_information(t, np.arange(n), Binned(29, (-1.0, 1.0))).to("bits").value
    assert slack < 0.006
    assert found == pytest.approx(exact, abs=slack)


@pytest.mark.parametrize(("weight", "bits"), RELU.items())
def test_one_relu_neuron(weight: float, bits: float) -> None:
    n = 200_000 if weight < 5 else 1_000_000
    bins = math.ceil(6 * weight / 0.07)  # P(X > 6) is 1e-9
    walls = 0.07 * np.arange(1, bins) / weight
    exact, slack = entropy_and_slack(np.diff(ndtr(walls), prepend=0.0, append=1.0), n)
    assert exact == pytest.approx(bits, abs=5e-4)
    t = np.maximum(weight * quantiles(n), 0.0)
    found = ip.mutual_information(t, np.arange(n), Binned(bins, (0.0, 0.07 * bins))).to("bits").value
    assert slack < (0.03 if weight < 50 else 0.15)
    assert found == pytest.approx(exact, abs=slack)


def test_wide_rows_are_told_apart_as_narrow_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above so many columns rows are digested, below they are sorted."""
    random = np.random.default_rng(0)
    y = random.integers(4, size=400)
    x = random.random((6, 100))[random.integers(6, size=400) // (1 + y % 2)]
    digested = ip.mutual_information(x, y, Binned(3))
    monkeypatch.setattr("infoplane.estimators.binned._WIDE", 1_000)
    sorted_rows = ip.mutual_information(x, y, Binned(3))
    assert 0.05 < digested.value < 1.0
    assert digested.value == pytest.approx(sorted_rows.value, abs=1e-12)
    assert digested.stderr == pytest.approx(sorted_rows.stderr, abs=1e-12)
