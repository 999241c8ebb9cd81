"""The calibration that the documentation shows, as it is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

import infoplane as ip

COMMITTED = Path(__file__).parents[2] / "docs" / "results" / "calibration" / "benchmark.nc"


@pytest.mark.skipif(not COMMITTED.exists(), reason="docs/results is not part of a source distribution")
def test_intervals_of_the_automatic_choice_can_be_believed() -> None:
    """At least 85 % of unwarned intervals cover, 60 % are unwarned, and they are as narrow as allowed."""
    found = ip.calibration.summary(ip.load(COMMITTED)).sel(estimator="Automatic()")
    assert found.cases > 2000
    assert found.coverage >= 0.85
    assert found.unwarned >= 0.60
    assert found.half_width <= found.allowed_half_width
    assert found.holds == 1
    shown = (COMMITTED.parents[2] / "calibration.md").read_text()
    assert f"| Automatic() | {int(found.cases):,} |" in shown
    assert f"| {100 * float(found.coverage):.0f} % | {float(found.half_width):.2g} |" in shown
