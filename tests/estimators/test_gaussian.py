"""The normal and the Student baseline against closed forms, over seeds, and on data that leave nothing to estimate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from elliptical_laws import normal_pair, student_pair
from scipy import stats

import infoplane as ip
from infoplane.estimators import Gaussian
from infoplane.estimators.canonical import canonical, information_bias, log_det_bias, log_det_variance, null_variance
from infoplane.estimators.whitening import whiten
from infoplane.laws.student import radial_information

COPULAS = (None, "gaussian", "student")


def measured(x: np.ndarray, y: np.ndarray, copula: str | None) -> ip.Estimate:
    return ip.mutual_information(x, y, Gaussian(copula))  # pyright: ignore[reportArgumentType]


def test_value_is_the_log_determinants_less_the_bias() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((40, 3)), random.standard_normal((40, 2))
    y[:, 0] += x[:, 1]
    c = np.cov(np.c_[x, y].T)
    raw = 0.5 * math.log(np.linalg.det(c[:3, :3]) * np.linalg.det(c[3:, 3:]) / np.linalg.det(c))
    assert measured(x, y, None).value == pytest.approx(raw - information_bias(40, 3, 2), abs=1e-10)


def test_bias_and_null_spread_are_those_of_wishart_matrices() -> None:
    random, n, dim, draws = np.random.default_rng(1), 12, 4, 4000
    z = random.standard_normal((draws, n, dim))
    z -= z.mean(axis=1, keepdims=True)
    half = 0.5 * np.linalg.slogdet(np.swapaxes(z, 1, 2) @ z / n)[1]
    spread = math.sqrt(log_det_variance(n, dim))
    assert abs(half.mean() - log_det_bias(n, dim)) < 4.0 * spread / math.sqrt(draws)
    assert half.std() == pytest.approx(spread, rel=4.0 / math.sqrt(2.0 * draws) * 1.3)  # its tails are a bit heavier
    values = [np.log(canonical(a[:, :2], a[:, 2:]).gaps).sum() * -0.5 for a in z[:2000]]
    spread = math.sqrt(null_variance(n, 2, 2))
    assert abs(np.mean(values) - information_bias(n, 2, 2)) < 4.0 * spread / math.sqrt(2000)
    assert np.std(values) == pytest.approx(spread, rel=0.1)  # sd of a variance of 2,000 draws with kurtosis below 6


@pytest.mark.parametrize("copula", COPULAS)
@pytest.mark.parametrize(("n", "dim", "mi"), [(300, 1, 1.0), (300, 5, 1.5), (400, 3, 0.0)])
def test_unbiased_with_an_honest_error_on_normal_data(copula: str | None, n: int, dim: int, mi: float) -> None:
    seeds = 60 if copula == "student" else 150
    found = [measured(*normal_pair(np.random.default_rng([2, s]), n, dim, mi), copula) for s in range(seeds)]
    values = np.array([e.value for e in found])
    spread = values.std(ddof=1)
    # Ranks leave up to 0.005 nats at this n (simulated over 1,000 seeds); four standard errors of a mean on top.
    assert abs(values.mean() - mi) < 4.0 * spread / math.sqrt(seeds) + 0.005
    # The sample spread has 6-9 % error; at truth 0 squares are skew, so 30 % are allowed, four standard errors.
    assert np.mean([e.stderr for e in found]) == pytest.approx(spread, rel=0.3)


def test_ten_and_ten_dimensions() -> None:
    for seed in range(3):
        x, y = normal_pair(np.random.default_rng([3, seed]), 10_000, 10, 1.438)
        plain = measured(x, y, None)
        ranked = measured(x, y, "gaussian")
        assert abs(plain.value - 1.438) < 0.06  # 3.8 standard errors of sqrt(sum r^2 / n) = 0.0158
        assert abs(ranked.value - 1.438) < 0.06
        assert plain.stderr == pytest.approx(0.0158, rel=0.05)
        bent = measured(np.arcsinh(x), y**3, "gaussian")
        assert (bent.value, bent.stderr) == (ranked.value, ranked.stderr)
    assert measured(x, y, "student").details["nu"] == math.inf


def test_student_law_of_ten_and_ten_dimensions() -> None:
    truth = 1.438 + radial_information(5.0, 10, 10)
    assert truth == pytest.approx(1.767, abs=5e-4)
    found = measured(*student_pair(np.random.default_rng(4), 10_000, 10, 1.438, 5.0), "student")
    assert abs(found.value - truth) < 0.06  # 3.5 standard errors
    assert found.details["nu"] == pytest.approx(5.0, rel=0.1)
    assert (
        abs(measured(*student_pair(np.random.default_rng(4), 10_000, 10, 1.438, 5.0), "gaussian").value - truth) > 0.2
    )


def test_student_is_unbiased_at_small_n_with_an_honest_error() -> None:
    n, dim, nu = 500, 3, 4.0
    truth = 1.0 + radial_information(nu, dim, dim)
    found = [measured(*student_pair(np.random.default_rng([5, s]), n, dim, 1.0, nu), "student") for s in range(80)]
    values = np.array([e.value for e in found])
    assert abs(values.mean() - truth) < 4.0 * values.std() / math.sqrt(80) + 0.005
    assert np.mean([e.stderr for e in found]) == pytest.approx(values.std(ddof=1), rel=0.32)  # four errors of a spread


def test_radial_information_is_that_of_densities() -> None:
    nu, random = 3.0, np.random.default_rng(6)
    z = random.standard_normal((200_000, 2)) * np.sqrt(nu / random.chisquare(nu, (200_000, 1)))
    joint = stats.multivariate_t(np.zeros(2), np.eye(2), df=nu).logpdf(z)
    terms = joint - stats.t.logpdf(z, nu).sum(axis=1)
    assert abs(terms.mean() - radial_information(nu, 1, 1)) < 4.0 * terms.std() / math.sqrt(len(terms))


@pytest.mark.slow
@pytest.mark.parametrize(("law", "copula"), [("normal", None), ("normal", "gaussian"), ("student", "student")])
def test_spread_over_a_hundred_seeds(law: str, copula: str | None) -> None:
    truth = 1.438 + (radial_information(5.0, 10, 10) if law == "student" else 0.0)
    found = []
    for seed in range(100):
        random = np.random.default_rng([7, seed])
        x, y = (
            normal_pair(random, 10_000, 10, 1.438) if law == "normal" else student_pair(random, 10_000, 10, 1.438, 5.0)
        )
        found.append(measured(x, y, copula))
    errors = np.array([e.value for e in found]) - truth
    # Twenty seeds must be within 0.06; 3.8 standard errors, so of a hundred one may be outside.
    assert np.sort(np.abs(errors))[-2] < 0.06
    assert math.sqrt((errors**2).mean()) < 0.022
    assert np.mean([e.stderr for e in found]) == pytest.approx(errors.std(ddof=1), rel=0.25)


@pytest.mark.parametrize("copula", COPULAS)
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.1])
def test_five_dimensions_in_a_hundred(copula: str | None, noise: float) -> None:
    random = np.random.default_rng(8)
    x, y = normal_pair(random, 4000, 5, 2.554)
    x, y = (a @ random.standard_normal((5, 100)) + noise * random.standard_normal((4000, 100)) for a in (x, y))
    found = measured(x, y, copula)
    assert abs(found.value - 2.554) < 0.10  # about three standard errors
    assert 0.02 < found.stderr < 0.05
    assert found.details["rank_x"] == (5 if noise == 0.0 else found.details["rank_x"])
    assert (found.details["rank_x"] < 40) == (noise == 0.0 or copula is not None)


@pytest.mark.parametrize("copula", COPULAS)
def test_strong_relations_keep_their_value(copula: str | None) -> None:
    """Uncorrected, ranks would read 9.5 here."""
    values = [measured(*normal_pair(np.random.default_rng([9, s]), 2000, 2, 10.0), copula).value for s in range(10)]
    assert abs(np.mean(values) - 10.0) < (0.05 if copula is None else 0.2)  # four standard errors of 0.15 / sqrt(10)


def test_terms_average_to_the_value() -> None:
    x, y = student_pair(np.random.default_rng(10), 300, 2, 0.5, 4.0)
    for copula in COPULAS:
        first, second = ip.samples.pair(x, y)
        estimator = Gaussian(copula)  # pyright: ignore[reportArgumentType]
        density = estimator.density(first, second)
        assert density.terms.shape == (300,)
        assert density.terms.mean() == pytest.approx(estimator.estimate(first, second).value, abs=1e-12)


@pytest.mark.parametrize("copula", COPULAS)
def test_an_exact_relation_is_infinite_and_says_so(copula: str | None) -> None:
    x = np.random.default_rng(11).standard_normal((200, 3))
    found = measured(x, np.c_[x[:, 0] * 2.0 - x[:, 2], x[::-1, 1]], copula)
    assert found.value == math.inf
    assert any("exact linear relation" in note for note in found.notes)


def test_a_monotone_relation_is_infinite_for_ranks_only() -> None:
    x = np.random.default_rng(12).standard_normal((200, 1))
    assert measured(x, x**3, "gaussian").value == math.inf
    assert measured(x, x**3, None).value < 2.0


@pytest.mark.parametrize("copula", COPULAS)
def test_constant_and_repeated_columns_change_nothing(copula: str | None) -> None:
    x, y = normal_pair(np.random.default_rng(13), 300, 2, 0.7)
    once = measured(x, y, copula)
    again = measured(np.c_[x, np.ones(300), x[:, 0]], y, copula)
    assert again.value == pytest.approx(once.value, abs=1e-9)
    nothing = measured(np.ones((300, 2)), y, copula)
    assert (nothing.value, nothing.stderr) == (0.0, 0.0)
    assert "does not vary" in nothing.notes[0]


@pytest.mark.parametrize("copula", COPULAS)
def test_as_many_dimensions_as_samples_are_refused(copula: str | None) -> None:
    random = np.random.default_rng(14)
    with pytest.raises(ip.errors.Refusal, match="more samples than dimensions: 20 samples that vary in 19 \\+ 2"):
        measured(random.standard_normal((20, 30)), random.standard_normal((20, 2)), copula)


def test_discrete_data_are_refused_and_ties_are_told() -> None:
    x, y = normal_pair(np.random.default_rng(15), 200, 1, 0.5)
    with pytest.raises(ip.InputError, match="y is discrete; use WeightedKL"):
        measured(x, (y > 0).astype(int), None)
    assert any("equal values" in note for note in measured(np.round(x), y, "gaussian").warnings)
    with pytest.raises(ip.InputError, match="no copula 'gauss'; did you mean 'gaussian'"):
        Gaussian("gauss")  # pyright: ignore[reportArgumentType]


def test_entropy_is_unbiased() -> None:
    covariance = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.5]])
    truth = 0.5 * math.log(np.linalg.det(2.0 * math.pi * math.e * covariance))
    draws = np.random.default_rng(16).multivariate_normal(np.ones(3), covariance, (400, 15))
    found = [ip.entropy(x, Gaussian()) for x in draws]
    values = np.array([e.value for e in found])
    assert abs(values.mean() - truth) < 4.0 * values.std() / math.sqrt(400)
    assert np.mean([e.stderr for e in found]) == pytest.approx(values.std(), rel=0.15)  # four errors of a spread
    assert found[0].quantity == "h(X)"


def test_entropy_needs_a_density() -> None:
    x = np.random.default_rng(17).standard_normal((30, 2))
    with pytest.raises(ip.errors.Refusal, match="varies in 2 of 3"):
        ip.entropy(np.c_[x, x[:, 0]], Gaussian())
    with pytest.raises(ip.InputError, match="ranks only"):
        ip.entropy(x, Gaussian("gaussian"))


def test_affine_maps_change_nothing() -> None:
    random = np.random.default_rng(18)
    x, y = normal_pair(random, 500, 3, 1.0)
    moved = x @ random.standard_normal((3, 3)) * 1e4 + 1e3
    assert measured(moved, y, None).value == pytest.approx(measured(x, y, None).value, abs=1e-8)
    assert canonical(whiten(x).values, whiten(y).values).correlation.shape == (3,)
