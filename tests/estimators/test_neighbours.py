"""Every route to neighbours gives the numbers of the slow twin, ties and duplicates included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import knn_twins as twins
import numpy as np
import pytest

from infoplane.estimators import neighbours, scan
from infoplane.estimators.neighbours import choose, counter, counts, distances, named

EPS = np.finfo(np.float64).eps
NORMS = ("max", "euclidean")


def awkward(seed: int, n: int, d: int) -> np.ndarray:
    """(n, d) values that are continuous, whole, rounded, duplicated or far from the origin, by turns."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, d))
    match seed % 5:
        case 1:
            return np.round(x)
        case 2:
            return np.round(x, 1) * 0.1
        case 3:
            x[n // 2 :] = x[: n - n // 2]
        case 4:
            return 1e-3 * x + 1e3
    return x


def routes(d: int, norm: str) -> list[str]:
    return ["tree", "scan", "jax"] + ["sort"] * (d == 1) + ["product"] * (norm == "euclidean")


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 7])
def test_every_route_equals_the_twin(norm: str, d: int) -> None:
    k = 1 + d % 4
    for seed in range(5):
        x = awkward(seed, 40, d)
        expected = twins.distances(x, k, norm)
        # A radius that is itself a distance: whether ties count is what is hard.
        within = twins.counts(x, expected[:, -1] * (1 - 8 * EPS * (norm == "euclidean")), norm)
        for route in routes(d, norm):
            found = distances(x, k, norm, method=route)
            np.testing.assert_allclose(found, expected, rtol=0, atol=0 if norm == "max" else 1e-12, err_msg=route)
            np.testing.assert_array_equal(counts(x, expected[:, -1], norm, method=route), within, err_msg=route)


@pytest.mark.parametrize("d", [1, 2, 3, 7])
def test_every_route_names_the_neighbours(d: int) -> None:
    """The same distances, and rows that lie so far: never the row itself, none twice."""
    for seed in range(5):
        x = awkward(seed, 40, d)
        for route in [one for one in routes(d, "euclidean") if one != "product"]:
            found, names = named(x, 6, method=route)
            np.testing.assert_array_equal(found, distances(x, 6, method=route), err_msg=route)
            np.testing.assert_allclose(np.linalg.norm(x[:, None] - x[names], axis=2), found, atol=1e-12, err_msg=route)
            assert not (names == np.arange(40)[:, None]).any(), route
            assert all(len(set(row)) == 6 for row in names), route


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("d", [1, 3])
def test_a_counter_serves_one_radius_after_another(norm: str, d: int) -> None:
    for seed in range(5):
        x = awkward(seed, 40, d)
        for route in routes(d, norm):
            count = counter(x, norm, method=route)
            for k in (1, 2, 3):
                radius = distances(x, k, norm)[:, -1]
                np.testing.assert_array_equal(count(radius), counts(x, radius, norm, method=route), err_msg=route)


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
def test_routes_agree_beyond_one_block(norm: str) -> None:
    """Over a thousand samples: several blocks, ranges of rows, slabs and heaps; the twin is too slow for that."""
    for d, k in ((1, 40), (3, 1), (6, 20), (11, 3)):
        x = awkward(d, 1300, d)
        tree = distances(x, k, norm, method="tree")
        inside = counts(x, tree[:, -1], norm, method="tree")
        for route in routes(d, norm):
            np.testing.assert_allclose(distances(x, k, norm, method=route), tree, rtol=0, atol=1e-12)
            np.testing.assert_array_equal(counts(x, tree[:, -1], norm, method=route), inside)


@pytest.mark.parametrize("route", ["sort", "tree", "scan", "jax"])
def test_the_line_is_exact_where_subtraction_rounds(route: str) -> None:
    """Thousands of tiny values are all as far from 1 as 1 is: no search by 1 - r finds that end."""
    x = np.concatenate([np.geomspace(1e-300, 1e-17, 50), [1.0, 2.0, 2.0 - EPS]])[:, None]
    radius = np.full(53, 1.0)
    np.testing.assert_array_equal(counts(x, radius, "max", method=route), twins.counts(x, radius, "max"))


@pytest.mark.parametrize("route", ["sort", "tree", "scan", "jax"])
def test_nobody_is_closer_than_zero(route: str) -> None:
    x = np.zeros((8, 1))
    assert not distances(x, 3, "max", method=route).any()
    assert not counts(x, np.zeros(8), "max", method=route).any()
    assert (counts(x, np.full(8, 1e-300), "max", method=route) == 7).all()


@pytest.mark.parametrize("route", ["sort", "tree", "scan", "jax"])
def test_missing_neighbours_are_infinitely_far(route: str) -> None:
    found = distances(np.array([[0.0], [1.0], [3.0]]), 4, "max", method=route)
    np.testing.assert_array_equal(found[1], [1.0, 2.0, np.inf, np.inf])


def test_products_find_the_neighbours_of_clusters_far_from_the_origin() -> None:
    """Spread 1e-4 about centres 1e4 apart: in single precision the products cannot tell any two members apart."""
    random = np.random.default_rng(0)
    x = 1e4 * random.integers(0, 2, (300, 1)) + 1e6 + 1e-4 * random.standard_normal((300, 5))
    expected = distances(x, 4, "euclidean", method="tree")
    np.testing.assert_allclose(distances(x, 4, "euclidean", method="product"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("n", "d", "norm", "counting", "device", "method"),
    [
        (10_000, 1, "max", False, "cpu", "sort"),
        (10_000, 1, "max", True, "gpu", "sort"),
        (1_000_000, 2, "max", False, "cpu", "tree"),
        (100, 10, "max", False, "cpu", "tree"),
        (10_000, 10, "max", False, "cpu", "scan"),
        (1_000_000, 2, "max", True, "cpu", "scan"),
        (10_000, 128, "euclidean", False, "cpu", "product"),
        (10_000, 128, "max", False, "cpu", "scan"),
        (10_000, 10, "euclidean", False, "gpu", "jax"),
        (50_000, 3, "euclidean", False, "gpu", "tree"),
    ],
)
def test_the_route_fits_the_size(n: int, d: int, norm: str, counting: bool, device: str, method: str) -> None:
    route = choose(n, d, norm, counting=counting, device=device)
    assert route.method == method
    assert len(route.reason) > 20


def test_data_are_not_changed() -> None:
    x = awkward(0, 300, 3)
    kept = x.copy()
    x.flags.writeable = False
    for route in ("tree", "scan", "product", "jax"):
        distances(x, 2, "euclidean", method=route)
    np.testing.assert_array_equal(x, kept)


def test_memory_does_not_grow_with_the_pairs() -> None:
    """All pairs of 20,000 would be 3.2 GB; NumPy tells tracemalloc what it holds, and kernels hold a few rows each."""
    import tracemalloc

    x = np.random.default_rng(0).standard_normal((20_000, 1))
    tracemalloc.start()
    counts(x, distances(x, 3, "max")[:, -1], "max")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_a_package_nobody_may_write_to_still_works(tmp_path: Path) -> None:
    """Without a folder for compiled code the kernels are compiled again; here the cache is told to be nowhere."""
    code = (
        "import numba.core.caching as c\n"
        "c.CacheImpl._locator_classes = []\n"  # as on a read-only installation without a home
        "import numpy as np\n"
        "from infoplane.estimators import neighbours\n"
        "x = np.random.default_rng(0).standard_normal((300, 4))\n"
        "a, b = (neighbours.distances(x, 2, 'max', method=m) for m in ('scan', 'tree'))\n"
        "assert (a == b).all()\n"
    )
    root = Path(neighbours.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=120)


def test_one_core_does_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x = awkward(0, 700, 6)
    expected = distances(x, 3, "max", method="scan")
    monkeypatch.setattr(scan, "cores_here", lambda: 1)
    np.testing.assert_array_equal(distances(x, 3, "max", method="scan"), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_can_scan(tmp_path: Path) -> None:
    """After the parent has scanned: there is no pool of threads for a child to inherit broken."""
    code = (
        "import os, numpy as np\n"
        "from infoplane.estimators import neighbours\n"
        "x = np.random.default_rng(0).standard_normal((2000, 6))\n"
        "first = neighbours.distances(x, 2, 'max', method='scan')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if (neighbours.distances(x, 2, 'max', method='scan') == first).all() else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
    root = Path(neighbours.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=120)


def test_the_route_does_not_depend_on_what_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes agree to rounding only, so that one seed would not mean one value."""
    sizes = [(n, d, counting) for n in (100, 300, 999, 1000, 2500) for d in (2, 5, 10) for counting in (False, True)]

    def chosen() -> list[str]:
        return [choose(n, d, "euclidean", counting=counting, device="cpu").method for n, d, counting in sizes]

    with_numba = chosen()
    assert "numba" in sys.modules  # scan brings it
    monkeypatch.delitem(sys.modules, "numba")
    assert chosen() == with_numba
