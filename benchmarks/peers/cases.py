"""The laws on which all packages are compared, and their samples as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infoplane import laws
from infoplane.laws import Law


@dataclass(frozen=True)
class Case:
    """A law and how many samples of it are drawn."""

    name: str
    law: Law
    n: int

    def write(self, folder: Path, seed: int) -> Path:
        """A folder with ``x.npy`` and ``y.npy``, made once: (n, d) float64, or (n,) integers where Y is a label."""
        place = folder / f"{self.name}-{seed}"
        if not (place / "y.npy").exists():
            place.mkdir(parents=True, exist_ok=True)
            x, y = self.law.sample(self.n, seed)
            np.save(place / "x.npy", x)
            np.save(place / "y.npy", y[:, 0] if self.law.kinds[1] == "discrete" else y)
        return place


_NORMALS = ((1, 1.0, 10_000), (2, 1.0, 50_000), (5, 1.0, 10_000), (10, 1.438, 10_000))
CASES = (
    *(Case(f"normal {d}+{d}", laws.correlated_normal(mi, dim_x=d, dim_y=d), n) for d, mi, n in _NORMALS),
    Case("5 of 100, linear", laws.embedded_normal(), 4_000),
    Case("5 of 100, tanh network", laws.tanh_embedding(), 4_000),
    Case("1 and labels", laws.normal_classes(0.5, classes=3), 10_000),
)
