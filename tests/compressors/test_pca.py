"""Principal components: every route against the full decomposition, from memory or from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.compressors import pca as module


def wide(n: int, d: int, rank: int = 6, seed: int = 0) -> np.ndarray:
    """Samples whose variance falls by half from one direction to the next, and a little noise."""
    random = np.random.default_rng(seed)
    directions = np.linalg.qr(random.standard_normal((d, rank)))[0]  # no more than d of them
    rank = directions.shape[1]
    latent = random.standard_normal((n, rank)) * 2.0 ** -np.arange(rank)
    return latent @ directions.T + 1e-3 * random.standard_normal((n, d)) + 3.0


def twin(x: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues, codes up to sign and total variance, from the singular values of the whole matrix."""
    centred = x - x.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    return values[:dim] ** 2 / len(x), np.abs(left[:, :dim] * values[:dim]), float((values**2).sum() / len(x))


@pytest.mark.parametrize(("n", "d"), [(300, 40), (200, 700), (1500, 700)], ids=["covariance", "gram", "randomised"])
def test_every_route_agrees_with_the_singular_values(n: int, d: int) -> None:
    x = wide(n, d)
    fitted = PCA(5).fit(x)
    eigenvalues, codes, total = twin(x, 5)
    np.testing.assert_allclose(fitted.eigenvalues[:5], eigenvalues, rtol=1e-6)
    np.testing.assert_allclose(np.abs(fitted.encode(x)), codes, atol=1e-5)
    assert fitted.details["explained_variance"] == pytest.approx(eigenvalues.sum() / total, rel=1e-6)
    error = ((fitted.decode(fitted.encode(x)) - x) ** 2).sum(axis=1).mean()
    assert error == pytest.approx(total - eigenvalues.sum(), rel=1e-6)


def test_a_memory_map_read_in_blocks_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = wide(1500, 700).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    whole = PCA(4).fit(x)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 700 * 100)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    parts = PCA(4).fit(mapped)
    np.testing.assert_allclose(parts.eigenvalues, whole.eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(np.abs(parts.encode(mapped)), np.abs(whole.encode(x)), atol=1e-8)


@pytest.mark.parametrize("d", [60, 700], ids=["covariance", "randomised"])
def test_single_precision_far_from_the_origin_loses_no_more_than_its_digits(d: int) -> None:
    x = (wide(1500, d) + 1e3).astype(np.float32)
    eigenvalues, codes, total = twin(x.astype(np.float64), 4)
    fitted = PCA(4).fit(x)
    np.testing.assert_allclose(fitted.eigenvalues[:4], eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(np.abs(fitted.encode(x)), codes, atol=1e-6)
    assert fitted.total == pytest.approx(total, rel=1e-9)


def test_a_memory_map_with_nan_is_refused(tmp_path: Path) -> None:
    x = wide(50, 10)
    x[30, 2] = np.nan
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(ip.InputError, match="finite"):
        PCA(2).fit(np.load(tmp_path / "x.npy", mmap_mode="r"))
    with pytest.raises(ip.InputError, match="finite"):
        PCA(2).fit(wide(50, 10)).encode(np.load(tmp_path / "x.npy", mmap_mode="r"))


def test_the_number_of_components_follows_the_variance() -> None:
    x = np.random.default_rng(0).standard_normal((4000, 4)) * np.sqrt([90.0, 8.0, 1.5, 0.5])
    assert [PCA(variance=v).fit(x).dim for v in (0.8, 0.97, 0.99, 1.0)] == [1, 2, 3, 4]


def test_standardised_columns_ignore_units() -> None:
    x = wide(200, 12)
    units = 10.0 ** np.arange(-3, 9)
    one, other = (PCA(3, standardise=True).fit(v) for v in (x, x * units))
    np.testing.assert_allclose(np.abs(one.encode(x)), np.abs(other.encode(x * units)), atol=1e-6)


def test_dropped_directions_are_no_part_of_the_code() -> None:
    x = wide(100, 8)
    x[:, 3] = 1.0
    flat = np.hstack([x, x[:, :2]])
    assert PCA(10).fit(flat).dim == 7  # one constant column, two copies
    with pytest.raises(ip.InputError, match="every column is constant"):
        PCA(1).fit(np.ones((20, 3)))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: PCA(0), "whole number, 1 or more"),
        (lambda: PCA(variance=1.5), "share of variance"),
        (lambda: PCA(5).fit(np.ones((9, 3))), "as many columns, got 3"),
        (lambda: PCA(1).fit(np.array([["a"], ["b"]])), "text"),
        (lambda: PCA(1).fit(wide(30, 4)).encode(np.ones((3, 5))), "fitted to 4 columns"),
        (lambda: PCA(2).fit(wide(30, 4)).decode(np.ones((3, 5))), r"shape \(n, 2\)"),
    ],
)
def test_what_cannot_be_done_is_said(make, match: str) -> None:
    with pytest.raises(ip.InputError, match=match):
        make()
