"""Values of shuffled pairs from what is known of x and of y already: the same, to the last bit, as one by one."""

from __future__ import annotations

from dataclasses import replace

import knn_twins as twins
import numpy as np
import pytest

from infoplane.errors import Refusal
from infoplane.estimators import KSG, Estimator, Mixture, shuffles
from infoplane.samples import Variable, variable


@pytest.fixture(params=["walks", "searches"], autouse=True)
def _route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both routes at sizes at which one is not worth compiling, the other not worth walking."""
    monkeypatch.setattr(shuffles, "_WORTH", 0 if request.param == "walks" else 10**9)
    for limit in ("_AS_SCAN", "_AS_TREE", "_AS_PLANE"):
        monkeypatch.setattr(shuffles, limit, 10**9)


def sample(kind: str, n: int, dims: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Dependent pairs: continuous, with ties on one side, on both, with duplicates, of unlike scale or heavy tails."""
    random = np.random.default_rng(n + sum(dims))
    x = random.standard_normal((n, dims[0]))
    y = random.standard_normal((n, dims[1])) + x[:, :1]
    match kind:
        case "ties in x":
            x = np.round(x, 1)
        case "lattice":
            x, y = np.round(2 * x), 0.1 * np.round(3 * y)
        case "duplicates":
            x[n // 2 :], y[n // 2 :] = x[: n - n // 2], y[: n - n // 2]
        case "unlike":
            x, y = 1e-4 * x + 10.0, y
        case "tails":
            x, y = np.exp(3 * x), y / random.random((n, 1))
    return x, y


KINDS = ("continuous", "ties in x", "lattice", "duplicates", "unlike", "tails")


def orders_of(n: int, count: int = 6) -> list[np.ndarray]:
    """The pairs as they are, and shuffled."""
    random = np.random.default_rng(n)
    return [np.arange(n), *(random.permutation(n) for _ in range(count - 1))]


def one_by_one(estimator: Estimator, x: Variable, y: Variable, orders: list[np.ndarray]) -> np.ndarray:
    return np.array([estimator.estimate(x, Variable(y.values[order], "y"), seed=5).value for order in orders])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dims", [(1, 1), (3, 1), (1, 3), (3, 3)])
@pytest.mark.parametrize("n", [60, 250])
@pytest.mark.parametrize(
    "estimator",
    [KSG(), KSG(variant=2), KSG(k=1, standardise=True), KSG(max_samples=50), Mixture()],
    ids=lambda e: e.short,
)
def test_shuffled_values_are_those_of_shuffled_pairs(
    estimator: Estimator, n: int, dims: tuple[int, int], kind: str
) -> None:
    x, y = (variable(v, name) for v, name in zip(sample(kind, n, dims), "xy", strict=True))
    orders = orders_of(n)
    found = estimator.shuffled(x, y, iter(orders), seed=5)
    np.testing.assert_array_equal(found, one_by_one(estimator, x, y, orders))


@pytest.mark.parametrize("n", [60, 250])
@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("swapped", [False, True])
def test_labels_may_be_shuffled_or_stay(n: int, dim: int, swapped: bool) -> None:
    """With classes so rare that they use all of their samples, or are dropped."""
    random = np.random.default_rng(dim)
    x = random.standard_normal((n, dim))
    labels = random.integers(0, 3, n) + np.where(random.random(n) < 0.1, random.integers(3, 40, n), 0)
    first, second = (variable(labels), variable(x)) if swapped else (variable(x), variable(labels))
    orders = orders_of(n)
    found = Mixture().shuffled(first, second, orders, seed=5)
    np.testing.assert_array_equal(found, one_by_one(Mixture(), first, second, orders))


@pytest.mark.parametrize("dims", [(1, 1), (2, 3)])
def test_how_many_orders_go_together_changes_nothing(dims: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = map(variable, sample("continuous", 100, dims))
    orders = orders_of(100, 11)
    together = KSG().shuffled(x, y, orders, seed=0)
    for size in (1, 4):
        monkeypatch.setattr(shuffles, "_TOGETHER", size * 100 * max(3, *dims))
        np.testing.assert_array_equal(KSG().shuffled(x, y, orders, seed=0), together)


@pytest.mark.parametrize("listed", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_walks_along_either_side_find_the_neighbours_of_the_twin(kind: str, listed: float) -> None:
    """With lists that are too short, long enough, or of all samples; on lines, too."""
    n = 90
    for dims in ((1, 1), (2, 3)):
        x, y = sample(kind, n, dims)
        orders = np.stack(orders_of(n, 3))
        sides = shuffles.Side(x), shuffles.Side(y)
        found = shuffles._walked(*sides, orders, 4, listed)
        back = shuffles._walked(sides[1], sides[0], np.argsort(orders, axis=1), 4, listed)
        for order, one, other in zip(orders, found, back, strict=True):
            expected = twins.distances(np.hstack([x, y[order]]), 4, "max")
            np.testing.assert_array_equal(one, expected)
            np.testing.assert_array_equal(other[order], expected)


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("n", [60, 250])
def test_counts_are_those_of_every_order(d: int, n: int) -> None:
    x, _ = sample("ties in x", n, (d, 1))
    orders = np.stack(orders_of(n, 3))
    side = shuffles.Side(x)
    radii = np.random.default_rng(0).choice([0.0, 0.1, 0.3, 1.0], orders.shape)  # whole tenths: ties on the edge
    for order, radius, own, other in zip(orders, radii, side.counts(radii), side.counts(radii, orders), strict=True):
        np.testing.assert_array_equal(own, twins.counts(x, radius, "max"))
        np.testing.assert_array_equal(other, twins.counts(x[order], radius, "max"))


def test_no_orders_and_too_few_others() -> None:
    x, y = map(variable, sample("continuous", 60, (1, 1)))
    for estimator in (KSG(), KSG(variant=2), Mixture()):
        assert estimator.shuffled(x, y, [], seed=0).shape == (0,)
    few = shuffles.Side(np.arange(3.0)[:, None])
    assert np.isinf(shuffles._walked(few, few, np.arange(3)[None], 4, 0.0)[0, :, 2:]).all()


def test_what_is_refused_of_the_pairs_is_refused_of_their_shuffles() -> None:
    x, y = map(variable, sample("continuous", 60, (1, 1)))
    with pytest.raises(Refusal, match="constant"):
        KSG().shuffled(x, replace(y, values=np.zeros((60, 1))), orders_of(60), seed=0)
    with pytest.raises(Refusal, match="class of its own"):
        Mixture().shuffled(x, variable(np.arange(60)), orders_of(60), seed=0)
