"""A linear layer of known weights: acceptance numbers, log-determinants, its samples, its refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import infoplane as ip
from infoplane import laws


def log_det(a: np.ndarray) -> float:
    return float(np.linalg.slogdet(a)[1])


def correlated_inputs(dim: int = 6) -> np.ndarray:
    root = np.random.default_rng(3).standard_normal((dim, dim + 2))
    return root @ root.T / dim


def test_the_acceptance_numbers() -> None:
    layer = laws.linear_layer(np.array([[1.0, 1.0]]), 1.0)
    assert layer.mutual_information == pytest.approx(0.54931, abs=5.1e-6)
    target = layer.target(np.array([[1.0, 0.0]]), math.sqrt(0.2))
    assert target.mutual_information == pytest.approx(0.16271, abs=5.1e-6)
    for part in ([0], [1]):
        assert layer.inputs(part).mutual_information == pytest.approx(0.20273, abs=5.1e-6)


def test_correlated_inputs_by_log_determinants() -> None:
    """The inputs left out are noise as far as those kept do not tell them: their conditional covariance counts."""
    s, random = correlated_inputs(), np.random.default_rng(0)
    w, v = random.standard_normal((3, 6)), random.standard_normal((2, 6))
    layer = laws.linear_layer(w, 0.4, s)
    t = w @ s @ w.T + 0.16 * np.eye(3)
    assert layer.mutual_information == pytest.approx(0.5 * (log_det(t) - 3 * math.log(0.16)), abs=1e-10)
    assert layer.inputs(range(6)).mutual_information == pytest.approx(layer.mutual_information, abs=1e-9)
    kept, left = [4, 1], [0, 2, 3, 5]
    within = s[np.ix_(left, left)] - s[np.ix_(left, kept)] @ np.linalg.solve(
        s[np.ix_(kept, kept)], s[np.ix_(kept, left)]
    )
    noise = w[:, left] @ within @ w[:, left].T + 0.16 * np.eye(3)
    assert layer.inputs(kept).mutual_information == pytest.approx(0.5 * (log_det(t) - log_det(noise)), abs=1e-10)
    y, cross = v @ s @ v.T + 0.09 * np.eye(2), w @ s @ v.T
    both = np.block([[t, cross], [cross.T, y]])
    truth = 0.5 * (log_det(t) + log_det(y) - log_det(both))
    assert layer.target(v, 0.3).mutual_information == pytest.approx(truth, abs=1e-10)


def test_samples_have_the_covariances_of_the_layer_and_of_its_parts() -> None:
    """Second moments within 5.5 of their standard errors, Var(ab) = C_aa C_bb + C_ab^2."""
    s, w = correlated_inputs(), np.random.default_rng(1).standard_normal((2, 6))
    layer, n = laws.linear_layer(w, 0.5, s), 50_000
    expected = np.block([[s, s @ w.T], [w @ s, layer.layer_covariance]])
    found = np.concatenate(layer.sample(n, 2), axis=1)
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / n)
    assert (np.abs(found.T @ found / n - expected) < 5.5 * error).all()
    columns = [2, 0, 6, 7]
    np.testing.assert_allclose(layer.inputs([2, 0]).covariance, expected[np.ix_(columns, columns)], atol=1e-12)


def test_a_random_network_is_such_a_layer() -> None:
    net = laws.linear_net(2.0, 6, 3, key=4)
    assert net.layer.mutual_information == pytest.approx(2.0, abs=1e-10)
    np.testing.assert_array_equal(net.layer.weights, net.weights.T)


WRONG = {
    "weights (units, inputs)": lambda: laws.linear_layer(np.ones(3), 1.0),
    "finite numbers": lambda: laws.linear_layer(np.array([[math.nan]]), 1.0),
    "sigma above 0": lambda: laws.linear_layer(np.ones((1, 2)), 0.0),
    "covariance of shape (2, 2)": lambda: laws.linear_layer(np.ones((1, 2)), 1.0, np.eye(3)),
    "positive definite": lambda: laws.linear_layer(np.ones((1, 2)), 1.0, np.ones((2, 2))),
    "inputs 0 to 1": lambda: laws.linear_layer(np.ones((1, 2)), 1.0).inputs([2]),
    "each once": lambda: laws.linear_layer(np.ones((1, 2)), 1.0).inputs([0, 0]),
    "and not []": lambda: laws.linear_layer(np.ones((1, 2)), 1.0).inputs([]),
    "teacher of shape (targets, 2)": lambda: laws.linear_layer(np.ones((1, 2)), 1.0).target(np.ones((2, 1)), 1.0),
    "noise above 0": lambda: laws.linear_layer(np.ones((1, 2)), 1.0).target(np.ones((1, 2)), 0.0),
}


@pytest.mark.parametrize("part", WRONG)
def test_what_no_layer_can_be_is_refused(part: str) -> None:
    with pytest.raises(ip.InputError) as caught:
        WRONG[part]()
    assert part in str(caught.value)
