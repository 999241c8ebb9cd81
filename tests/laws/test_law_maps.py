"""Maps lose nothing: there and back again, and what monotone columns must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from infoplane import laws

ANY = np.random.default_rng(0).standard_normal((400, 4))
UNIT = np.random.default_rng(1).random((400, 4))

MAPS: list[tuple[laws.Map, np.ndarray]] = [
    (laws.NormalToUniform(), ANY),
    (laws.Cube(), ANY),
    (laws.HalfCube(), ANY),
    (laws.Asinh(), 30 * ANY),
    (laws.Exp(), ANY),
    (laws.Bimodal(), ANY),
    (laws.Spiral(), ANY),
    (laws.Spiral(2.0), ANY[:, :3]),
    (laws.SwissRoll(), UNIT),
    (laws.Ring(), UNIT[:, :2]),
    (laws.AntiPCA(), UNIT[:, :2]),
    (laws.Segment(), UNIT),
    (laws.Segment(0.1), UNIT),
    (laws.Rotation(3), ANY),
    (laws.Mixing(), ANY),
    (laws.Mixing(blocks=6, strength=4.0, steepness=3.0, key=2), ANY),
    (laws.LinearEmbedding(9), ANY),
    (laws.TanhEmbedding(40, 20, 0.7), ANY),
    (laws.TanhEmbedding(100, 50, 1.5), ANY),
    (laws.GaussianImage(16), UNIT[:, :2]),
    (laws.GaussianImage(2), UNIT[:, :2]),
    (laws.CorrelatedGaussianImage(8), np.c_[UNIT, UNIT[:, :1] ** 2]),
    (laws.RectangleImage(16), laws.Segment(2 / 16)(UNIT)),
]


@pytest.mark.parametrize(("there", "z"), MAPS, ids=lambda v: str(v) if isinstance(v, laws.Map) else "")
def test_a_map_and_its_inverse(there: laws.Map, z: np.ndarray) -> None:
    there.check(z.shape[1])
    x = there(z)
    assert x.shape == (len(z), there.columns(z.shape[1]))
    assert x.dtype == np.float64
    assert np.allclose(there.inverse(x, z.shape[1]), z, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("there", [laws.Cube(), laws.HalfCube(), laws.Asinh(), laws.Exp(), laws.Bimodal()], ids=str)
def test_maps_of_single_columns_keep_all_ranks(there: laws.Map) -> None:
    assert np.array_equal(np.argsort(there(ANY), axis=0), np.argsort(ANY, axis=0))


@given(st.integers(0, 50), st.integers(1, 6), st.floats(0.1, 5.0), st.integers(1, 4))
def test_mixing_is_undone_at_any_strength(key: int, dim: int, strength: float, blocks: int) -> None:
    mixing = laws.Mixing(blocks, strength, 2.0, key)
    z = np.random.default_rng(key).standard_normal((20, dim))
    assert np.allclose(mixing.inverse(mixing(z), dim), z, atol=1e-9)


def test_spirals_and_rotations_keep_lengths() -> None:
    for there in (laws.Spiral(1.3), laws.Rotation(1)):
        assert np.allclose((there(ANY) ** 2).sum(axis=1), (ANY**2).sum(axis=1))
        assert not np.allclose(there(ANY), ANY)


def test_bimodal_columns_have_two_humps() -> None:
    x, _ = laws.bimodal_normal(1.0).sample(20_000, 0)
    middle, humps = (np.abs(x) < 0.5).mean(), ((np.abs(x) > 2) & (np.abs(x) < 3)).mean()
    assert humps > 4 * middle


def test_x_and_y_of_embeddings_go_through_maps_of_their_own() -> None:
    for law in (laws.mixed_normal(), laws.tanh_embedding(), laws.mixed_normal(key=1)):
        assert isinstance(law, laws.Transformed)
        assert law.x != law.y
    assert laws.mixed_normal(key=1).x not in (laws.mixed_normal().x, laws.mixed_normal().y)


def test_a_normal_copula_misses_much_of_the_mixed_law() -> None:
    """The law is only worth having if it is hard: ranks to normal scores, then log-determinants, at n = 10,000.

    The standard error of that value is about 0.02 and its bias d^2 / 2n = 0.005; 1.438 is what it finds unmixed.
    """

    def copula(law: laws.Law) -> float:
        scores = [ndtri((np.argsort(np.argsort(v, axis=0), axis=0) + 0.5) / len(v)) for v in law.sample(10_000, 0)]
        c = np.cov(np.concatenate(scores, axis=1).T)
        return sum(0.5 * s * np.linalg.slogdet(b)[1] for s, b in ((1, c[:10, :10]), (1, c[10:, 10:]), (-1, c)))

    assert copula(laws.mixed_normal().latent) == pytest.approx(1.438, abs=0.08)
    assert copula(laws.mixed_normal()) < 1.25


def test_principal_components_of_anti_pca_are_the_nuisance() -> None:
    law = laws.anti_pca(3.0)
    x, _ = law.sample(4000, 0)
    latent, _ = law.latent.sample(4000, 0)
    centred = x - x.mean(axis=0)
    _, s, v = np.linalg.svd(centred, full_matrices=False)
    assert (s[:2] ** 2).sum() / (s**2).sum() > 0.99
    leading = centred @ v[:2].T
    fit = np.linalg.lstsq(np.c_[leading, np.ones(len(x))], latent, rcond=None)[0]
    left = latent - np.c_[leading, np.ones(len(x))] @ fit
    explained = 1 - left.var(axis=0) / latent.var(axis=0)
    assert explained[0] < 0.2  # the coordinate that matters
    assert explained[1] > 0.98
