"""Kozachenko-Leonenko information: closed forms, a slow twin, invariances, what it says of data without a density."""

from __future__ import annotations

import math

import numpy as np
import pytest
from entropy_cases import N, cholesky_whitened, correlated, entropy_by_neighbours, is_one_sentence
from hypothesis import given, settings
from hypothesis import strategies as st

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimators import KozachenkoLeonenko, WeightedKL
from infoplane.estimators.entropies import Entropies
from infoplane.estimators.kozachenko import single
from infoplane.samples import variable


def estimate(x: np.ndarray, y: np.ndarray, **settings: object) -> ip.Estimate:
    return ip.mutual_information(x, y, KozachenkoLeonenko(**settings))  # pyright: ignore


# ---- entropy


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_entropy_of_a_normal(dim: int) -> None:
    random = np.random.default_rng(dim)
    mix = random.standard_normal((dim, dim)) + 2 * np.eye(dim)
    found = ip.entropy(random.standard_normal((3000, dim)) @ mix + 7, KozachenkoLeonenko())
    truth = dim / 2 * math.log(2 * math.pi * math.e) + math.log(abs(np.linalg.det(mix)))
    assert found.quantity == "h(X)"
    # Four errors; smoothing costs up to 0.04 in four dimensions.
    assert found.value == pytest.approx(truth, abs=4 * found.stderr + 0.01 * dim)


@pytest.mark.parametrize("width", [1e-3, 1.0, 50.0])
def test_entropy_of_a_uniform_and_an_exponential(width: float) -> None:
    random = np.random.default_rng(1)
    for x, truth in (
        (width * random.random(3000), math.log(width)),
        (random.exponential(width, 3000), 1 + math.log(width)),
    ):
        found = ip.entropy(x, KozachenkoLeonenko())
        assert found.value == pytest.approx(truth, abs=4 * found.stderr + 0.005)


@pytest.mark.parametrize(("k", "dim"), [(1, 1), (3, 2), (5, 3)])
def test_equals_its_slow_twin(k: int, dim: int) -> None:
    x = np.random.default_rng(k).gamma(2.0, size=(60, dim))
    values, half_log_det = cholesky_whitened(x)
    whole = entropy_by_neighbours(values, single(k)) + half_log_det
    assert ip.entropy(x, KozachenkoLeonenko(k)).value == pytest.approx(whole, abs=1e-10)
    plain = entropy_by_neighbours(x, single(k))
    assert ip.entropy(x, KozachenkoLeonenko(k, whiten=False)).value == pytest.approx(plain, abs=1e-10)


def test_the_information_is_three_entropies() -> None:
    x, y = correlated(1.0, 2, 0, n=300)
    estimator = KozachenkoLeonenko()
    h = [ip.entropy(v, estimator).value for v in (x, y, np.hstack([x, y]))]
    assert estimate(x, y).value == pytest.approx(h[0] + h[1] - h[2], abs=1e-10)


def test_the_error_is_that_of_the_terms_and_of_the_neighbours() -> None:
    x, y = correlated(1.0, 1, 0, n=400)
    found = KozachenkoLeonenko().density(variable(x), variable(y), seed=0)
    assert found.influence is not None
    told = estimate(x, y)
    assert told.value == pytest.approx(found.terms.mean())
    assert told.stderr == pytest.approx(found.influence.std(ddof=1) / 20)
    assert told.stderr > found.terms.std(ddof=1) / 20


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("estimator", [KozachenkoLeonenko(3), WeightedKL(8, max_norm=np.inf)])
def test_the_error_is_the_jackknife(d: int, estimator: Entropies) -> None:
    """Against estimates with one sample left out, each made anew."""
    x = np.random.default_rng(d).standard_normal((70, d))
    found = estimator.surprisals(x)
    assert found.influence is not None
    without = [69 * estimator.surprisals(np.delete(x, i, axis=0)).terms.mean() for i in range(70)]
    expected = 70 * found.terms.mean() - np.array(without)
    np.testing.assert_allclose(found.influence - found.influence.mean(), expected - expected.mean(), atol=1e-10)


@pytest.mark.parametrize(("d", "estimator"), [(1, KozachenkoLeonenko()), (2, WeightedKL())])
def test_the_error_is_no_smaller_than_the_spread(d: int, estimator: Entropies) -> None:
    """Of 60 samples; their spread is known to 9 %, and four times that is allowed."""
    found = [ip.mutual_information(*correlated(1.0, d, seed, n=1000), estimator) for seed in range(60)]
    spread = np.std([one.value for one in found], ddof=1)
    error = np.sqrt(np.mean([one.stderr**2 for one in found]))
    assert (1 - 4 * 0.09) * spread < error < 2 * spread


def test_the_error_with_classes_counts_what_neighbours_share() -> None:
    """Each class has neighbours of its own; against estimates with one sample left out."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 25)
    x = random.standard_normal((75, 2)) + labels[:, None]
    estimator = KozachenkoLeonenko(3, whiten=False)
    found = estimator.density(variable(x), variable(labels), seed=0)
    assert found.influence is not None
    rows = np.arange(75)
    without = [74 * estimate(x[rows != i], labels[rows != i], k=3, whiten=False).value for i in rows]
    expected = found.terms.sum() - np.array(without)
    np.testing.assert_allclose(found.influence - found.influence.mean(), expected - expected.mean(), atol=1e-10)


# ---- reference values (n = 5,000), one seed each: the spread of another seed, 0.15 at 2+2 and 0.10 at 4+4


@pytest.mark.parametrize(("mi", "value"), [(0, 0.01), (2, 2.03), (6, 6.06)])
def test_reference_normal(mi: float, value: float) -> None:
    assert estimate(*correlated(mi, 2, 1)).value == pytest.approx(value, abs=0.15)


@pytest.mark.parametrize(("mi", "value"), [(0, -0.62), (2, 1.39), (6, 5.39)])
def test_reference_uniform_with_its_offset_and_its_warning(mi: float, value: float) -> None:
    found = estimate(*correlated(mi, 4, 1, uniform=True))
    assert found.value == pytest.approx(value, abs=0.10)
    assert any("Debiased" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("dim", "k", "mi", "whitened", "plain", "tolerance"),
    [
        (2, 1, 6, 5.99, 5.83, 0.15),
        (2, 1, 10, 10.0, 8.06, 0.15),
        (2, 5, 6, 6.04, 5.40, 0.15),
        (4, 5, 6, 5.99, 4.63, 0.1),
    ],
)
def test_what_whitening_is_for(dim: int, k: int, mi: float, whitened: float, plain: float, tolerance: float) -> None:
    x, y = correlated(mi, dim, 2)
    assert estimate(x, y, k=k).value == pytest.approx(whitened, abs=tolerance)
    assert estimate(x, y, k=k, whiten=False).value == pytest.approx(plain, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dim", "uniform", "mean", "spread"),
    [(2, False, 6.03, 0.030), (2, True, 5.88, 0.023), (4, False, 5.94, 0.034), (4, True, 5.41, 0.028)],
)
def test_reference_spread(dim: int, uniform: bool, mean: float, spread: float) -> None:
    values = [estimate(*correlated(6, dim, seed, uniform=uniform)).value for seed in range(30)]
    assert np.mean(values) == pytest.approx(mean, abs=0.03)  # four errors of a mean of thirty
    assert np.std(values, ddof=1) == pytest.approx(spread, rel=0.6)  # three errors of the ratio of two such spreads


# ---- invariance


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3), st.floats(-3, 5))
def test_affine_maps_change_nothing(seed: int, dim_x: int, dim_y: int, decades: float) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((200, dim_x)) ** 3
    y = random.gamma(1.0, size=(200, dim_y)) + x[:, :1]
    a, b = (random.standard_normal((d, d)) + 3 * np.eye(d) for d in (dim_x, dim_y))
    mapped = 10**decades * x @ a + random.standard_normal(dim_x), y @ b - 5
    assert estimate(*mapped).value == pytest.approx(estimate(x, y).value, abs=1e-8)


def test_dead_and_doubled_columns_of_a_layer_are_dropped() -> None:
    x, y = correlated(1.0, 2, 3, n=400)
    wide = np.column_stack([x, np.zeros(400), x[:, 0], 2 * x[:, 1] - 1])
    assert estimate(wide, y).value == pytest.approx(estimate(x, y).value, abs=1e-8)


def test_of_a_constant_nothing_is_known() -> None:
    x, y = correlated(1.0, 2, 3, n=100)
    for a, b in ((np.ones((100, 2)), y), (x, np.full(100, 0.3)), (np.ones(100), np.arange(100) % 2)):
        found = estimate(a, b)
        assert (found.value, found.stderr) == (0.0, 0.0)
        assert any("constant" in note for note in found.notes)


# ---- exact relations


def test_an_exact_linear_relation_is_infinite_and_named() -> None:
    x, y = correlated(1.0, 3, 4, n=200)
    y[:, 1] = 2 * x[:, 0] - 0.5 * x[:, 2] + 3
    for a, b, words in ((x, y, "y[:, 1] = +2 x[:, 0] -0.5 x[:, 2] + constant"), (x[:, :1], x[:, :1], "y[:, 0] = +1 x")):
        found = estimate(a, b)
        assert found.value == math.inf
        assert any(words in w for w in found.warnings)


def test_a_relation_that_binds_only_sums_is_found_too() -> None:
    x, y = correlated(1.0, 2, 4, n=200)
    y[:, 1] = x[:, 0] + x[:, 1] - y[:, 0]
    assert estimate(x, y).value == math.inf


def test_single_precision_and_very_strong_dependence_are_no_relation() -> None:
    x, y = correlated(9.0, 1, 5)
    assert estimate(x, y).value == pytest.approx(9.0, abs=0.1)
    assert estimate(x.astype(np.float32), y.astype(np.float32)).value == pytest.approx(9.0, abs=0.1)


def test_a_shared_flag_is_not_infinite() -> None:
    x, y = correlated(1.0, 2, 4, n=200)
    flag = (np.arange(200) % 2).astype(float)
    with pytest.raises(Refusal, match=r"partly discrete.*Mixture\(\)") as caught:
        estimate(np.column_stack([x, flag]), np.column_stack([y, flag]))
    assert is_one_sentence(caught.value)


# ---- data without a density


def test_duplicates_are_counted_and_refused() -> None:
    x, y = (np.repeat(v[:50], 8, axis=0) for v in correlated(1.0, 2, 6))
    with pytest.raises(Refusal, match=r"400 of 400 rows are duplicates.*Mixture\(\).*jitter=1e-10") as caught:
        estimate(x, y)
    assert is_one_sentence(caught.value)


def test_jitter_tells_duplicates_apart_and_changes_nothing_else() -> None:
    x, y = correlated(1.0, 2, 6, n=500)
    assert estimate(x, y, jitter=1e-10).value == pytest.approx(estimate(x, y).value, abs=1e-6)
    twice = estimate(np.repeat(x, 8, axis=0), np.repeat(y, 8, axis=0), jitter=1e-10)
    assert math.isfinite(twice.value)


def test_a_few_duplicates_are_noted_and_many_warned_of() -> None:
    x, y = correlated(1.0, 2, 7, n=1000)
    few, many = (np.concatenate([np.arange(1000 - m), np.arange(m)]) for m in (2, 100))
    assert any("4 of 1000 rows have a duplicate" in n for n in estimate(x[few], y[few]).notes)
    assert not estimate(x[few], y[few]).warnings
    assert any("200 of 1000 rows have a duplicate" in w for w in estimate(x[many], y[many]).warnings)


def test_integers_passed_as_floats_are_refused_and_rectified_units_warned_of() -> None:
    x, y = correlated(1.0, 2, 8, n=500)
    with pytest.raises(Refusal, match="Mixture"):
        estimate(x.round(), y.round())
    found = estimate(np.column_stack([np.maximum(x[:, 0], 0), x[:, 1]]), y)
    assert any("x[:, 0] holds one value in 5" in w for w in found.warnings)
    assert not estimate(x, y).warnings


def test_more_dimensions_than_it_can_see_or_samples() -> None:
    random = np.random.default_rng(9)
    for n, dim, words in ((100, 7, "Compressed.*copula"), (8, 5, "more than 11 samples")):
        with pytest.raises(Refusal, match=words) as caught:
            estimate(random.standard_normal((n, dim)), random.standard_normal((n, dim)))
        assert is_one_sentence(caught.value)
    with pytest.raises(Refusal, match="more than 5 samples"):
        estimate(random.standard_normal(5), random.standard_normal(5))
    with pytest.raises(Refusal, match="minus infinity"):
        ip.entropy(np.ones((50, 2)), KozachenkoLeonenko())


def test_two_discrete_variables_are_for_counting() -> None:
    with pytest.raises(ip.InputError, match=r"Plugin\(\)"):
        estimate(np.arange(100) % 3, np.arange(100) % 2)
    with pytest.raises(ip.InputError, match=r"Plugin\(\)"):
        ip.entropy(np.arange(100), KozachenkoLeonenko())


# ---- labels


@pytest.mark.parametrize("dim", [1, 2])
def test_labels_that_cut_a_cube(dim: int) -> None:
    x = np.random.default_rng(dim).random((N, dim))
    labels = np.floor(8 * x[:, 0]).astype(int)
    found = estimate(x, labels, k=1)
    assert found.value == pytest.approx(math.log(8), abs=4 * found.stderr)
    assert found.details["ceiling"] == pytest.approx(math.log(8), abs=0.01)
    assert any("Ceiling: H(y)" in n for n in found.notes)


def test_labels_of_overlapping_normals() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, N)
    x = 2.0 * labels + random.standard_normal(N)
    grid = np.linspace(-10, 12, 20001)
    density = [np.exp(-((grid - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (0, 2)]
    mean = (density[0] + density[1]) / 2
    truth = -np.trapezoid(mean * np.log(mean), grid) - 0.5 * math.log(2 * math.pi * math.e)
    found = estimate(x, labels)
    assert found.value == pytest.approx(truth, abs=4 * found.stderr)
    assert estimate(labels, x).value == pytest.approx(found.value, abs=1e-12)


def test_an_excess_over_the_ceiling_is_flagged() -> None:
    random = np.random.default_rng(4)
    labels = np.repeat([0, 1], 40)
    found = estimate(100.0 * labels[:, None] + random.standard_normal((80, 4)), labels, k=15)
    assert found.value > math.log(2)
    assert any("exceeds its ceiling" in w for w in found.warnings)


def test_small_classes_lower_k_for_every_term_alike() -> None:
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], [200, 30])
    x = labels + random.standard_normal(230)
    found = estimate(x, labels, k=20)
    assert found.value == pytest.approx(estimate(x, labels, k=5).value, abs=1e-12)
    assert any("k = 5 instead of 20 in every term" in n for n in found.notes)
    assert any("smallest class has 30 samples" in w for w in found.warnings)


def test_classes_too_small_or_too_flat() -> None:
    x = np.random.default_rng(6).standard_normal((60, 2))
    flat = x.copy()
    flat[:20, 1] = 0.0
    cases = (
        (x, np.arange(60), "every sample has its own"),
        (x, np.minimum(np.arange(60), 40), "smallest has 1"),
        (x, np.repeat([0, 1], [56, 4]), "more than 5 samples in every class"),
        (flat, np.repeat([0, 1], [20, 40]), "Class number 0 varies in 1 of 2 dimensions"),
    )
    for data, labels, words in cases:
        with pytest.raises(Refusal, match=words) as caught:
            estimate(data, labels)
        assert is_one_sentence(caught.value)


# ---- shuffling, settings


@pytest.mark.parametrize("kinds", ["cc", "cd", "dc"])
def test_shuffled_values_are_those_of_shuffled_data(kinds: str) -> None:
    x, y = correlated(1.0, 2, 10, n=150)
    first, second = (v if kind == "c" else (v[:, 0] > 0).astype(int) for v, kind in zip((x, y), kinds, strict=True))
    orders = np.stack([np.random.default_rng(s).permutation(150) for s in range(3)])
    for estimator in (KozachenkoLeonenko(), KozachenkoLeonenko(whiten=False)):
        values = estimator.shuffled(variable(first), variable(second), orders, seed=0)
        one_by_one = [ip.mutual_information(first, second[o], estimator).value for o in orders]
        assert values == pytest.approx(one_by_one, abs=1e-10)


def test_settings_are_checked() -> None:
    for wrong in ({"k": 0}, {"k": 2.5}, {"jitter": -1.0}, {"jitter": True}, {"whiten": 1}):
        with pytest.raises(ip.InputError) as caught:
            KozachenkoLeonenko(**wrong)  # pyright: ignore
        assert is_one_sentence(caught.value)
