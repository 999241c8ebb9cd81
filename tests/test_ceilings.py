"""The verbs never report more of a discrete variable than its entropy without a word on it, whatever the estimator."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import digamma

import infoplane as ip
from infoplane.estimate import Direction
from infoplane.estimators import Estimator
from infoplane.samples import Variable

Y = np.repeat([0, 1, 2], [30, 30, 60])
ENTROPY = 1.5 * math.log(2)  # of the shares 1/4, 1/4, 1/2
CORRECTED = float(digamma(120) - (digamma(30) + digamma(60)) / 2)
T = np.random.default_rng(0).standard_normal((120, 2))


@dataclass(frozen=True)
class Fixed(Estimator):
    """Says what it is told to say."""

    value: float
    upper: float = math.nan
    shape: Direction = "estimate"

    def estimate(self, x: Variable, y: Variable, *, seed: int) -> ip.Estimate:
        lower = self.value if self.shape == "interval" else math.nan
        return ip.Estimate(self.value, 0.1, lower, self.upper, self.shape, notes=("its own",), method=str(self))


def told(found: ip.Estimate) -> list[str]:
    return [note for note in found.notes if "ceiling" in note]


@pytest.mark.parametrize("excess", [0.013, 0.5, math.inf])
def test_a_value_above_the_entropy_is_a_warning_and_stays_as_it_is(excess: float) -> None:
    found = ip.mutual_information(T, Y, Fixed(ENTROPY + excess))
    assert found.value == ENTROPY + excess
    assert found.warnings == ("The value exceeds its ceiling H(y) = 1.04 nats; read it as that.",)
    assert found.notes[0] == "its own"
    assert dataclasses.replace(found, notes=("its own",), warnings=()) == dataclasses.replace(
        Fixed(ENTROPY + excess).estimate(ip.samples.variable(T), ip.samples.variable(Y), seed=0)
    )


@pytest.mark.parametrize("value", [-3.0, 0.0, ENTROPY, ENTROPY + 1e-10])
def test_a_value_up_to_the_entropy_is_left_without_a_word(value: float) -> None:
    assert ip.mutual_information(T, Y, Fixed(value)).notes == ("its own",)


def test_an_excess_that_the_count_of_the_classes_can_be_low_by_is_a_note() -> None:
    """Counts of 30, 30 and 60 fall short of the entropy of the law behind them by about 2/240 nats."""
    assert pytest.approx(2 / 240, rel=0.02) == CORRECTED - ENTROPY
    for value in (ENTROPY + 1e-6, CORRECTED):
        found = ip.mutual_information(T, Y, Fixed(value))
        assert found.warnings == ()
        assert told(found) == [
            "The value exceeds its ceiling H(y) = 1.04 nats by no more than such a count falls short."
        ]
    assert ip.mutual_information(T, Y, Fixed(CORRECTED + 1e-6)).warnings != ()


def test_a_sample_of_inputs_that_are_all_different_has_the_ceiling_ln_n() -> None:
    """Here X is one of the samples by definition, so that nothing is missing in the count."""
    x = np.arange(120)
    assert ip.mutual_information(x, T, Fixed(math.log(120) - 1e-12)).notes == ("its own",)
    found = ip.mutual_information(x, T, Fixed(math.log(120) + 1e-6))
    assert found.warnings == ("The value exceeds its ceiling H(x) = 4.787 nats; read it as that.",)


def test_of_two_discrete_variables_the_lower_entropy_counts() -> None:
    found = ip.mutual_information(np.arange(120) % 8, Y, Fixed(1.9))
    assert told(found) == ["The value exceeds its ceiling H(y) = 1.04 nats; read it as that."]
    found = ip.mutual_information(np.arange(120) % 2, Y, Fixed(0.9))
    assert told(found) == ["The value exceeds its ceiling H(x) = 0.6931 nats; read it as that."]


def test_an_upper_end_above_the_entropy_is_a_note() -> None:
    found = ip.mutual_information(T, Y, Fixed(0.5, 3.0, "interval"))
    assert told(found) == ["The upper bound exceeds the ceiling H(y) = 1.04 nats, which is the better bound."]
    assert found.warnings == ()
    assert (found.value, found.lower, found.upper) == (0.5, 0.5, 3.0)
    assert told(ip.mutual_information(T, Y, Fixed(0.5, ENTROPY, "interval"))) == []
    both = ip.mutual_information(T, Y, Fixed(2.0, 3.0, "interval"))
    assert both.warnings == ("The value exceeds its ceiling H(y) = 1.04 nats; read it as that.",)


def test_continuous_variables_have_no_ceiling() -> None:
    assert ip.mutual_information(T, T[:, :1], Fixed(1e6)).notes == ("its own",)


def test_what_is_told_is_told_of_the_value_that_is_returned() -> None:
    """Extrapolation to 1/n = 0 replaces the value, here by one above the entropy."""
    y = np.arange(400) % 2

    @dataclass(frozen=True)
    class Falling(Estimator):
        def estimate(self, x: Variable, y: Variable, *, seed: int) -> ip.Estimate:
            return ip.Estimate(0.75 - 40 / x.n, 0.001)

    assert told(ip.mutual_information(np.random.default_rng(0).random(400), y, Falling())) == []
    found = ip.mutual_information(np.random.default_rng(0).random(400), y, Falling(), extrapolate=True)
    assert found.value == pytest.approx(0.75)
    assert told(found) == ["The value exceeds its ceiling H(y) = 0.6931 nats; read it as that."]


def test_conditional_information_has_the_conditional_entropy_as_ceiling() -> None:
    """y is one of two values once z is known, and one of four before; z continuous leaves H(y)."""
    z = np.arange(120) % 2
    y = 2 * z + (np.arange(120) // 2) % 2

    @dataclass(frozen=True)
    class Given(Fixed):
        def conditional(self, x: Variable, y: Variable, z: Variable, *, seed: int) -> ip.Estimate:
            return self.estimate(x, y, seed=seed)

    found = ip.conditional_mutual_information(T, y, z, Given(1.2))
    assert found.warnings == ("The value exceeds its ceiling H(y | z) = 0.6931 nats; read it as that.",)
    assert ip.conditional_mutual_information(T, y, z, Given(0.6931)).notes == ("its own",)
    assert ip.conditional_mutual_information(T, y, T[:, :1], Given(1.2)).notes == ("its own",)
    found = ip.conditional_mutual_information(T, y, T[:, :1], Given(1.5))
    assert found.warnings == ("The value exceeds its ceiling H(y) = 1.386 nats; read it as that.",)
