"""One neuron in bins and through noise: the acceptance numbers, counts, and integrals that share no code with it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import infoplane as ip
from infoplane import laws
from infoplane.estimators import PairwiseBounds, Plugin
from infoplane.laws.neuron import deviation

WEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
TABLE = {  # bits, to the digits given
    "tanh": (2.597, 4.048, 4.828, 3.480, 2.030, 1.149),
    "relu": (1.094, 2.205, 3.284, 4.167, 5.078, 6.760),
}
FUNCTIONS = {  # as one would write them, and where bins of a given width begin
    "tanh": (np.tanh, -1.0),
    "softsign": (lambda u: u / (1 + abs(u)), -1.0),
    "sigmoid": (lambda u: 1 / (1 + np.exp(-u)), 0.0),
    "relu": (lambda u: np.where(u > 0, u, 0), 0.0),
    "softplus": (lambda u: np.log(1 + np.exp(u)), 0.0),
    "elu": (lambda u: np.where(u > 0, u, np.exp(np.minimum(u, 0)) - 1), -1.0),
    "linear": (lambda u: u, 0.0),
}
FINE = np.arange(-9, 9, 1e-4) + 5e-5  # of X
MASS = stats.norm.pdf(FINE) * 1e-4


@pytest.mark.parametrize("activation", TABLE)
def test_the_acceptance_numbers(activation) -> None:
    width = 0.07 if activation == "relu" else None  # tanh: 30 edges on [-1, 1]
    found = [laws.binned_neuron(w, 29, activation, width).mutual_information / math.log(2) for w in WEIGHTS]
    assert found == pytest.approx(TABLE[activation], abs=5.01e-4)


@pytest.mark.parametrize("weight", [0.3, 3.0])
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_bins_of_a_width_by_integration_and_by_their_samples(activation, weight: float) -> None:
    f, start = FUNCTIONS[activation]
    law = laws.binned_neuron(weight, activation=activation, width=0.11)
    codes = np.floor((f(weight * FINE) - start) / 0.11).astype(int)
    p = np.bincount(codes - codes.min(), MASS)
    truth = -(p[p > 0] * np.log(p[p > 0])).sum()
    assert law.mutual_information == pytest.approx(truth, abs=1e-4)
    x, y = law.sample(20_000, 3)
    mine = np.floor((f(weight * x) - start) / 0.11)
    assert len(np.unique(mine - y)) == 1  # the same bins, numbered from another one
    counted = ip.entropy(y, Plugin("miller-madow"))
    assert abs(counted.value - law.mutual_information) < 4 * counted.stderr


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_information_through_noise_by_two_plain_sums(activation) -> None:
    weight, sigma = 2.0, 0.1
    t = FUNCTIONS[activation][0](weight * FINE[::20])
    s = np.arange(t.min() - 1, t.max() + 1, sigma / 3)
    density = np.exp(-0.5 * ((s[:, None] - t) / sigma) ** 2) @ MASS[::20] * 20 / (sigma * math.sqrt(2 * math.pi))
    truth = -(density * np.log(density)).sum() * sigma / 3 - 0.5 * math.log(2 * math.pi * math.e * sigma**2)
    law = laws.noisy_neuron(weight, sigma, activation)
    assert law.mutual_information == pytest.approx(truth, abs=2e-6)  # the plain sum over X has steps of 2e-3
    values = FUNCTIONS[activation][0](weight * FINE)
    std = math.sqrt(MASS @ values**2 - (MASS @ values) ** 2)
    assert deviation(activation, weight) == pytest.approx(std, rel=1e-6)
    scaled = laws.noisy_neuron(weight, sigma / std, activation, relative=True)
    assert scaled.mutual_information == pytest.approx(law.mutual_information, abs=1e-5)


@pytest.mark.parametrize("weight", [1e-3, 1.0, 50.0])
def test_a_linear_neuron_through_noise_is_a_normal_channel(weight: float) -> None:
    law = laws.noisy_neuron(weight, 0.03, "linear")
    assert law.mutual_information == pytest.approx(0.5 * math.log1p((weight / 0.03) ** 2), abs=1e-9)
    x, y = law.sample(20_000, 1)
    assert np.std(y - weight * x) == pytest.approx(0.03, rel=5 / math.sqrt(2 * 20_000))


def test_a_steep_neuron_is_a_fair_bit_or_the_half_of_a_line() -> None:
    for activation in ("tanh", "softsign"):
        assert laws.noisy_neuron(1e6, 0.02, activation).mutual_information == pytest.approx(math.log(2), abs=1e-3)
    # Noise far finer than the line: H of the coin that decides between 0 and line, and half of h(|N(0, 100^2)|) less
    # the noise's. What is lost where the two overlap is of the order of 5 sigma / w times the log of their densities.
    line_less_noise = math.log(100.0) - math.log(2) - math.log(0.02)
    far = laws.noisy_neuron(100.0, 0.02, "relu").mutual_information
    assert far == pytest.approx(math.log(2) + 0.5 * line_less_noise, abs=5e-3)


def test_at_a_relative_resolution_the_scale_of_a_homogeneous_neuron_is_nothing() -> None:
    for activation in ("relu", "linear"):
        binned = [laws.binned_neuron(w, 2, activation, 0.07, relative=True).mutual_information for w in WEIGHTS]
        noisy = [laws.noisy_neuron(w, 0.02, activation, relative=True).mutual_information for w in WEIGHTS]
        assert np.ptp(binned) < 1e-9
        assert np.ptp(noisy) < 1e-9
    assert noisy[0] == pytest.approx(0.5 * math.log1p(0.02**-2), abs=1e-9)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_pairwise_bounds_of_samples_enclose_the_neuron(activation) -> None:
    law = laws.noisy_neuron(1.0, 0.1, activation)
    x, _ = law.sample(1500, 0)
    found = ip.mutual_information(np.arange(1500), law.activate(x), PairwiseBounds(0.1))
    assert found.lower - 3 * found.stderr < law.mutual_information < found.upper + 3 * found.stderr


WRONG = {
    "needs a width for relu, which has no end": lambda: laws.binned_neuron(1.0, 29, "relu"),
    "needs a width for relative bins": lambda: laws.binned_neuron(1.0, 29, relative=True),
    "no activation 'rleu'; did you mean 'relu'": lambda: laws.binned_neuron(1.0, 29, "rleu"),  # type: ignore[arg-type]
    "width above 0": lambda: laws.binned_neuron(1.0, 29, "relu", 0.0),
    "use a larger width": lambda: laws.binned_neuron(1e6, 29, "linear", 1e-3).mutual_information,
    "use a larger sigma": lambda: laws.noisy_neuron(1e6, 1e-3, "linear"),
    "sigma above 0": lambda: laws.noisy_neuron(1.0, -0.1),
    "no activation 'swish'": lambda: laws.noisy_neuron(1.0, 0.1, "swish"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("part", WRONG)
def test_what_no_neuron_can_be_is_refused(part: str) -> None:
    with pytest.raises(ip.InputError) as caught:
        WRONG[part]()
    assert part in str(caught.value)
