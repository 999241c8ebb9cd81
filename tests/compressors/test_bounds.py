"""Loss bounds against exact losses of Gaussian layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infoplane as ip
from infoplane.compressors import autoencoder_loss_bound, label_loss_bound, pca_loss_bound


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
