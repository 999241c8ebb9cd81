"""Critics, their coordinates and their training loop, against slow readable twins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import infoplane as ip
from infoplane.estimators import Concatenated, Convolutional, Separable
from infoplane.estimators.convolution import _seen
from infoplane.estimators.coordinates import by_appearance, columns, fitted_canonical, gaussian_terms, stacked
from infoplane.estimators.critics import Critic, Scores, gaussian_base, spread
from infoplane.estimators.training import Budget, _strides, filled, folded, train
from infoplane.samples import variable

RANDOM = np.random.default_rng(0)
SMALL: list[Any] = [Separable(8, 5), Concatenated(8, negatives=3), Convolutional(filters=2, hidden=8, negatives=3)]


def scored(critic: Critic, n: int = 9, scale: float = 0.7) -> tuple[Scores, Any]:
    """Scores of n random pairs, and a function for the score of one pair."""
    dim = 64 if critic.images else 4
    x, y = (RANDOM.standard_normal((n, dim)).astype(np.float32) for _ in range(2))
    p = {
        **critic.initial(np.random.default_rng(1), dim, dim),
        "base": np.float32(gaussian_base(np.array([0.6, 0.3]), 4)),
    }

    def one(i: int, j: int) -> float:
        """The true pair's score of (x_i, y_j), presented as a pair among pairs."""
        return float(critic.scores(p, x[[i, i]], y[[j, j]], scale, 1).paired[0])

    return critic.scores(p, x, y, scale, critic.others(n, training=True)), one


@pytest.mark.parametrize("critic", SMALL, ids=lambda c: type(c).__name__)
def test_every_wrong_pair_is_scored_as_it_would_be_alone(critic: Critic) -> None:
    found, one = scored(critic)
    n, others = 9, critic.others(9, training=True)
    assert found.others == others
    shifts = range(n) if found.shifts is None else np.asarray(found.shifts)
    expected = [[one(i, j if found.shifts is None else (i + j) % n) for j in shifts] for i in range(n)]
    np.testing.assert_allclose(found.table, expected, atol=2e-5)
    np.testing.assert_allclose(found.paired, [one(i, i) for i in range(n)], atol=2e-5)


@pytest.mark.parametrize("critic", SMALL, ids=lambda c: type(c).__name__)
def test_means_over_wrong_pairs_leave_out_the_true_ones(critic: Critic) -> None:
    found, one = scored(critic)
    n = 9
    shifts = np.arange(1, n) if found.shifts is None else np.asarray(found.shifts)
    rows = [np.log(np.mean([np.exp(one(i, (i + s) % n)) for s in shifts])) for i in range(n)]
    columns_ = [np.log(np.mean([np.exp(one((j - s) % n, j)) for s in shifts])) for j in range(n)]
    np.testing.assert_allclose(found.log_means()[0], rows, atol=2e-5)
    np.testing.assert_allclose(found.log_means()[1], columns_, atol=2e-5)
    everything = [one(i, (i + s) % n) ** 2 for i in range(n) for s in shifts]
    assert float(found.wrong_mean(jnp.square)) == pytest.approx(np.mean(everything), rel=1e-4)


@pytest.mark.parametrize("critic", [Separable(8, 5), Concatenated(8)], ids=lambda c: type(c).__name__)
def test_without_its_network_a_critic_is_the_gaussian_log_ratio(critic: Critic) -> None:
    rho = np.array([0.8, 0.3])
    x, y = RANDOM.standard_normal((2, 6, 2))
    p = {**critic.initial(np.random.default_rng(1), 2, 2), "base": gaussian_base(rho, 2)}
    joint = np.block([[np.eye(2), np.diag(rho)], [np.diag(rho), np.eye(2)]])
    expected = stats.multivariate_normal(np.zeros(4), joint).logpdf(np.hstack([x, y]))
    expected -= stats.norm.logpdf(np.hstack([x, y])).sum(axis=1)
    np.testing.assert_allclose(critic.scores(p, x, y, 0.0, 2).paired, expected, atol=1e-5)
    np.testing.assert_allclose(gaussian_terms(x, y, rho), expected, atol=1e-12)


@pytest.mark.parametrize(("n", "others"), [(2, 1), (9, 3), (9, 8), (1000, 32)])
def test_shifts_are_distinct_and_never_reach_the_true_partner(n: int, others: int) -> None:
    shifts = np.asarray(spread(n, others))
    assert len(set(shifts % n)) == others
    assert 0 not in shifts % n


def test_convolutions_are_those_of_the_library() -> None:
    critic = Convolutional(filters=3)
    blocks = critic._blocks(np.random.default_rng(0), 16 * 16)
    images = RANDOM.standard_normal((4, 256)).astype(np.float32)
    z = images.reshape(4, 16, 16, 1)
    for ((w, b),) in blocks:
        kernel = w.reshape(3, 3, -1, 3)
        z = jax.lax.conv_general_dilated(z, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b
        z = jax.lax.reduce_window(z, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        z = jax.nn.leaky_relu(z)
    assert z.shape == (4, 4, 4, 3)
    np.testing.assert_allclose(_seen(blocks, jnp.asarray(images)), z.reshape(4, -1), atol=1e-5)


@pytest.mark.parametrize("dim", [10, 16, 36, 63, 144])
def test_convolutions_refuse_what_is_no_image(dim: int) -> None:
    x = np.ones((40, dim)) * np.arange(40.0)[:, None]
    with pytest.raises(ip.InputError, match=f"{dim} columns are none of these"):
        ip.mutual_information(x, x, ip.estimators.MINE(critic=Convolutional()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Separable(hidden=0), "Separable needs a positive whole number as hidden, got 0"),
        (lambda: Concatenated(negatives=2.5), "as negatives, got 2.5"),
        (lambda: Convolutional(filters=-1), "as filters, got -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        make()


# --- coordinates


def correlated(n: int, rho: float, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, d))
    return x, rho * x + np.sqrt(1 - rho**2) * random.standard_normal((n, d))


def test_coordinates_are_canonical_on_the_training_part_whatever_the_units() -> None:
    x, y = correlated(500, 0.7, 3)
    mix = RANDOM.standard_normal((3, 3))
    part, held = np.arange(400), np.arange(400, 500)
    plain = fitted_canonical(x, y, part, held, (False, False))
    mixed = fitted_canonical(x @ mix * 1e4 + 3.0, y, part, held, (False, False))
    u, v = plain.x[part], plain.y[part]
    np.testing.assert_allclose(u.T @ u / 400, np.eye(3), atol=1e-5)
    cross = u.T @ v / 400
    np.testing.assert_allclose(cross, np.diag(np.diag(cross)), atol=1e-5)
    np.testing.assert_allclose(plain.correlations, mixed.correlations, atol=1e-8)
    assert (plain.correlations <= np.diag(cross) + 1e-6).all()


def test_normal_scores_make_monotone_maps_invisible() -> None:
    x, y = correlated(500, 0.7, 2)
    part, held = np.arange(400), np.arange(400, 500)
    one = fitted_canonical(x, y, part, held, (True, True))
    other = fitted_canonical(np.sinh(3 * x), y**3, part, held, (True, True))
    np.testing.assert_allclose(np.abs(one.x[part]), np.abs(other.x[part]), atol=1e-5)
    np.testing.assert_allclose(one.correlations, other.correlations, atol=1e-8)


def test_correlations_by_chance_are_shrunk_away() -> None:
    x, y = RANDOM.standard_normal((2, 240, 20))
    found = fitted_canonical(x, y, np.arange(200), np.arange(200, 240), (True, True))
    assert found.correlations.max() < 0.2  # in the training part the largest is about 2 sqrt(20 / 200) = 0.6


def test_what_a_small_sample_cannot_carry_is_dropped_and_counted() -> None:
    x, y = RANDOM.standard_normal((2, 100, 30))
    found = fitted_canonical(x, y[:, :2], np.arange(80), np.arange(80, 100), (True, True))
    assert found.x.shape == (100, 10)
    assert found.dropped == 20


def test_classes_are_columns_in_the_order_they_come_and_rare_ones_share_one() -> None:
    labels = variable(np.array(["b", "a", "b", "c", "a", "d", "b"]))
    assert by_appearance(labels.codes).tolist() == [0, 1, 0, 2, 1, 3, 0]
    assert columns(labels, 2).tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert columns(labels, 4).shape == (7, 4)


def test_widths_are_filled_up_with_zeros() -> None:
    found = stacked([np.ones((2, 3)), np.ones((2, 5))])
    assert found.shape == (2, 2, 8)
    assert found.sum() == 16


# --- the loop


@dataclass(frozen=True)
class Mean:
    """The smallest task: the mean of the rows."""

    def loss(self, parameters: Any, fixed: Any, memory: jax.Array, rows: Any) -> tuple[jax.Array, jax.Array]:
        return ((rows - parameters - fixed) ** 2).mean(), memory + 1.0

    def score(self, parameters: Any, fixed: Any, rows: Any) -> jax.Array:
        return -((rows - parameters - fixed) ** 2).mean()


BUDGET = Budget(steps=600, batch=64, learning_rate=0.05, weight_decay=0.0, patience=4)


def fit(rows: np.ndarray, held: np.ndarray, budget: Budget = BUDGET) -> Any:
    runs = len(rows)
    return train(Mean(), budget, np.zeros((runs, 1), np.float32), np.ones((runs, 1), np.float32), rows, held, seed=0)


def test_runs_side_by_side_find_what_each_would_alone() -> None:
    rows = np.float32(RANDOM.standard_normal((3, 200, 1)) * 0.1 + np.array([-2.0, 0.0, 1.5])[:, None, None])
    found = fit(rows[:, :150], rows[:, 150:])
    expected = rows[:, :150].mean(axis=(1, 2)) - 1.0
    np.testing.assert_allclose(found.parameters[:, 0], expected, atol=0.05)  # the mean's own error is 0.01
    assert 0 < int(found.steps) <= 600


def test_training_stops_and_keeps_the_best_when_the_validation_part_disagrees() -> None:
    rows, held = np.full((1, 100, 1), 5.0, np.float32), np.full((1, 20, 1), 2.0, np.float32)
    found = fit(rows, held, dataclasses.replace(BUDGET, every=5))  # 5 updates of 0.05 at most
    assert int(found.steps) == int(found.best_step[0]) + 5 * BUDGET.patience
    assert float(found.parameters[0, 0]) == pytest.approx(1.0, abs=0.25)  # 4 is where the training part is heading
    last = fit(rows, held, dataclasses.replace(BUDGET, patience=0))
    assert int(last.steps) == 600
    assert float(last.parameters[0, 0]) == pytest.approx(4.0, abs=0.05)


def test_batches_hold_no_sample_twice() -> None:
    found = _strides(2, Budget(steps=50, batch=30), 30, np.random.default_rng(0))
    for start, stride in found.reshape(-1, 2):
        assert len(set((start + stride * np.arange(30)) % 30)) == 30


@pytest.mark.parametrize("classes", [None, np.arange(103) % 3])
def test_folds_part_the_samples_and_never_meet(classes: np.ndarray | None) -> None:
    folds = folded(103, 4, seed=5, classes=classes)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(103))
    assert len({(len(fold.training), len(fold.validation)) for fold in folds}) == 1
    for fold in folds:
        everything = np.concatenate(fold)
        assert len(set(everything)) == len(everything)
        if classes is not None:
            counts = np.bincount(classes[fold.test])
            assert counts.max() - counts.min() <= 1


def test_groups_hold_every_sample() -> None:
    groups = filled(np.arange(10), 10, 4)
    assert groups.shape == (3, 4)
    assert set(groups.ravel()) == set(range(10))
