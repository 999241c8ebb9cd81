"""How long experiments took where their results are kept, to foretell how long the next run will."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources


@functools.cache
def _measured() -> dict[str, dict[str, float]]:
    return tomllib.loads(
        resources.files("infoplane.experiments").joinpath("durations.toml").read_text(encoding="utf-8")
    )


def seconds(name: str, quick: bool) -> float | None:
    """Seconds that a run took on two cores, at full or at reduced size; None for an experiment that was not timed."""
    return _measured()["quick" if quick else "full"].get(name)
