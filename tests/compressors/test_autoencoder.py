"""The autoencoder, its latent scan, and the intrinsic dimension it starts from."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import infoplane as ip
from infoplane import laws
from infoplane.compressors import PCA, Autoencoder, intrinsic_dimension, latent_scan
from infoplane.compressors.latent import _bends, scan

QUICK = {"steps": 300, "batch": 128}


def bowl(n: int = 1000, seed: int = 0) -> np.ndarray:
    """Two coordinates on a curved surface in 12 columns."""
    random = np.random.default_rng(seed)
    z = random.uniform(-1, 1, (n, 2))
    a, b = z.T
    curved = np.stack([a, b, a * b, a**2, b**2, np.sin(3 * a), np.sin(3 * b), np.cos(2 * a + b)], axis=1)
    return curved @ np.random.default_rng(7).standard_normal((8, 12))


def test_two_numbers_rebuild_a_curved_surface_where_two_components_do_not() -> None:
    x = bowl()
    fitted = Autoencoder(2, **QUICK).fit(x)
    assert fitted.encode(x).shape == (1000, 2)
    assert fitted.encode(x).dtype == np.float64
    assert fitted.decode(fitted.encode(x)).shape == x.shape
    assert fitted.details["explained_variance"] > 0.95 > PCA(2).fit(x).details["explained_variance"]


def test_reported_errors_are_those_of_samples_it_never_saw() -> None:
    x = bowl()
    fitted = Autoencoder(2, **QUICK).fit(x, seed=3)
    fresh = bowl(seed=1)
    error = np.abs(fitted.decode(fitted.encode(fresh)) - fresh)
    # 100 held-out rows, whose errors spread about as much as they are large: 10 %; four of them.
    assert fitted.details["held_out_mae"] == pytest.approx(error.mean(), rel=0.4)
    assert fitted.details["held_out_samples"] == 100


def test_the_same_seed_gives_the_same_codes_and_units_do_not_matter() -> None:
    x = bowl(400)
    one, other = (Autoencoder(2, **QUICK).fit(x, seed=5).encode(x) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, Autoencoder(2, **QUICK).fit(x, seed=6).encode(x))


@pytest.mark.slow
def test_the_latent_size_is_found() -> None:
    found = latent_scan(bowl())
    assert found.chosen == 2
    assert found.elbow
    assert "bends at 2" in found.notes[0]
    assert found.dims == tuple(sorted(found.dims))
    assert found.losses[found.dims.index(1)] > 3 * found.losses[found.dims.index(2)]


def test_data_that_fill_their_columns_have_no_elbow() -> None:
    found = latent_scan(np.random.default_rng(0).standard_normal((1000, 30)), dims=(2, 3, 4, 5))
    assert not found.elbow
    assert "no clear elbow" in found.notes[0]


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        # Held-out losses measured on laws of this library: images of blobs, rectangles, a tanh map of five, anti-PCA.
        ({0: 1.0, 1: 0.30, 2: 0.0054, 3: 0.0015, 4: 0.0008}, 2),
        ({2: 0.46, 3: 0.28, 4: 0.165, 5: 0.139, 6: 0.125}, 4),
        ({3: 0.235, 4: 0.122, 5: 0.035, 6: 0.031, 7: 0.033}, 5),
        ({0: 1.04, 1: 0.04, 2: 0.0004, 3: 0.0004, 4: 0.00033}, 2),
    ],
)
def test_the_bend_is_at_the_true_size(losses: dict[int, float], best: int) -> None:
    bends = _bends({0: 1.0, **losses}, columns=48)
    assert max(bends, key=lambda d: bends[d]) == best


class Stuck:
    """Coordinates whose networks do as told: the first of two numbers is stuck, like one whose code has folded."""

    seed, columns = 0, 48

    def __init__(self) -> None:
        self.coordinates = np.random.default_rng(0).standard_normal((200, 2)) @ np.eye(2, 48) / np.sqrt(2)
        self.held_out = np.arange(20)

    def train(self, dims: list[int], steps: int, attempt: int = 0) -> list:
        good = {1: 0.3, 2: 0.004, 3: 0.0014, 4: 0.0008, 5: 0.0007, 6: 0.0006}
        return [SimpleNamespace(dim=d, loss=0.06 if d == 2 and attempt == 0 else good[d]) for d in dims]

    def loss(self, network: SimpleNamespace) -> np.ndarray:
        return np.full(20, network.loss)


def test_a_network_that_got_stuck_does_not_move_the_elbow() -> None:
    assert scan(Stuck(), largest=6).chosen == 2  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("d", [1, 2, 4])
def test_intrinsic_dimension_of_flat_data(d: int) -> None:
    z = np.random.default_rng(d).standard_normal((2000, d))
    x = z @ np.random.default_rng(7).standard_normal((d, 20))
    assert intrinsic_dimension(x) == pytest.approx(d, rel=0.15)


def test_duplicates_do_not_break_the_intrinsic_dimension() -> None:
    assert np.isfinite(intrinsic_dimension(np.repeat(bowl(60), 5, axis=0)))
    assert np.isfinite(intrinsic_dimension(np.zeros((50, 3))))


@pytest.mark.slow
def test_images_through_convolutions() -> None:
    x, _ = laws.gaussian_images(0.0, 8).sample(800, 0)
    fitted = Autoencoder(2, kind="convolutional", image=(8, 8), **QUICK).fit(x)
    assert fitted.encode(x).shape == (800, 2)
    assert fitted.details["explained_variance"] > 0.8


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Autoencoder(0), "whole number"),
        (lambda: Autoencoder(kind="conv"), "no kind 'conv'"),  # pyright: ignore
        (lambda: Autoencoder(kind="convolutional"), "needs image="),
        (lambda: Autoencoder(2, kind="convolutional", image=(3, 3)).fit(bowl(200)), "9 pixels"),
        (lambda: Autoencoder(rate=-1.0), "rate"),
        (lambda: Autoencoder(2).fit(bowl(50)), "at least 100 samples"),
        (lambda: Autoencoder(20).fit(bowl(200)), "leave that side"),
        (lambda: latent_scan(bowl(200), dims=(0, 1)), "whole numbers from 1"),
    ],
)
def test_what_cannot_be_done_is_said(make, match: str) -> None:
    with pytest.raises(ip.InputError, match=match):
        make()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "size"),
    [
        (laws.gaussian_images(2.0, 16), 2),
        (laws.gaussian_images(2.0, 32), 2),
        (laws.rectangle_images(2.0, 32), 4),
        (laws.anti_pca(2.0), 2),
    ],
    ids=["blobs 16", "blobs 32", "rectangles", "anti-PCA"],
)
def test_the_latent_size_of_the_laws_is_found(law: laws.Law, size: int) -> None:
    for seed in (0, 1):
        assert latent_scan(law.sample(5000, seed)[0], seed=seed).chosen == size
