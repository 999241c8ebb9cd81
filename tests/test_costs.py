"""What a run will take: the fit follows the power of n that a method has, and says how it was found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import infoplane as ip
from infoplane import costs
from infoplane.compressors import PCA
from infoplane.estimators import (
    KDE,
    KSG,
    Automatic,
    Binned,
    Compressed,
    InfoNCE,
    PairwiseBounds,
    Subsampled,
    WeightedKL,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that runs add to, in place of those that pass."""
    passed = [0.0]

    def seconds(work: Callable[[], object]) -> float:
        before = passed[0]
        work()
        return passed[0] - before

    monkeypatch.setattr(costs, "_seconds", seconds)
    return passed


@pytest.mark.parametrize(("exponent", "between"), [(2.0, (2.0, 2.0)), (1.4, (1.0, 2.0)), (1.1, (1.0, 1.2))])
def test_the_fit_finds_the_power_and_the_constant(
    clock: list[float], exponent: float, between: tuple[float, float]
) -> None:
    def work(n: int) -> None:
        clock[0] += 0.05 + 1e-3 * (n / 1000) ** exponent

    found = costs._followed(lambda n: lambda: work(n), 1_000_000, between, 2000, budget=0.5)
    assert found.exponent == pytest.approx(exponent)
    assert found.seconds == pytest.approx(0.05 + 1e-3 * 1000**exponent, rel=1e-3)
    assert found.sizes == (2000, 4000, 8000, 16000, 32000)[: len(found.sizes)]
    assert found.misfit < 1e-3


def test_a_size_that_was_run_is_not_extrapolated(clock: list[float]) -> None:
    def work(n: int) -> None:
        clock[0] += n / 1e6 if n < 3000 else 7.0

    assert costs._followed(lambda n: lambda: work(n), 3000, (1.0, 1.2), 2000, budget=10.0).seconds == pytest.approx(7.0)


def test_pairs_are_known_to_grow_with_the_square_and_nothing_grows_once_parts_are_taken() -> None:
    assert costs.growth(PairwiseBounds(0.1), 10**6, 10) == costs.growth(KDE(), 10**6, 2) == (2.0, 2.0)
    assert costs.growth(Compressed(WeightedKL(), x=PCA(3)), 10**6, 2000) == costs.growth(WeightedKL(), 10**6, 3)
    assert (
        costs.growth(Compressed(WeightedKL(), y=PCA(3)), 10**6, 9, 2000)
        == costs.growth(WeightedKL(), 10**6, 12)
        == (2.0, 2.0)
    )
    assert costs.growth(Subsampled(KDE()), 10**6, 2) == costs.growth(InfoNCE(), 10**6, 2)[:1] * 2 == (0.0, 0.0)
    assert costs.growth(KSG(), 10**6, 2)[1] < 2.0 == costs.growth(KSG(), 10**6, 4)[1]
    assert costs.growth(Automatic(), 10**6, 2) == costs.growth(Binned(), 10**6, 2)


def test_a_cost_of_an_estimate_is_told_in_a_sentence() -> None:
    found = ip.cost(Binned(10), 10**7, 1, 1, null=20, budget=0.02)
    assert 0.0 < found.seconds < 1e4
    assert found.bytes > 10**7  # codes of both sides at the least
    assert "20 shuffles included" in found.how
    assert str(found).endswith("on this machine")


def test_a_plane_costs_its_snapshots() -> None:
    random = np.random.default_rng(0)
    layer = random.standard_normal((2, 3, 400, 2))
    recording = ip.recordings.from_arrays({"a": layer}, random.integers(2, size=400))
    found = ip.plane_cost(recording, Binned(4), budget=0.02)
    assert found is not None
    assert "times 6 snapshots" in found.how
    assert found.seconds > min(found.measured)


def test_numbers_of_samples_that_are_none_are_refused() -> None:
    with pytest.raises(ip.InputError, match="cost's n"):
        ip.cost(Binned(4), -5, 1)
    with pytest.raises(ip.InputError, match="needs an estimator"):
        ip.cost(KSG, 100, 1)  # pyright: ignore


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.5, "about 0.5 s and 1.4 GB"), (720.0, "about 12 min"), (9000.0, "about 2.5 h")]
)
def test_times_are_told_in_their_unit(seconds: float, told: str) -> None:
    assert str(costs.Cost(seconds, 1.4e9, 1.0, (1,), (1.0,), 0.0, "")).startswith(told)
