"""An estimate keeps its unit, its direction and its doubts."""

from __future__ import annotations

import dataclasses
import math
from statistics import NormalDist

import pytest

from infoplane import Estimate, InputError

NAN, INF = math.nan, math.inf
Z = NormalDist().inv_cdf(0.975)
KINDS = {
    "exact": Estimate(1.0, direction="exact"),
    "estimate": Estimate(-0.2, stderr=0.1),
    "lower": Estimate(1.0, stderr=0.1, lower=1.0, direction="lower"),
    "upper": Estimate(1.0, stderr=0.1, upper=1.0, direction="upper"),
    "interval": Estimate(1.0, stderr=0.1, lower=0.5, upper=2.0, direction="interval"),
}
INTERVALS = {
    "exact": (1.0, 1.0),
    "estimate": (-0.2 - 0.1 * Z, -0.2 + 0.1 * Z),
    "lower": (1.0 - 0.1 * Z, INF),
    "upper": (-INF, 1.0 + 0.1 * Z),
    "interval": (0.5 - 0.1 * Z, 2.0 + 0.1 * Z),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_of_every_direction(kind: str) -> None:
    assert KINDS[kind].interval() == pytest.approx(INTERVALS[kind])


def test_the_interval_widens_with_its_level() -> None:
    low, high = KINDS["estimate"].interval(0.6827)
    assert (low, high) == pytest.approx((-0.3, -0.1), abs=1e-4)


@pytest.mark.parametrize("kind", ["lower", "upper", "interval", "exact"])
def test_without_a_standard_error_bounds_stand_as_they_are_and_a_note_says_so(kind: str) -> None:
    bare = dataclasses.replace(KINDS[kind], stderr=NAN, notes=())
    low, high = bare.interval()
    assert low == {"lower": 1.0, "upper": -INF, "interval": 0.5, "exact": 1.0}[kind]
    assert high == {"lower": INF, "upper": 1.0, "interval": 2.0, "exact": 1.0}[kind]
    assert sum("No standard error" in note for note in bare.notes) == 1
    assert sum("No standard error" in note for note in bare.to("bits").notes) == 1


def test_with_a_standard_error_there_is_no_such_note() -> None:
    assert KINDS["interval"].notes == ()


def test_an_estimate_without_a_standard_error_has_no_interval() -> None:
    assert all(math.isnan(end) for end in Estimate(1.0).interval())
    assert Estimate(1.0).notes == ()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, NAN])
def test_a_level_is_between_0_and_1(level: float) -> None:
    with pytest.raises(InputError, match="level between 0 and 1"):
        KINDS["estimate"].interval(level)


def test_units_scale_every_number_and_nothing_else() -> None:
    nats = Estimate(1.0, 0.1, 0.5, 2.0, "interval", "I(X;Y)", 0.05, 0.02, n_samples=9, notes=("a",), method="m")
    nats = dataclasses.replace(nats, details={"raw": 1.0})
    bits = nats.to("bits")
    assert bits.details == {"raw": 1.0}  # always in nats
    for name in ("value", "stderr", "lower", "upper", "null"):
        assert getattr(bits, name) == pytest.approx(getattr(nats, name) / math.log(2))
    for name in ("direction", "quantity", "p_value", "n_samples", "notes", "method"):
        assert getattr(bits, name) == getattr(nats, name)
    assert bits.unit == "bits"
    assert bits.to("bits") is bits
    back = bits.to("nats")
    assert (back.value, back.upper, back.unit) == (pytest.approx(1.0), pytest.approx(2.0), "nats")
    assert math.isnan(Estimate(1.0).to("bits").lower)


def test_other_units_are_refused() -> None:
    with pytest.raises(InputError, match="'nats' and 'bits', got 'bit'"):
        KINDS["exact"].to("bit")  # pyright: ignore


def test_it_is_a_number() -> None:
    assert float(KINDS["estimate"]) == -0.2
    assert float(Estimate(INF)) == INF


@pytest.mark.parametrize("value", [NAN, -INF])
def test_it_never_hides_that_nothing_was_found(value: float) -> None:
    with pytest.raises(ValueError, match="a value is finite or \\+inf"):
        Estimate(value)


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        KINDS["exact"].value = 2.0  # pyright: ignore


def test_it_reads_as_a_line_with_its_error_and_unit() -> None:
    assert str(KINDS["estimate"]) == "I(X;Y) = -0.2 ± 0.1 nats"
    assert str(KINDS["interval"]) == "I(X;Y) = 1 in [0.5, 2] nats"
    assert str(KINDS["lower"]) == "I(X;Y) = 1 (lower bound) nats"
    assert str(Estimate(1.0)) == "I(X;Y) = 1 nats"
