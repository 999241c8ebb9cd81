"""Adaptive bins against a twin that follows their description word by word, one value at a time.

Per epoch and layer: pool all units, take the unique values in order, put an edge at every J-th part of them and at the
largest, give each value its interval, and count rows of intervals.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from infoplane import information_plane, mutual_information
from infoplane.channels import Quantize
from infoplane.estimators import Binned, Plugin
from infoplane.estimators.binned import adaptive_walls, between, walls
from infoplane.recordings import from_arrays

N = 64
Y = (np.arange(N) // 5) % 3


def edges(layer: np.ndarray, bins: int) -> list[float]:
    """[low] + [u[floor(k |u| / J)] for k = 0..J-1] + [largest]; low lies below all values."""
    u = sorted({float(v) for row in layer.tolist() for v in row})
    return [u[0] - 1.0, *(u[(k * len(u)) // bins] for k in range(bins)), u[-1]]


def interval(value: float, ends: list[float]) -> int:
    """The last interval that begins at or below the value; the largest value belongs to the interval it closes."""
    found = 0
    for k, begin in enumerate(ends[:-1]):
        if begin <= value:
            found = k
    return found


def rows(layer: np.ndarray, bins: int) -> list[tuple[int, ...]]:
    ends = edges(layer, bins)
    return [tuple(interval(float(v), ends) for v in row) for row in layer.tolist()]


def entropy(items: Iterable) -> float:
    counts = Counter(items)
    n = sum(counts.values())
    return math.fsum(-c / n * math.log(c / n) for c in counts.values())


def layers(epochs: int = 3) -> dict[str, np.ndarray]:
    """(1, epochs, N, d) layers as networks have them: spread, tied, collapsed, saturated, dead, with zeros."""
    random = np.random.default_rng(0)
    z = random.standard_normal((1, epochs, N, 3)) * np.array([0.3, 1.0, 4.0])[:epochs, None, None]
    few = np.array([-0.5, 0.25, 0.75, 2.0, 3.0])[random.integers(0, 5, z.shape)]
    return {
        "tanh": np.tanh(z),
        "single precision": np.tanh(z).astype(np.float32),
        "half precision": np.tanh(z).astype(np.float16),
        "saturated": np.tanh(30 * z).astype(np.float32),  # hundreds of values, most of them -1 or 1
        "relu": np.maximum(z, 0.0).astype(np.float32),
        "relu, few alive": np.maximum(z - 1.5, 0.0),
        "ties": np.round(z, 1),
        "fewer values than bins": few,
        "two values": np.sign(z),
        "signed zeros": np.where(z > 0, 0.0, -0.0) + (z > 1),
        "constant": np.full(z.shape, 0.3, np.float32),
        "one unit of three constant": np.where([True, True, False], z, 0.1),
        "one unit": z[..., :1],
        "wide": np.tanh(random.standard_normal((1, epochs, N, 20))),
    }


LAYERS = layers()


@pytest.mark.parametrize("bins", [2, 5, 30, 101, 300])
def test_a_plane_equals_the_twin(bins: int) -> None:
    recording = from_arrays(LAYERS, Y, enumerated=True)
    plane = information_plane(recording, Binned(bins, kind="adaptive"))
    counted = information_plane(recording, Plugin(), channel=Quantize(bins, kind="adaptive"))
    for name, array in LAYERS.items():
        for epoch, t in enumerate(array[0]):
            codes = rows(t, bins)
            h, joint = entropy(codes), entropy(zip(codes, Y.tolist(), strict=True))
            for found in (plane, counted):
                cell = found.sel(layer=name, epoch=epoch, seed=0)
                assert int(cell.n_codes) == len(set(codes)), (name, epoch)
                assert float(cell.mi_input) == pytest.approx(h, abs=1e-12), (name, epoch)
                assert float(cell.mi_target) == pytest.approx(h + entropy(Y.tolist()) - joint, abs=1e-12)


@pytest.mark.parametrize("bins", [2, 30, 300])
def test_codes_are_the_twins_to_the_last_one(bins: int) -> None:
    for name, array in LAYERS.items():
        here = adaptive_walls(array[0], bins)
        for t, interior in zip(array[0], here, strict=True):
            twin = np.array(rows(t, bins))
            assert_array_equal(interior, walls(t, bins, "adaptive"))
            assert interior.tolist() == edges(t, bins)[2:-1], name
            assert_array_equal(between(interior, t), twin - 1, err_msg=name)  # nothing lies below the least value


@pytest.mark.parametrize("bins", [5, 30])
def test_the_verb_equals_the_twin(bins: int) -> None:
    for name in ("tanh", "relu", "ties", "fewer values than bins"):
        t = LAYERS[name][0, 1]
        found = mutual_information(t, Y, Binned(bins, kind="adaptive")).value
        codes = rows(t, bins)
        twin = entropy(codes) + entropy(Y.tolist()) - entropy(zip(codes, Y.tolist(), strict=True))
        assert found == pytest.approx(twin, abs=1e-12), name


def test_fewer_values_than_bins_are_each_a_code() -> None:
    t = LAYERS["fewer values than bins"][0, 0]
    plane = information_plane(from_arrays({"t": t}, Y), Binned(30, kind="adaptive")).isel(seed=0, epoch=0, layer=0)
    assert int(plane.n_codes) == len({tuple(row) for row in t.tolist()})


def test_a_constant_layer_carries_nothing_and_is_called_dead() -> None:
    plane = information_plane(from_arrays({"t": LAYERS["constant"]}, Y), Binned(30, kind="adaptive"))
    assert float(abs(plane.mi_input).max()) == 0.0
    assert float(abs(plane.mi_target).max()) < 1e-12
    assert bool(plane.dead.all())


@pytest.mark.parametrize("kind", ["adaptive", "mass"])
def test_shrinking_and_shifting_a_layer_changes_nothing(kind: str) -> None:
    """Bins follow the values, so that only their order counts: what shrinks is not thereby compressed."""
    t = np.round(LAYERS["tanh"][0, 1], 3)
    scaled = (t, t * 2.0**-7, t + 8.0)  # keeps the order of values that differ by 0.001
    found = [
        information_plane(from_arrays({"t": one}, Y), Binned(30, "layer", kind)).mi_input.item()  # pyright: ignore
        for one in scaled
    ]
    assert found == [found[0]] * 3


def test_walls_between_numbers_of_single_precision_are_compared_exactly() -> None:
    """A wall that no single-precision number equals must not be rounded onto one."""
    values = np.array([0.1, np.nextafter(np.float32(0.1), np.float32(1))], np.float32)
    wall = np.array([(float(values[0]) + float(values[1])) / 2])
    for interior in (wall, np.repeat(wall, 150)):
        assert (between(interior, values) > 0).tolist() == [False, True]
    assert between(values[1:].astype(np.float64), values).tolist() == [0, 1]
