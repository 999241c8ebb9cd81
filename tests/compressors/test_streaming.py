"""Principal components from passes over batches: against the full decomposition, offsets, and passes that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import infoplane as ip
from infoplane.compressors import PCA, streaming_pca


def falling(n: int, d: int, ratio: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    directions = np.linalg.qr(random.standard_normal((d, d)))[0]
    return (random.standard_normal((n, d)) * ratio ** (np.arange(d) / 2)) @ directions


def passes(layers: dict[str, np.ndarray], size: int = 130) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    n = len(next(iter(layers.values())))
    return lambda: ({k: v[i : i + size] for k, v in layers.items()} for i in range(0, n, size))


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_many_layers_agree_with_exact_components(offset: float) -> None:
    layers = {"a": falling(1000, 80, 0.5) + offset, "b": falling(1000, 60, 0.6, 1) - offset}
    for name, found in streaming_pca(passes(layers), 3).items():
        x = layers[name]
        exact = PCA(3).fit(x)
        np.testing.assert_allclose(found.fitted.eigenvalues[:3], exact.eigenvalues[:3], rtol=1e-7)
        cosines = np.linalg.svd(exact.components.T @ found.fitted.components)[1]
        assert cosines.min() > 1 - 1e-7
        assert found.fitted.total == pytest.approx(exact.total, rel=1e-9)
        np.testing.assert_allclose(found.codes, found.fitted.encode(x), atol=1e-9)
        np.testing.assert_allclose(found.fitted.mean, x.mean(axis=0), rtol=1e-12, atol=1e-12)


def test_single_precision_with_an_offset_is_as_good_as_its_digits() -> None:
    x = (falling(1000, 80, 0.5) + 1e3).astype(np.float32)
    found = streaming_pca(passes({"a": x}), 3)["a"]
    np.testing.assert_allclose(found.fitted.eigenvalues[:3], PCA(3).fit(x.astype(float)).eigenvalues[:3], rtol=1e-7)


def test_a_flat_spectrum_keeps_less_and_never_claims_more() -> None:
    x = np.random.default_rng(0).standard_normal((2000, 300))
    exact = PCA(4).fit(x)
    shares = [streaming_pca(passes({"a": x}), 4, power=p)["a"].fitted.details["explained_variance"] for p in (1, 4)]
    assert 0.7 * exact.details["explained_variance"] < shares[0] < shares[1] <= exact.details["explained_variance"]


def test_few_columns_and_images() -> None:
    x = falling(200, 12, 0.7)
    found = streaming_pca(passes({"narrow": x[:, :3], "image": x.reshape(200, 3, 2, 2)}), 4)
    assert found["narrow"].codes.shape == (200, 3)
    assert found["narrow"].fitted.details["explained_variance"] == pytest.approx(1.0)
    np.testing.assert_allclose(found["image"].fitted.eigenvalues[:4], PCA(4).fit(x).eigenvalues[:4], rtol=1e-9)


def test_batches_of_any_size_give_the_same() -> None:
    x = falling(500, 40, 0.6)
    a, b = (streaming_pca(passes({"a": x}, size), 3)["a"].codes for size in (7, 500))
    np.testing.assert_allclose(a, b, atol=1e-8)


def test_passes_that_differ_are_refused() -> None:
    x = falling(200, 20, 0.7)
    state = {"pass": 0}

    def moving() -> Iterator[dict[str, np.ndarray]]:
        state["pass"] += 1
        yield {"a": x + (state["pass"] > 1)}

    with pytest.raises(ip.InputError, match="dropout"):
        streaming_pca(moving, 2)
    iterator = iter([{"a": x}])
    with pytest.raises(ip.InputError, match="same samples"):
        streaming_pca(lambda: iterator, 2)  # exhausted after the first pass


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([], "at least one batch"),
        ([{"a": np.ones((4, 3))}, {"b": np.ones((4, 3))}], "'a'"),
        ([{"a": np.eye(4)}, {"a": np.eye(3)}], "as many columns"),
        ([{"a": np.full((4, 3), np.nan)}], "nan"),
        ([{"a": np.ones((4, 3))}], "constant"),
    ],
)
def test_batches_that_do_not_fit_are_refused(batches: list, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        streaming_pca(lambda: batches, 2)
