"""What neighbours cannot see through is warned of, and sound data are not."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip
from infoplane.estimators import KSG, Debiased, Estimator, Gaussian, KozachenkoLeonenko, Mixture, WeightedKL
from infoplane.estimators.whitening import whiten

N = 300


def sample(seed: int = 0, dim: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.standard_normal((N, dim))
    return x, x[:, :1] + random.standard_normal((N, 1))


def warned(x: np.ndarray, y: np.ndarray, estimator: Estimator) -> str:
    return " ".join(ip.mutual_information(x, y, estimator).warnings)


# ---- scale and offset


@pytest.mark.parametrize("estimator", [None, Gaussian(), WeightedKL(), Debiased(), Mixture(), KSG(standardise=True)])
@pytest.mark.parametrize("exponent", [-1030, -700, 700, 1020])
def test_the_scale_does_not_matter_however_extreme(estimator: Estimator | None, exponent: int) -> None:
    x, y = sample()
    if exponent < -1000:
        x = np.round(x, 3)  # what is left of the digits among the smallest numbers
        x = np.round(x * 2**10) / 2**10
    value = ip.mutual_information(x, y, estimator).value
    assert ip.mutual_information(np.ldexp(x, exponent), y, estimator).value == pytest.approx(value, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [None, WeightedKL(), Debiased(), Mixture()])
@pytest.mark.parametrize("exponent", [-700, 700])
def test_nor_does_it_beside_classes(estimator: Estimator | None, exponent: int) -> None:
    x, _ = sample()
    labels = (x[:, 0] > 0).astype(int)
    value = ip.mutual_information(x, labels, estimator).value
    assert value > 0.4
    assert ip.mutual_information(np.ldexp(x, exponent), labels, estimator).value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("estimator", [WeightedKL(), KozachenkoLeonenko(whiten=False), Gaussian()])
@pytest.mark.parametrize("exponent", [-700, 700])
def test_entropy_grows_by_the_logarithm_of_the_scale(estimator: Estimator, exponent: int) -> None:
    x, _ = sample()
    grown = ip.entropy(np.ldexp(x, exponent), estimator).value
    assert grown == pytest.approx(ip.entropy(x, estimator).value + 3 * exponent * np.log(2), abs=1e-9)


def test_whitening_knows_no_scale() -> None:
    x, _ = sample()
    plain, huge = whiten(x), whiten(x * 2.0**1000)
    np.testing.assert_array_equal(plain.values, huge.values)
    assert huge.log_det == pytest.approx(plain.log_det + 6000 * np.log(2), rel=1e-12)


def test_an_offset_that_swallows_the_signal_is_named() -> None:
    x, y = sample()
    for target in (y, (x[:, 0] > 0).astype(int)):
        found = ip.mutual_information(x + 1e14, target, WeightedKL())
        assert found.value == 0.0
        assert "x[:, 0] varies by less than 1e-13 of its size" in found.warnings[0]
        assert not any("exactly" in note for note in found.notes)
    constant = ip.mutual_information(np.ones(N), y, WeightedKL())
    assert constant.warnings == ()
    assert "constant" in constant.notes[0]


# ---- copies


def test_copies_of_samples_are_named() -> None:
    x, y = sample(dim=1)
    labels = (x[:, 0] > 0).astype(int)
    chosen = np.random.default_rng(1).integers(0, N, N)
    for times in (2, 5):
        text = f"{(times - 1) * N} of {times * N} rows are exact copies"
        assert text in warned(np.repeat(x, times, 0), np.repeat(y, times, 0), Mixture())
        assert text in warned(np.repeat(x, times, 0), np.repeat(labels, times), Mixture())
    assert "exact copies" in warned(x[chosen], y[chosen], Mixture())


def test_atoms_lattices_and_classes_are_no_copies() -> None:
    x, y = sample()
    on = x[:, :1] > 0
    for a, b in (
        (x, y),
        (np.maximum(x[:, :1], 0), np.maximum(y, 0)),
        (x * on, y * on),  # both at zero together: one pair again and again
        (np.round(x), np.round(y)),
        (np.floor(3 * x[:, :1]), np.floor(3 * x[:, :1])),
        (np.arange(N) % 7, np.arange(N) % 7),
    ):
        assert "copies" not in warned(a, b, Mixture())


def test_a_refusal_of_duplicates_says_to_drop_copies_first() -> None:
    x, y = sample()
    with pytest.raises(ip.InputError, match="drop exact copies of samples first") as caught:
        ip.mutual_information(np.repeat(x, 8, 0), np.repeat(y, 8, 0), KozachenkoLeonenko())
    assert len(str(caught.value)) < 320


# ---- columns


@pytest.mark.parametrize("estimator", [Mixture(), KSG()])
def test_columns_unlike_in_scale_are_named(estimator: Estimator) -> None:
    x, y = sample()
    assert "The columns of x differ" in warned(x * [1e10, 1.0, 1.0], y, estimator)
    assert "columns" not in warned(x * [20.0, 1.0, 1.0], y, estimator)


@pytest.mark.parametrize("estimator", [WeightedKL(), KozachenkoLeonenko()])
def test_columns_that_others_determine_are_named(estimator: Estimator) -> None:
    for dim in (1, 2, 3):
        x, y = sample(dim, dim)
        assert "columns are nearly functions of others" in warned(np.c_[x, x[:, 0] ** 2], y, estimator)
        assert "nearly functions" not in warned(x, y, estimator)


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_densities_of_many_shapes_have_their_dimensions(dim: int) -> None:
    """The limit is 0.6 dimensions below; the estimate strays by d / sqrt(2 n), 0.16 at most here, and 0.3 by bias."""
    random = np.random.default_rng(dim)
    for x in (random.random((N, dim)), random.standard_t(4, (N, dim)), random.exponential(size=(N, dim))):
        assert not any("nearly functions" in w for w in ip.entropy(x, KozachenkoLeonenko()).warnings)


def test_one_enormous_value_is_named() -> None:
    x, y = sample(dim=1)
    assert "kurtosis" not in warned(x, y, WeightedKL())
    x[0] = 1e6
    assert "x[:, 0] has a kurtosis of 3e+02" in warned(x, y, WeightedKL())


def test_a_constant_beside_classes_tells_nothing_however_shuffled() -> None:
    labels = np.arange(N) % 2
    assert ip.mutual_information(np.ones(N), labels, Debiased()).value == 0.0
    assert ip.mutual_information(np.ones(N), labels, WeightedKL(), null=2).p_value == 1.0
