"""Loss bounds against exact losses of Gaussian layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infoplane as ip
from infoplane.compressors import PCA, Autoencoder, autoencoder_loss_bound, label_loss_bound, pca_loss_bound
from infoplane.compressors.probe import held_out_cross_entropy
from infoplane.compressors.reports import noise_bound, noise_free_error


def half_log_det(matrix: np.ndarray) -> float:
    return 0.5 * np.linalg.slogdet(matrix)[1]


def test_the_known_case() -> None:
    bound = pca_loss_bound([4, 2, 1, 0.1, 0.05, 0.01], 3, 0.1)
    spectrum, jensen, linear = (value for _, value in bound.steps)
    assert spectrum == pytest.approx(2.4414, abs=5e-5)
    assert jensen == pytest.approx(2.7687, abs=5e-5)
    assert linear == pytest.approx(8.0)
    assert bound.value == spectrum


@given(st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=8), st.floats(1e-3, 10.0), st.data())
def test_the_first_step_is_exact_for_a_gaussian_layer_and_the_others_are_above(values, sigma, data) -> None:
    dim = data.draw(st.integers(1, len(values) - 1))
    values = np.sort(values)[::-1]
    noise = np.eye(len(values)) * sigma**2
    whole = half_log_det(np.diag(values) + noise) - half_log_det(noise)
    kept = half_log_det((np.diag(values) + noise)[:dim, :dim]) - half_log_det(noise[:dim, :dim])
    steps = [value for _, value in pca_loss_bound(values, dim, sigma).steps]
    assert steps[0] == pytest.approx(whole - kept, rel=1e-8, abs=1e-8)
    assert steps[0] <= steps[1] * (1 + 1e-12)
    assert steps[1] <= steps[2] * (1 + 1e-12)


def test_eigenvalues_that_were_not_computed_only_loosen_the_bound() -> None:
    values = np.array([4, 2, 1, 0.1, 0.05, 0.01])
    exact = pca_loss_bound(values, 2, 0.1)
    partial = pca_loss_bound(values[:4], 2, 0.1, total=values.sum(), columns=6)
    assert partial.value >= exact.value
    assert partial.steps[1][1] == pytest.approx(exact.steps[1][1])


@given(st.floats(0.02, 0.98), st.floats(0.05, 0.95), st.floats(0.05, 2.0))
def test_a_rebuilt_gaussian_layer_loses_no_more_than_the_bound(shrink, a, sigma) -> None:
    # S standard normal in 3 columns, rebuilt as shrink * S: both informations have closed forms.
    whole = 1.5 * np.log1p(1.0 / sigma**2)
    rebuilt = 1.5 * np.log1p(shrink**2 / (a * sigma**2))
    bound = autoencoder_loss_bound(3.0 * (1.0 - shrink) ** 2, 3, sigma, a)
    assert whole <= rebuilt + bound.value + 1e-12
    assert bound.value <= bound.steps[1][1] * (1 + 1e-12)


def test_vacuous_bounds_are_kept_and_marked() -> None:
    assert pca_loss_bound([1.0, 1.0], 1, 1e-3, against=2.0).vacuous
    assert "vacuous" in str(pca_loss_bound([1.0, 1.0], 1, 1e-3, against=2.0))
    assert not pca_loss_bound([1.0, 1e-9], 1, 1e-3, against=2.0).vacuous
    assert autoencoder_loss_bound(1.0, 5, 1e-3, against=1.0).vacuous
    assert label_loss_bound(2.4, against=2.3).vacuous
    assert label_loss_bound(0.1, against=2.3).as_details() == {"cross_entropy": 0.1, "vacuous": False}


def test_the_error_that_counts_is_that_of_the_layer_before_its_noise() -> None:
    """Three directions in ten columns, sigma .5: noise of seven is dropped, 7 / 4 of squared error that is no loss."""
    random = np.random.default_rng(0)
    s = random.standard_normal((4000, 3)) @ random.standard_normal((3, 10))
    y = s + 0.5 * random.standard_normal(s.shape)
    for standardise in (True, False):
        fitted = PCA(3, standardise=standardise).fit(y)
        seen, error = noise_free_error(fitted, y, 0.5)
        truth = float(((s - fitted.decode(fitted.encode(s))) ** 2).sum(axis=1).mean())
        assert seen > 1.7
        # The projection is affine, so nothing but sampling separates the two: the standard error of a mean of 2,000
        # squares in seven directions is sqrt(14) / 4 / sqrt(2000) = .021, and two of them are added.
        assert truth <= error < truth + 0.042 + 3 * 0.021
    bound = noise_bound(fitted, y, 0.5)
    assert bound is not None
    assert not bound.of_rebuilt


def test_the_noise_free_error_of_an_autoencoder() -> None:
    random = np.random.default_rng(0)
    weights = random.standard_normal((3, 10))
    s = random.standard_normal((2000, 3)) @ weights
    y = s + 0.5 * random.standard_normal(s.shape)
    fitted = Autoencoder(3, steps=800).fit(y)
    new = np.random.default_rng(1).standard_normal((4000, 3)) @ weights
    truth = float(((new - fitted.decode(fitted.encode(new))) ** 2).sum(axis=1).mean())
    found = noise_bound(fitted, y, 0.5)
    assert found is not None
    assert found.seen > 1.75
    assert truth < found.error < 0.25 * found.seen
    assert found.bound.value < 0.5 * autoencoder_loss_bound(found.seen, 10, 0.5).value


def test_labels_are_predicted_as_well_as_their_law_allows() -> None:
    random = np.random.default_rng(0)
    code = random.standard_normal((2000, 2))
    for flips in (0.0, 0.1):
        classes = (code[:, 0] > 0).astype(int) ^ (random.random(2000) < flips)
        truth = 0.0 if flips == 0 else -0.1 * np.log(0.1) - 0.9 * np.log(0.9)  # H(Y | code)
        found = held_out_cross_entropy(code, classes)
        # Above the truth by the price of a vote of 15 and of the border; three standard errors of .02 below at most.
        assert truth - 0.06 < found < truth + 0.12
    independent = held_out_cross_entropy(code, random.integers(0, 2, 2000))
    assert 0.6 < independent <= np.log(2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pca_loss_bound([1.0], 1, 0.0),
        lambda: pca_loss_bound([1.0, -1.0], 1, 1.0),
        lambda: pca_loss_bound([1.0], 2, 1.0),
        lambda: autoencoder_loss_bound(1.0, 2, 1.0, a=1.0),
        lambda: autoencoder_loss_bound(-1.0, 2, 1.0),
        lambda: label_loss_bound(-0.1),
    ],
)
def test_nonsense_is_refused(call) -> None:
    with pytest.raises(ip.InputError, match="needs"):
        call()
