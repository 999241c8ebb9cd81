"""The pairwise interval holds the truth: noisy hypercubes and labels of a few bits, certain and random, by quadrature.

All 4,096 corners of the unit cube plus N(0, sigma^2 I): the twelve bits are independent channels, and a label that
depends on three of them has an information that a grid in three dimensions gives.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.special import entr, expit

import infoplane as ip
from infoplane.estimators import LayerBlock, LayerInformation, PairwiseBounds

BITS = math.log(2.0)
SIGMAS = (0.05, 0.1, 0.3, 0.5, 1.0, 3.0, 10.0, 50.0)  # three decades
CORNERS = ip.data.twelve_bit().x
A, B, C = np.indices((2, 2, 2))
SURE = np.array([0.0, 1.0])  # p(y = 1) of labels that are a function of three bits
LAWS = {
    "one bit": SURE[A],
    "both of two bits": SURE[A & B],
    "parity of two bits": SURE[A ^ B],
    "parity of three bits": SURE[A ^ B ^ C],
    "majority of three bits": SURE[(A + B + C) // 2],
    "a bit, one time in ten wrong": np.where(A == 1, 0.9, 0.1),
    "parity, one time in five wrong": np.where(A ^ B == 1, 0.8, 0.2),
    "a logistic rule": expit(2.0 * (A + B + C) - 3.0),
    "almost certain": np.where((A + B + C) // 2 == 1, 1.0 - 1e-6, 1e-12),
}


def law_of(name: str) -> np.ndarray:
    """(2, 2, 2, 2) probabilities of both labels given three bits."""
    return np.stack([1.0 - LAWS[name], LAWS[name]], axis=-1)


COUNTED = np.eye(4)[A + B + C]  # a label of four classes: how many of the three bits are set
BLURRED = 0.7 * COUNTED + 0.3 / 4  # three times in ten any of the four, whatever the bits


def truth(law: np.ndarray, sigma: float) -> float:
    """I(T + noise; Y) in nats on a grid of sigma/3: the integrand is smooth where there is any weight."""
    t = np.arange(-6.5 * sigma, 1.0 + 6.5 * sigma, sigma / 3)
    one = expit((t - 0.5) / sigma**2)
    of_bit = np.stack([1.0 - one, one], axis=1)
    density = np.exp(-((t[:, None] - [0.0, 1.0]) ** 2) / (2 * sigma**2)).sum(axis=1) / 2
    weight = density / density.sum()
    left = sum(
        np.einsum("i,j,k,ijk->", weight, weight, weight, entr(p))
        for p in (np.einsum("abc,ia,jb,kc->ijk", part, of_bit, of_bit, of_bit) for part in np.moveaxis(law, -1, 0))
    )
    return float(entr(law.mean(axis=(0, 1, 2))).sum() - left)


def information_of_a_noisy_bit(sigma: float) -> float:
    """I(B; B + N(0, sigma^2)) in nats for a fair bit, by adaptive quadrature."""

    def lost(z: float) -> float:  # given B = 0 and noise z: the surprise about B
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * np.logaddexp(0.0, (2 * sigma * z - 1) / (2 * sigma**2))

    return math.log(2) - quad(lost, -12, 12, points=[0.5 / sigma], limit=400, epsabs=1e-13)[0]


def measured(law: np.ndarray, sigma: float, t: np.ndarray = CORNERS) -> LayerInformation:
    """What a plane measures of the cube's corners, for a label with this law given the last three bits."""
    bits = CORNERS[:, -3:].astype(int)
    given = law[bits[:, 0], bits[:, 1], bits[:, 2]]
    soft = bool(((given > 0) & (given < 1)).any())
    y = given.argmax(axis=1)[None, :, None]
    order = np.arange(len(t))[None]
    block = LayerBlock(t[None], y, order, population=True, p_y_given_x=given[None] if soft else None)
    return PairwiseBounds(sigma).layer(block)


def test_the_grid_is_right() -> None:
    """Where one bit is asked for, adaptive quadrature says the same; three bits at once have three times as much."""
    each = np.eye(8).reshape(2, 2, 2, 8)
    for sigma in SIGMAS:
        one = information_of_a_noisy_bit(sigma)
        assert truth(law_of("one bit"), sigma) == pytest.approx(one, abs=1e-7)
        if sigma >= 0.1:
            assert truth(each, sigma) == pytest.approx(3 * one, abs=3e-7)


def test_the_interval_of_the_input_holds_the_truth_at_every_noise() -> None:
    for sigma in SIGMAS:
        found = ip.mutual_information(np.arange(4096), CORNERS, PairwiseBounds(sigma))
        exact = 12 * information_of_a_noisy_bit(sigma)
        assert found.lower - 1e-6 <= exact <= found.upper + 1e-6
        wide = ip.mutual_information(np.arange(4096), CORNERS, PairwiseBounds(2 * sigma))
        assert found.lower == pytest.approx(wide.upper, abs=2e-6)


@pytest.mark.parametrize("name", LAWS)
def test_the_interval_of_a_label_holds_the_truth_at_every_noise(name: str) -> None:
    widths = []
    for sigma in SIGMAS:
        found = measured(law_of(name), sigma)
        low, high = found.mi_target_lower[0], found.mi_target_upper[0]
        assert low - 1e-6 <= truth(law_of(name), sigma) <= high + 1e-6, sigma
        assert low <= found.mi_target[0, 0] <= high
        widths.append(high - low)
    assert max(widths) > 1.0  # nothing is clipped: in between, the bounds leave [0, H(Y)] on both sides
    assert widths[0] < 1e-3


def test_of_more_than_two_classes() -> None:
    for law in (COUNTED, BLURRED):
        for sigma in SIGMAS[1:]:
            found = measured(law, sigma)
            assert found.mi_target_lower[0] - 1e-6 <= truth(law, sigma) <= found.mi_target_upper[0] + 1e-6


def test_nothing_is_clipped() -> None:
    for name in ("one bit", "a logistic rule"):
        found = measured(law_of(name), 0.5)
        assert found.mi_target_lower[0] < 0
        assert found.mi_target_upper[0] > BITS


@pytest.mark.parametrize("name", ["parity of two bits", "a logistic rule"])
def test_an_offset_of_a_thousand_changes_no_digit(name: str) -> None:
    for sigma in (0.1, 1.0):
        at_home, away = (measured(law_of(name), sigma, CORNERS + place) for place in (0.0, 1e3))
        for field in ("mi_input_lower", "mi_input_upper", "mi_target", "mi_target_lower", "mi_target_upper"):
            np.testing.assert_array_equal(getattr(at_home, field), getattr(away, field))


def twin(t: np.ndarray, law: np.ndarray, sigma: float) -> tuple[float, float, float]:
    """Lower end, value and upper end for (n, classes) laws, in double precision, written out."""
    square = cdist(t.astype(np.float64), t.astype(np.float64), "sqeuclidean")
    share = law.mean(axis=0)
    bounds = []
    for k in (8, 2):
        kernel = np.exp(-square / (k * sigma**2))
        whole = -np.log(kernel.mean(axis=1)).mean()
        weights = law[:, share > 0] / (len(t) * share[share > 0])
        inner = np.log(np.maximum(kernel @ weights, 1e-300))
        bounds.append((whole, float(-(share[share > 0] * (weights * inner).sum(axis=0)).sum())))
    (low, low_within), (high, high_within) = bounds
    return low - high_within, high - high_within, high - low_within


def laws(name: str, n: int) -> np.ndarray:
    random = np.random.default_rng(n)
    match name:
        case "smooth":
            return random.dirichlet([1.0, 1.0, 1.0], n)
        case "mostly certain":
            return np.where(random.random((n, 1)) < 0.9, np.eye(2)[random.integers(0, 2, n)], [[0.3, 0.7]])
        case "faint":  # rare labels, down to what counts as never
            p = 10.0 ** random.uniform(-14, 0, n)
            return np.stack([p, 1.0 - p], axis=1)
        case _:  # a class that never occurs
            return np.concatenate([random.dirichlet([1.0, 2.0], n), np.zeros((n, 1))], axis=1)


@pytest.mark.parametrize("name", ["smooth", "mostly certain", "faint", "an empty class"])
@pytest.mark.parametrize("n", [60, 1100])
def test_random_labels_equal_the_formula_in_double_precision(name: str, n: int) -> None:
    random = np.random.default_rng(1)
    orders = np.stack([np.arange(n), random.permutation(n), random.permutation(n)])
    law = laws(name, n)
    t = random.standard_normal((2, n, 3)).astype(np.float32)
    for sigma in (0.05, 0.5, 3.0):
        block = LayerBlock(t, np.zeros((2, n, 1), int), orders, p_y_given_x=np.broadcast_to(law, (2, *law.shape)))
        found = PairwiseBounds(sigma).layer(block)
        for cell in range(2):
            twins = [twin(t[cell], law[order], sigma) for order in orders]
            assert found.mi_target[cell] == pytest.approx([value for _, value, _ in twins], abs=2e-6)
            ends = found.mi_target_lower[cell], found.mi_target_upper[cell]
            assert ends == pytest.approx((twins[0][0], twins[0][2]), abs=2e-6)


def test_certain_labels_written_as_laws_are_the_labels() -> None:
    random = np.random.default_rng(2)
    y = random.integers(0, 3, 300)
    t = (y[:, None] + random.standard_normal((300, 2)))[None]
    one, other = (
        PairwiseBounds(0.4).layer(LayerBlock(t, y[None, :, None], np.arange(300)[None], p_y_given_x=law))
        for law in (None, np.eye(3)[y][None])
    )
    for field in ("mi_input", "mi_target", "mi_target_lower", "mi_target_upper", "mi_input_stderr", "mi_target_stderr"):
        assert getattr(one, field) == pytest.approx(getattr(other, field), abs=1e-6)


def test_standard_errors_with_random_labels_are_the_spread_over_samples() -> None:
    """Over R samples the spread is known to 1/sqrt(2R); the bias that n samples leave adds to that at 4/n."""
    repeats, n = 300, 300
    random = np.random.default_rng(3)
    t = random.standard_normal((repeats, n, 2))
    one = expit(2.0 * t[..., 0] + t[..., 1])
    block = LayerBlock(
        t, np.zeros((repeats, n, 1), int), np.arange(n)[None], p_y_given_x=np.stack([1.0 - one, one], axis=-1)
    )
    found = PairwiseBounds(0.5).layer(block)
    tolerance = 4 / math.sqrt(2 * repeats) + 4 / n
    assert found.mi_target_stderr.mean() / found.mi_target[:, 0].std(ddof=1) == pytest.approx(1.0, abs=tolerance)
    assert found.mi_input_stderr.mean() / found.mi_input.std(ddof=1) == pytest.approx(1.0, abs=tolerance)
