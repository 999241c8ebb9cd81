"""The residual test: it sees what explained variance does not, and is quiet where nothing is lost."""

from __future__ import annotations

import numpy as np

from infoplane import laws
from infoplane.compressors import PCA, residual_test


def test_explained_variance_misses_what_the_residual_shows() -> None:
    x, y = laws.anti_pca(2.0).sample(3000, 0)
    fitted = PCA(2).fit(x)
    assert fitted.details["explained_variance"] > 0.999  # a gate on variance would let this pass
    found = residual_test(x, fitted.encode(x), fitted, y)
    assert found.p_value <= 0.01
    assert found.information > 0.2


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
    # The test is allowed 5 % at its level of 1 %: mean 2 of 40, deviation 1.4. Four of them would be 8.
    assert alarms <= 4
    assert small <= 12


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
