"""The pairwise bounds: the closed forms, a double-precision twin on easy and on hostile layers, and bounded memory."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from estimator_twins import pairwise_bounds, pairwise_stderr
from scipy.integrate import quad
from scipy.spatial.distance import cdist

import infoplane as ip
from infoplane.channels import AdditiveGaussian
from infoplane.estimators import LayerBlock, PairwiseBounds
from infoplane.estimators.pairwise import noise_scale

BITS = math.log(2.0)
HYPERCUBE = {  # sigma: lower, true, upper; bits, to the digits given
    0.1: (11.99994, 11.99999, 12.00000),
    0.3: (8.1458, 9.8880, 11.9332),
    0.5: (3.7926, 5.8313, 9.8026),
    1.0: (1.0482, 1.9290, 3.7926),
}


def about_input(t: np.ndarray, estimator: PairwiseBounds) -> ip.Estimate:
    return ip.mutual_information(np.arange(len(t)), t, estimator)


def bounds(estimate: ip.Estimate) -> tuple[float, float, float]:
    return estimate.lower, estimate.value, estimate.upper


def information_of_a_noisy_bit(sigma: float) -> float:
    """I(B; B + N(0, sigma^2)) in nats for a fair bit, by one-dimensional quadrature of ln 2 - H(B | B + noise)."""

    def lost(z: float) -> float:  # given B = 0 and noise z: the surprise about B
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * np.logaddexp(0.0, (2 * sigma * z - 1) / (2 * sigma**2))

    return math.log(2) - quad(lost, -12, 12, points=[0.5 / sigma], limit=400, epsabs=1e-12)[0]


@pytest.mark.parametrize(("sigma", "bits"), HYPERCUBE.items())
def test_the_noisy_hypercube(sigma: float, bits: tuple[float, float, float]) -> None:
    found = about_input(ip.data.twelve_bit().x, PairwiseBounds(sigma)).to("bits")
    truth = 12 * information_of_a_noisy_bit(sigma) / BITS
    digits = 5.1e-6 if sigma == 0.1 else 5.1e-5
    assert (found.lower, truth, found.upper) == pytest.approx(bits, abs=digits)
    assert found.lower <= truth <= found.upper
    for bound, k in ((found.lower, 8), (found.upper, 2)):
        closed = -12 * math.log2((1 + math.exp(-1 / (k * sigma**2))) / 2)
        assert bound == pytest.approx(closed, abs=1e-5)  # 4,096 kernels in single precision, all rounded alike


def test_two_far_points_are_one_bit_and_two_coinciding_points_nothing() -> None:
    assert bounds(about_input(np.array([[0.0], [1e3]]), PairwiseBounds(0.1))) == pytest.approx([math.log(2)] * 3)
    assert bounds(about_input(np.array([[0.7], [0.7]]), PairwiseBounds(0.1))) == (0.0, 0.0, 0.0)
    labels = np.arange(40) % 2
    far = ip.mutual_information(1e3 * labels[:, None].astype(float), labels, PairwiseBounds(0.1))
    assert bounds(far) == pytest.approx([math.log(2)] * 3, abs=1e-7)
    same = ip.mutual_information(np.full((40, 2), 0.1), labels, PairwiseBounds(0.1))
    assert bounds(same) == pytest.approx([0.0] * 3, abs=1e-7)


@pytest.mark.parametrize("sigma", [0.03, 0.2, 1.0])
def test_the_lower_bound_is_the_upper_one_at_twice_the_noise(sigma: float) -> None:
    t = np.random.default_rng(0).standard_normal((500, 3))
    low = about_input(t, PairwiseBounds(sigma)).lower
    assert low == pytest.approx(about_input(t, PairwiseBounds(2 * sigma)).upper, abs=1e-6)


def layer(name: str, n: int, dim: int = 4) -> np.ndarray:
    """Activations as networks have them, and as they should not."""
    random = np.random.default_rng(n)
    t = random.standard_normal((n, dim))
    few = random.integers(0, 5, n)
    match name:
        case "spread":
            return t
        case "collapsed":  # a handful of points, almost
            return t[few % len(t)] + 1e-4 * random.standard_normal((n, dim))
        case "coinciding":
            return t[few % len(t)]
        case "saturated":
            return np.tanh(30 * t)
        case "offset 1e3":
            return t + 1e3
        case "offset 1e4":
            return t - 1e4
        case "far clusters":  # each tight, and 10^8 standard deviations of the noise apart
            return 3e7 * few[:, None] + 0.1 * t
        case _:  # one unit has run away
            t[:, 0] *= 1e6
            return t


LAYERS = ["spread", "collapsed", "coinciding", "saturated", "offset 1e3", "offset 1e4", "far clusters", "runaway unit"]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_formula_in_double_precision(name: str, kind: type) -> None:
    t = layer(name, 400).astype(kind)
    labels = (t[:, 0] > np.median(t[:, 0])).astype(int) + 2 * (np.arange(400) % 3 == 0)
    for sigma in (0.03, 0.3):
        found = about_input(t, PairwiseBounds(sigma))
        assert bounds(found) == pytest.approx(pairwise_bounds(t, None, sigma), abs=1e-6)
        found = ip.mutual_information(t, labels, PairwiseBounds(sigma))
        assert bounds(found) == pytest.approx(pairwise_bounds(t, labels, sigma), abs=1e-6)
        assert found.lower <= found.value <= found.upper


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["spread", "small", "collapsed", "saturated", "nearly saturated"])
def test_a_plane_of_usual_size_is_exact_to_seven_digits(name: str, kind: type) -> None:
    """4,096 samples of ten units at sigma^2 = 1e-3: required to 1e-5, and measured below 1e-7."""
    z = np.random.default_rng(0).standard_normal((4096, 10))
    few = np.random.default_rng(1).integers(0, 5, 4096)
    t = {
        "spread": np.tanh(z),
        "small": 0.1 * z,
        "collapsed": z[few] + 1e-4 * z,
        "saturated": np.tanh(30 * z),
        "nearly saturated": np.tanh(3 * z),
    }[name].astype(kind)
    square = cdist(t.astype(np.float64), t.astype(np.float64), "sqeuclidean")
    lower, upper = (-np.log(np.exp(-square / (k * 1e-3)).mean(axis=1)).mean() for k in (8, 2))
    assert bounds(about_input(t, PairwiseBounds(math.sqrt(1e-3)))) == pytest.approx((lower, upper, upper), abs=5e-7)


@pytest.mark.parametrize("dim", [1, 3, 4, 5, 9])
def test_any_number_of_units_is_taken_in_fours(dim: int) -> None:
    t = layer("spread", 300, dim)
    assert bounds(about_input(t, PairwiseBounds(0.5))) == pytest.approx(pairwise_bounds(t, None, 0.5), abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 256, 257, 1023, 1025, 2500, 5000])
def test_any_number_of_samples_is_cut_into_tiles(n: int) -> None:
    """Tiles of 256 by 256, the last ones not full; from 1,024 samples on in several parts."""
    t = layer("spread", n, dim=2)
    labels = np.arange(n) % 2 if n > 2 else np.array([0, 1])
    assert bounds(about_input(t, PairwiseBounds(0.3))) == pytest.approx(pairwise_bounds(t, None, 0.3), abs=1e-6)
    if 2 < n < 5000:
        found = ip.mutual_information(t, labels, PairwiseBounds(0.3))
        assert bounds(found) == pytest.approx(pairwise_bounds(t, labels, 0.3), abs=1e-6)


@pytest.mark.parametrize("n", [60, 1100])
def test_standard_errors_equal_the_formula(n: int) -> None:
    """Also where the last tile is not full; the classes are of unequal size and spread."""
    t = layer("spread", n, dim=2)
    labels = (t[:, 0] > 0.6).astype(int)
    t[labels == 1] *= 2.0
    for sigma in (0.2, 1.0):
        found = about_input(t, PairwiseBounds(sigma))
        assert found.stderr == pytest.approx(pairwise_stderr(t, None, sigma), rel=1e-4)
        found = ip.mutual_information(t, labels, PairwiseBounds(sigma))
        assert found.stderr == pytest.approx(pairwise_stderr(t, labels, sigma), rel=1e-4)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("sigma", [1e-6, 0.1, 1e4])
def test_both_bounds_lie_between_zero_and_the_ceiling(name: str, sigma: float) -> None:
    found = about_input(layer(name, 100), PairwiseBounds(sigma))
    assert 0.0 <= found.lower <= found.value <= found.upper <= math.log(100) + 1e-12


def test_noise_relative_to_the_layer_makes_its_scale_and_place_irrelevant() -> None:
    t = layer("spread", 300) * np.array([1.0, 0.1, 3.0, 1e-3])
    relative = PairwiseBounds(0.2, relative=True)
    truth = bounds(about_input(t, relative))
    for scale, shift in ((1e-3, 0.0), (1e3, 0.0), (1.0, 50.0), (-7.0, 1.0)):
        assert bounds(about_input(scale * t + shift, relative)) == pytest.approx(truth, abs=1e-6)
    absolute = 0.2 * math.sqrt(t.var(axis=0).mean())
    assert truth == pytest.approx(bounds(about_input(t, PairwiseBounds(absolute))), abs=1e-9)


@pytest.mark.parametrize("place", [0.0, 0.1, -3.3, 1e4])
def test_a_dead_layer_carries_nothing_through_relative_noise(place: float) -> None:
    t = np.full((100, 7), place, np.float32)
    assert bounds(about_input(t, PairwiseBounds(0.1, relative=True))) == pytest.approx([0.0] * 3, abs=1e-7)


def test_the_scale_of_the_noise_is_that_of_each_snapshot() -> None:
    t = np.stack([layer("spread", 50), 4.0 * layer("spread", 50), np.zeros((50, 4))])
    std = math.sqrt(t[0].var(axis=0).mean())
    assert noise_scale(t, AdditiveGaussian(0.5, relative=True)) == pytest.approx([0.5 * std, 2.0 * std, 0.5])
    assert noise_scale(t, AdditiveGaussian(0.5)).tolist() == [0.5] * 3


def test_permuted_labels_of_a_layer_are_each_an_estimate_of_their_own() -> None:
    random = np.random.default_rng(0)
    t = random.standard_normal((2, 60, 3))
    y = random.integers(0, 3, (2, 60, 1))
    orders = np.stack([np.arange(60), *(random.permutation(60) for _ in range(4))])
    found = PairwiseBounds(0.4).layer(LayerBlock(t, y, orders))
    for cell in range(2):
        twins = [pairwise_bounds(t[cell], y[cell, order, 0], 0.4) for order in orders]
        assert found.mi_target[cell] == pytest.approx([value for _, value, _ in twins], abs=1e-6)
        assert (found.mi_target_lower[cell], found.mi_target_upper[cell]) == pytest.approx(twins[0][::2], abs=1e-6)


def test_labels_that_are_all_different_say_the_same_in_any_order() -> None:
    random = np.random.default_rng(0)
    t, y = random.standard_normal((1, 30, 2)), np.arange(30)[None, :, None]
    found = PairwiseBounds(0.4).layer(LayerBlock(t, y, np.stack([np.arange(30), random.permutation(30)])))
    assert found.mi_target.tolist() == [[found.mi_input[0]] * 2]


def test_standard_errors_are_the_spread_over_samples() -> None:
    """Over R samples the spread is known to 1/sqrt(2R), both for I(X;T) and for I(T;Y)."""
    repeats, n, sigma = 400, 400, 0.5
    random = np.random.default_rng(0)
    y = random.integers(0, 2, (repeats, n, 1))
    t = y * 1.0 + 0.6 * random.standard_normal((repeats, n, 2))
    found = PairwiseBounds(sigma).layer(LayerBlock(t, y, np.arange(n)[None]))
    tolerance = 4 / math.sqrt(2 * repeats) + 4 / n**0.5 / n**0.5
    assert found.mi_input_stderr.mean() / found.mi_input.std() == pytest.approx(1.0, abs=tolerance)
    assert found.mi_target_stderr.mean() / found.mi_target[:, 0].std() == pytest.approx(1.0, abs=tolerance)


def test_what_is_doubtful_is_noted_and_the_quantity_named() -> None:
    t = layer("spread", 100)
    tight = about_input(t, PairwiseBounds(1e-3))
    assert any(note.startswith("Saturated: the upper bound is within 5 % of ln n = 4.61 nats") for note in tight.notes)
    assert tight.quantity == "I(X; T + noise 0.001)"
    loose = ip.mutual_information(t, np.arange(100) % 2, PairwiseBounds(2.0, relative=True))
    assert not any("Saturated" in note for note in loose.notes)
    assert loose.quantity == "I(T + noise 2 x std(T); Y)"
    assert loose.direction == "interval"
    crowded = ip.mutual_information(t, np.arange(100) % 2, PairwiseBounds(0.5))
    assert crowded.upper > math.log(2)
    assert any(note.startswith("The upper bound exceeds the ceiling H(y) = 0.6931 nats") for note in crowded.notes)


def test_values_that_overflow_beside_the_noise_are_compared_in_double_precision_or_refused() -> None:
    t = np.array([[0.0], [1e38], [1e38], [3e38]], np.float32)
    estimate = about_input(t, PairwiseBounds(1e-3))
    assert bounds(estimate) == pytest.approx([math.log(4) - math.log(2) / 2] * 3)
    with pytest.raises(ip.InputError, match=r"noise of 0\.001: their ratio overflows"):
        about_input(np.array([[0.0], [1e307]]), PairwiseBounds(1e-3))


def test_data_and_noise_share_one_scale() -> None:
    """Other methods rescale huge values; here the noise is a number in the data's own units."""
    t = np.random.default_rng(0).standard_normal((200, 2))
    plain, huge = about_input(t, PairwiseBounds(0.5)), about_input(t * 2.0**400, PairwiseBounds(0.5 * 2.0**400))
    assert bounds(huge) == bounds(plain)


@pytest.mark.parametrize("n", [300, 1500])
def test_a_snapshot_gives_the_same_digits_alone_and_among_others(n: int) -> None:
    """Alone its tiles are shared out to the cores; among many, each core has a snapshot of its own."""
    random = np.random.default_rng(0)
    t = random.standard_normal((40, n, 2)).astype(np.float32)
    y = random.integers(0, 3, (40, n, 1))
    many = PairwiseBounds(0.3).layer(LayerBlock(t, y, np.arange(n)[None]))
    for cell in (0, 39):
        one = PairwiseBounds(0.3).layer(LayerBlock(t[[cell]], y[[cell]], np.arange(n)[None]))
        for field in ("mi_input", "mi_input_stderr", "mi_input_lower", "mi_target", "mi_target_stderr"):
            assert np.array_equal(getattr(many, field)[cell], getattr(one, field)[0])


def test_one_argument_is_continuous_and_the_other_discrete() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(ip.InputError, match="got two continuous variables; pass classes"):
        ip.mutual_information(random.random(9), random.random(9), PairwiseBounds())
    with pytest.raises(ip.InputError, match=r"one continuous variable .* got none"):
        ip.mutual_information(np.arange(9), np.arange(9), PairwiseBounds())
    with pytest.raises(ip.InputError, match=r"discrete labels for I\(T;Y\) and y is continuous; .*estimator_target"):
        PairwiseBounds().layer(LayerBlock(random.random((1, 9, 2)), random.random((1, 9, 1)), np.arange(9)[None]))


_MEMORY = """
import resource, sys
import numpy as np
import infoplane as ip
t = np.random.default_rng(0).standard_normal((20_000, 10)).astype(np.float32)
for y in (np.arange(20_000), np.arange(20_000) % 10):
    ip.mutual_information(t, y, ip.estimators.PairwiseBounds(0.3))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
if sys.platform == "linux":  # there, what getrusage says includes the process this one was started by
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    peak = int(status["VmHWM"].split()[0]) * 1024
print(peak)
"""


@pytest.mark.slow
def test_memory_is_bounded() -> None:
    """All distances of 20,000 samples would take 3.2 GB."""
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.5e9
