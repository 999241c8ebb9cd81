"""Scores of ranks against SciPy, and what ranks can and cannot resolve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from infoplane.estimators.copula import rank_scores, resolved, sharpened, steps, student_scores, tied
from infoplane.estimators.student import degrees_of_freedom, independent_columns, scatter


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float64, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.sampled_from([0.0, 1.0, 2.5, -4.0])
    )
)
def test_scores_with_ties_are_those_of_average_ranks(values: np.ndarray) -> None:
    share = (stats.rankdata(values, axis=0) - 0.5) / len(values)
    np.testing.assert_allclose(rank_scores(values), stats.norm.ppf(share), atol=1e-12)
    np.testing.assert_allclose(student_scores(values, 3.0), stats.t.ppf(share, 3.0), atol=1e-9)
    varies = [len(np.unique(column)) > 1 for column in values.T]
    repeats = [len(np.unique(column)) < len(values) for column in values.T]
    assert tied(steps(values)) == any(v and r for v, r in zip(varies, repeats, strict=True))


@pytest.mark.parametrize("n", [2, 7, 8, 501])
def test_scores_without_ties(n: int) -> None:
    values = np.random.default_rng(n).standard_normal((n, 2)).astype(np.float32)
    share = (stats.rankdata(values, axis=0) - 0.5) / n
    np.testing.assert_allclose(rank_scores(values), stats.norm.ppf(share), atol=1e-12)
    np.testing.assert_allclose(student_scores(values, 5.0), stats.t.ppf(share, 5.0), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(rank_scores(np.exp(values)), rank_scores(values))
    assert not tied(steps(values))


def test_directions_that_ranks_cannot_resolve_are_dropped() -> None:
    random = np.random.default_rng(0)
    latent = random.standard_normal((2000, 4))
    scores = rank_scores(latent @ random.standard_normal((4, 30)))
    assert np.linalg.matrix_rank(scores) == 30  # ranks of a four-dimensional law fill all dimensions
    kept = scores @ resolved(scores)
    assert kept.shape == (2000, 4)
    np.testing.assert_allclose(kept.T @ kept / 2000, np.eye(4), atol=1e-10)


def test_blur_is_undone_on_average() -> None:
    n, seeds = 200, 300
    for mi in (0.5, 2.0, 3.5):
        values = []
        for seed in range(seeds):
            random = np.random.default_rng([1, seed])
            x = random.standard_normal((n, 1))
            y = math.sqrt(1.0 - math.exp(-2.0 * mi)) * x + math.exp(-mi) * random.standard_normal((n, 1))
            a, b = rank_scores(x), rank_scores(y)
            gap = 1.0 - ((a * b).sum() / (a * a).sum()) ** 2
            values.append(-0.5 * np.log([gap, float(sharpened(np.array([gap]), n)[0][0])]) - 0.5 / n)
        ranked, corrected = np.mean(values, axis=0) - mi
        error = np.std([v[1] for v in values]) / math.sqrt(seeds)
        assert ranked < -3.0 * error  # ranks do blur
        assert abs(corrected) < 0.15 * abs(ranked) + 4.0 * error  # the fitted factor holds to a tenth


def test_sharpening_leaves_independence_alone() -> None:
    gaps, blur = sharpened(np.array([1.0]), 50)
    np.testing.assert_allclose([gaps[0], blur[0]], 1.0, atol=1e-12)


def test_scatter_is_the_maximum_of_the_likelihood() -> None:
    random, nu = np.random.default_rng(2), 3.0
    root = np.array([[1.0, 0.0], [0.7, 0.5]])
    z = (random.standard_normal((4000, 2)) @ root.T) * np.sqrt(nu / random.chisquare(nu, (4000, 1)))
    found = scatter(z, nu)

    def likelihood(s: np.ndarray) -> float:
        return float(stats.multivariate_t(np.zeros(2), s, df=nu).logpdf(z).sum())

    best = likelihood(found)
    for change in (np.diag([0.01, 0.0]), np.diag([0.0, 0.01]), 0.01 * (1 - np.eye(2))):
        assert likelihood(found + change) < best > likelihood(found - change)
    np.testing.assert_allclose(found, root @ root.T, atol=0.1)  # four standard errors of sqrt(2 sigma / n) s


@pytest.mark.parametrize("nu", [2.0, 5.0, 15.0])
def test_degrees_of_freedom(nu: float) -> None:
    random = np.random.default_rng(3)
    z = random.standard_normal((4000, 6)) * np.sqrt(nu / random.chisquare(nu, (4000, 1)))
    found = degrees_of_freedom(steps(z**3))
    assert abs(1.0 / found.nu - 1.0 / nu) < 5.0 * found.stderr_inverse + 0.002
    assert 0.0 < found.stderr_inverse < 0.01


def test_normal_data_have_infinite_degrees_of_freedom() -> None:
    random = np.random.default_rng(4)
    assert all(degrees_of_freedom(steps(random.standard_normal((500, 4)))).nu == math.inf for _ in range(10))


def test_independent_columns_span_what_all_span() -> None:
    random = np.random.default_rng(5)
    x = random.standard_normal((50, 3)) @ random.standard_normal((3, 12))
    assert np.linalg.matrix_rank(x[:, independent_columns(x, 3)]) == 3
