"""Mutual information against latent size."""

from __future__ import annotations

import math

import pytest

import infoplane as ip
from infoplane import laws
from infoplane.compressors import latent_sweep
from infoplane.compressors.sweep import plateau
from infoplane.estimators import Gaussian, WeightedKL


def test_the_plateau_of_a_law_with_two_dependent_directions() -> None:
    x, y = laws.correlated_normal(1.5, 6, 6, pairs=2).sample(2000, 0)
    scale = [6, 5, 1, 1, 1, 1]  # the dependent columns are the liveliest
    found = latent_sweep(Gaussian(), x * scale, y * scale, dims=(1, 2, 4, 6))
    assert found.dims == (1, 2, 4, 6)
    assert found.plateau == 2
    assert found.values[0] < 1.2
    assert found.values[1] == pytest.approx(1.5, abs=0.12)  # four standard errors of .03


def test_refusals_are_recorded_and_the_sweep_goes_on() -> None:
    x, y = laws.correlated_normal(1.0, 10, 10).sample(400, 0)
    found = latent_sweep(WeightedKL(), x, y, dims=(2, 10))
    assert math.isnan(found.values[1])
    assert math.isfinite(found.values[0])
    assert any("At 10: WeightedKL sees no density in 20 dimensions" in note for note in found.notes)


def test_plateaus() -> None:
    def at(*values: float) -> list[ip.Estimate | None]:
        return [None if math.isnan(v) else ip.Estimate(v, stderr=0.02) for v in values]

    assert plateau((1, 2, 4, 8), at(0.5, 1.0, 1.02, 0.98)) == 2
    assert plateau((1, 2, 4), at(0.5, 1.0, 1.5)) is None
    assert plateau((1, 2, 4), at(0.5, 1.0, math.nan)) is None
    assert plateau((1, 2), at(math.nan, 1.0)) is None


def test_sizes_are_whole_numbers() -> None:
    with pytest.raises(ip.InputError, match="whole numbers"):
        latent_sweep(None, [[0.0], [1.0]], [[0.0], [1.0]], dims=(0,))
