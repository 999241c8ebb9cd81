"""How far an estimator can be believed: its bias, spread and interval coverage on laws with known mutual information.

``calibrate`` runs one estimator at a user's own size; ``run`` a whole benchmark, whose sizes ``preset`` gives. Their
Datasets are read by ``summary`` and ``failures``.
"""

from . import tables
from .calibrate import calibrate
from .families import CONTINUOUS, LABELS, Family, Size
from .suite import PRESETS, Grid, preset, run
from .verdicts import failures, summary

__all__ = [
    "CONTINUOUS",
    "LABELS",
    "PRESETS",
    "Family",
    "Grid",
    "Size",
    "calibrate",
    "failures",
    "preset",
    "run",
    "summary",
    "tables",
]
