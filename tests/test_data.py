"""The 12-bit task: its published labels, its structure, and every acceptance number known of it."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import infoplane as ip
from infoplane.data import Task, cosines, rule_by_counts, rule_by_power_spectrum, twelve_bit

TASK = twelve_bit()
X = TASK.x.astype(int)
COSINES = cosines()
ADJACENT, ANTIPODAL = np.isclose(COSINES, 5**-0.5), np.isclose(COSINES, -1.0)
APART = np.isclose(COSINES, -(5**-0.5))


def entropy_bits(values: Any) -> float:
    n = len(values)
    return -math.fsum(c / n * math.log2(c / n) for c in Counter(values).values())


def classes() -> list[tuple[int, int, int]]:
    """(lit points, lit adjacent pairs, lit antipodal pairs) of every pattern, counted pair by pair."""
    found = []
    for lit in (np.flatnonzero(row) for row in X):
        pairs = list(itertools.combinations(lit, 2))
        found.append((len(lit), sum(bool(ADJACENT[p]) for p in pairs), sum(bool(ANTIPODAL[p]) for p in pairs)))
    return found


CLASSES = classes()


def test_the_published_labels_are_reproduced_bit_for_bit() -> None:
    folder = os.environ.get("INFOPLANE_DATA")
    path = Path(folder or "") / "idnns" / "var_u.mat"
    if not folder or not path.is_file():
        pytest.skip("the published file is not here: INFOPLANE_DATA names no folder with idnns/var_u.mat")
    from scipy.io import loadmat

    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("0ba95518")
    published = loadmat(path)
    np.testing.assert_array_equal(TASK.x, published["F"])
    np.testing.assert_array_equal(TASK.y, published["y"].ravel())


def test_the_inputs_are_all_patterns_in_counting_order() -> None:
    assert X.shape == (4096, 12)
    np.testing.assert_array_equal(X @ 2 ** np.arange(11, -1, -1), np.arange(4096))
    assert TASK.enumerated
    assert TASK.name == "12-bit, hard rule"


def test_the_points_are_the_vertices_of_an_icosahedron() -> None:
    assert [int(np.triu(m, 1).sum()) for m in (ADJACENT, APART, ANTIPODAL)] == [30, 30, 6]
    opposite = {tuple(int(v) for v in pair) for pair in np.argwhere(np.triu(ANTIPODAL))}
    assert opposite == {(0, 9), (1, 7), (2, 5), (3, 6), (4, 10), (8, 11)}
    root = math.sqrt(5)
    spectrum = [5.0, *[root] * 3, *[-1.0] * 5, *[-root] * 3]
    assert np.linalg.eigvalsh(ADJACENT.astype(float))[::-1] == pytest.approx(spectrum, abs=1e-12)


def test_the_symmetry_group_has_120_elements_and_leaves_the_labels_alone() -> None:
    """A symmetry is fixed by where it sends three mutually adjacent points; every one is found and applied."""
    corner = next(
        c for c in itertools.combinations(range(12), 3) if all(ADJACENT[p] for p in itertools.combinations(c, 2))
    )
    key = {tuple(np.round(COSINES[v, list(corner)], 6)): v for v in range(12)}
    symmetries = []
    for image in itertools.permutations(range(12), 3):
        if all(ADJACENT[p] for p in itertools.combinations(image, 2)):
            moved = {tuple(np.round(COSINES[v, list(image)], 6)): v for v in range(12)}
            symmetries.append([moved[near] for near in key])
    assert len(symmetries) == 120
    for order in symmetries:
        np.testing.assert_array_equal(rule_by_counts(X[:, order]), rule_by_counts(X))
    weights = 2 ** np.arange(11, -1, -1)
    assert len(set(np.min([X[:, order] @ weights for order in symmetries], axis=0).tolist())) == 82  # orbits


def test_both_forms_of_the_rule_agree_with_a_plain_count() -> None:
    by_hand = [30 * k - 3 * k**2 + 8 * a - 4 * c for k, a, c in CLASSES]
    np.testing.assert_array_equal(rule_by_counts(X), by_hand)
    assert rule_by_power_spectrum(X) == pytest.approx(np.array(by_hand, float), abs=1e-9)


def test_the_power_spectrum_has_64_classes_and_the_label_is_a_function_of_them() -> None:
    legendre = [np.polynomial.legendre.Legendre.basis(degree)(COSINES) for degree in range(4)]
    spectra = np.round(np.stack([np.einsum("ni,ij,nj->n", X, p, X) for p in legendre], axis=1), 6)
    assert len(np.unique(spectra, axis=0)) == len(set(CLASSES)) == 64
    assert len(set(zip(CLASSES, TASK.y.tolist(), strict=True))) == 64


def test_the_values_of_the_rule() -> None:
    f = rule_by_counts(X)
    assert (len(set(f.tolist())), f.min(), f.max()) == (44, 0, 160)
    assert (f[TASK.y == 0].max(), f[TASK.y == 1].min()) == (119, 120)
    assert ((f == 119).sum(), (f == 120).sum()) == (120, 200)


def test_the_entropies_to_six_digits() -> None:
    assert TASK.y.sum() == 2118
    assert entropy_bits(TASK.y.tolist()) == pytest.approx(0.999157, abs=5e-7)
    assert entropy_bits(CLASSES) == pytest.approx(5.569522, abs=5e-7)
    assert entropy_bits(X.sum(axis=1).tolist()) == pytest.approx(2.838529, abs=5e-7)
    assert entropy_bits(rule_by_counts(X).tolist()) == pytest.approx(5.087553, abs=5e-7)
    assert ip.mutual_information(X, TASK.y, ip.estimators.Plugin()).to("bits").value == pytest.approx(
        0.999157, abs=5e-7
    )


def test_the_ones_by_the_number_of_lit_points() -> None:
    lit = X.sum(axis=1)
    ones = {k: (int(TASK.y[lit == k].sum()), int((lit == k).sum())) for k in range(13)}
    assert all(ones[k][0] == 0 for k in range(5))
    assert (ones[5], ones[6], ones[7]) == ((60, 792), (532, 924), (732, 792))
    assert all(ones[k][0] == ones[k][1] for k in range(8, 13))


def test_two_inputs_light_up_together_as_often_as_their_angle_says() -> None:
    lit = X[TASK.y == 1]
    together = lit.T @ lit
    counts = Counter(int(together[i, j]) for i, j in itertools.combinations(range(12), 2))
    assert sorted(counts.values()) == [6, 30, 30]
    assert all(len(set(together[np.triu(m, 1)].tolist())) == 1 for m in (ADJACENT, APART, ANTIPODAL))


def information_bits(task: Task) -> float:
    """I(X;Y) of the law of the label, X uniform."""
    assert task.p_y_given_x is not None
    law, marginal = task.p_y_given_x, task.p_y_given_x.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(law > 0, law * np.log2(law / marginal), 0.0).sum(axis=1).mean())


@pytest.mark.parametrize(
    ("gamma", "bits", "digits"), [(0.1, 0.3775, 4), (1, 0.906, 3), (2, 0.933, 3), (5, 0.969, 3), (8.254, 0.990, 3)]
)
def test_the_information_of_the_soft_rule(gamma: float, bits: float, digits: int) -> None:
    task = twelve_bit(gamma)
    assert information_bits(task) == pytest.approx(bits, abs=0.5 * 10**-digits)
    assert task.name == f"12-bit, soft rule gamma={gamma:g}"


def test_the_hard_rule_has_a_certain_law() -> None:
    assert TASK.p_y_given_x is not None
    np.testing.assert_array_equal(TASK.p_y_given_x, np.eye(2)[TASK.y])
    assert information_bits(TASK) == pytest.approx(0.999157, abs=5e-7)


@pytest.mark.parametrize("gamma", [1e-3, 0.5, 8.254, 1e6])
def test_soft_labels_are_drawn_from_their_law(gamma: float) -> None:
    task = twelve_bit(gamma, seed=1)
    law = task.p_y_given_x
    assert law is not None
    f = rule_by_counts(X)
    odds = np.clip(gamma * (f - 119.5), -700, 700)
    assert law[:, 1] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-12)
    spread = math.sqrt((law[:, 0] * law[:, 1]).sum())
    assert abs(task.y.sum() - law[:, 1].sum()) <= 4 * spread + 1e-9
    np.testing.assert_array_equal(task.y, twelve_bit(gamma, seed=1).y)
    if spread > 1:
        assert (task.y != twelve_bit(gamma, seed=2).y).any()


@pytest.mark.parametrize("gamma", [0.0, -1.0, math.nan, math.inf, "a", True])
def test_gamma_is_positive(gamma: Any) -> None:
    with pytest.raises(ip.InputError, match="positive gamma, or None for the hard rule"):
        twelve_bit(gamma)


@pytest.mark.parametrize("fraction", [0.05, 0.45, 0.8, 0.85])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_stratified_split_keeps_the_frequencies(fraction: float, seed: int) -> None:
    train, test = TASK.split(fraction, seed)
    assert len(train) == round(fraction * 4096)
    np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(4096))
    for label in (0, 1):
        assert abs((TASK.y[train] == label).sum() - fraction * (TASK.y == label).sum()) <= 1
    np.testing.assert_array_equal(train, TASK.split(fraction, seed)[0])
    assert set(train.tolist()) != set(TASK.split(fraction, seed + 1)[0].tolist())
    in_turn = TASK.y[train]  # in no order: neither that of the rows nor one label after the other
    for one, other in ((train, np.arange(len(train))), (in_turn[1:], in_turn[:-1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(len(train))


def test_many_unequal_classes_are_each_split_in_proportion() -> None:
    y = np.repeat(np.arange(5), [3, 10, 40, 200, 747])
    task = Task(np.zeros((1000, 1), np.float32), y, "unequal")
    for fraction in (0.1, 0.37, 0.8):
        train, _ = task.split(fraction)
        assert np.abs(np.bincount(y[train], minlength=5) - fraction * np.bincount(y)).max() <= 1


def test_the_legacy_split_takes_the_first_rows() -> None:
    train, test = TASK.split(0.8, kind="legacy")
    np.testing.assert_array_equal(np.r_[train, test], np.arange(4096))
    assert round(float(TASK.y[train].mean()), 3) == 0.437
    assert round(float(TASK.y[test].mean()), 3) == 0.836


def test_a_regression_task_is_split_without_strata() -> None:
    task = Task(np.zeros((50, 1), np.float32), np.linspace(0, 1, 50), "line")
    train, test = task.split(0.6)
    assert (len(train), len(test)) == (30, 20)
    assert set(train) | set(test) == set(range(50))


def test_everything_may_be_training_data() -> None:
    train, test = TASK.split(1.0)
    assert (len(train), len(test)) == (4096, 0)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.2, 0.0001, math.nan, math.inf, "a", None])
def test_a_fraction_leaves_something_to_train_on(fraction: Any) -> None:
    with pytest.raises(ip.InputError, match=r"a fraction in \(0, 1\] that leaves 2 samples of 4096"):
        TASK.split(fraction)


def test_an_unknown_kind_of_split_is_refused() -> None:
    with pytest.raises(ip.InputError, match="'stratified', 'legacy' and 'own', got 'random'"):
        TASK.split(kind="random")  # pyright: ignore


@pytest.mark.parametrize("seed", [-1, 0.5, "a", None])
def test_a_seed_is_a_whole_number_from_0_on(seed: Any) -> None:
    for draw in (lambda: TASK.split(seed=seed), lambda: twelve_bit(0.5, seed=seed)):
        with pytest.raises(ip.InputError, match=r"\(seed\) needs a whole number, 0 or more, got"):
            draw()
