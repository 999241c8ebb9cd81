"""The residual test: it sees what explained variance does not, and is quiet where nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from infoplane import laws
from infoplane.compressors import PCA, FittedPCA, residual_test
from infoplane.threads import one_blas_thread


def test_explained_variance_misses_what_the_residual_shows() -> None:
    x, y = laws.anti_pca(2.0).sample(3000, 0)
    fitted = PCA(2).fit(x)
    assert fitted.details["explained_variance"] > 0.999  # a gate on variance would let this pass
    found = residual_test(x, fitted.encode(x), fitted, y)
    assert found.p_value <= 0.01
    assert found.information > 0.2


@one_blas_thread
def pair(y_from: str, n: int, dim: int, kept: int, seed: int) -> tuple[np.ndarray, np.ndarray, FittedPCA, np.ndarray]:
    """Samples of ``dim`` columns, their codes, and a y of as many columns that depends on nothing but the codes."""
    random = np.random.default_rng([seed, n, dim])
    x = random.standard_normal((n, dim)) * (np.exp(-np.arange(dim) / 5.0) if dim == 20 else 1.0)
    fitted = PCA(kept).fit(x)
    code = fitted.encode(x)
    z = code / code.std(axis=0)
    first, second = random.standard_normal((2, kept, dim))
    known = {
        "nothing": np.zeros((n, dim)),
        "linear": z @ first,
        "bent": np.sin(2.0 * z) @ first + z**2 @ second,
    }[y_from]
    return x, code, fitted, known + random.standard_normal((n, dim))


@pytest.mark.parametrize(
    ("y_from", "n", "dim", "kept"),
    [
        ("nothing", 300, 6, 2),
        ("nothing", 600, 20, 5),
        ("nothing", 600, 80, 5),
        ("linear", 300, 6, 2),
        ("bent", 600, 6, 2),
    ],
)
def test_the_level_holds_at_any_width(y_from: str, n: int, dim: int, kept: int) -> None:
    found = []
    for seed in range(60):
        x, code, fitted, y = pair(y_from, n, dim, kept, seed)
        found.append(residual_test(x, code, fitted, y, seed=seed).p_value)
    # At the levels .01 and .05 of 60 samples .6 and 3 are expected, with deviations of .8 and 1.7: four of these more.
    assert (np.array(found) <= 0.01).sum() <= 4
    assert (np.array(found) <= 0.05).sum() <= 10


def test_few_samples_of_many_columns_tell_nothing() -> None:
    """Fifty samples, 80 columns a side, independent: chance makes no nats; a code of 30 numbers explains them all."""
    for seed in range(20):
        found = residual_test(*pair("nothing", 50, 80, 5, seed), seed=seed)
        assert not found.alarming(0.0)
        assert found.information < 0.5
    assert residual_test(*pair("nothing", 50, 80, 30, 0)) == (1.0, 0.0)


def test_false_alarms_are_rare() -> None:
    """The code holds all that x knows of y, linearly or not; what is dropped is as lively as the noise."""
    alarms, small = 0, 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        x = random.standard_normal((600, 3)) * [3.0, 1.0, 0.5]
        fitted = PCA(1).fit(x)
        code = fitted.encode(x)
        y = (code if seed % 2 else np.sin(code)) + random.standard_normal((600, 1))
        found = residual_test(x, code, fitted, y, seed=seed)
        alarms += found.alarming(0.0)
        small += found.p_value <= 0.05
    # At the levels .01 and .05 of 40 samples .4 and 2 are expected, with deviations of .6 and 1.4: four of these more.
    assert alarms <= 3
    assert small <= 8


def test_a_dropped_signal_is_found() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((600, 3)) * [3.0, 1.0, 0.5]
    y = x[:, :1] + 2.0 * x[:, 1:2] + random.standard_normal((600, 1))
    fitted = PCA(1).fit(x)
    found = residual_test(x, fitted.encode(x), fitted, y)
    assert found.p_value <= 0.01
    # The dropped column of variance 1 enters y with 2, beside noise of variance 1: 1/2 ln 5 = .80 nats. Held-out
    # correlations through 12 features of 600 samples give most of it.
    assert 0.5 < found.information < 1.0


def test_nothing_dropped_nothing_found() -> None:
    x = np.random.default_rng(0).standard_normal((300, 3))
    fitted = PCA(3).fit(x)
    assert residual_test(x, fitted.encode(x), fitted, x) == (1.0, 0.0)
