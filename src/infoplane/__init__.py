"""infoplane: how information flows through neural networks.

Five nouns: ``estimators``, ``recordings``, ``bottleneck``, ``infinite`` and ``variational``; beside them
the laws, compressors and calibration that estimators need, and the experiments built on them. Public names load on
first use, so importing the package is cheap and does not import JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = (
    "bottleneck",
    "calibration",
    "channels",
    "compressors",
    "data",
    "estimators",
    "experiments",
    "infinite",
    "jax",
    "laws",
    "networks",
    "plane",
    "plots",
    "recordings",
    "report",
    "results",
    "sweeps",
    "torch",
    "variational",
    "watching",
)

_NAMES = {
    "Estimate": "estimate",
    "InputError": "errors",
    "calibrate": "calibration",
    "conditional_mutual_information": "measures",
    "cost": "costs",
    "entropy": "measures",
    "information_plane": "plane",
    "load": "results",
    "mutual_information": "measures",
    "plane_cost": "costs",
    "save": "results",
    "summary": "plane",
}

__all__ = sorted([*_MODULES, *_NAMES, "__version__"])

if TYPE_CHECKING:
    from . import (
        bottleneck,
        calibration,
        channels,
        compressors,
        data,
        estimators,
        experiments,
        infinite,
        jax,
        laws,
        networks,
        plane,
        plots,
        recordings,
        report,
        results,
        sweeps,
        torch,
        variational,
        watching,
    )
    from .calibration import calibrate
    from .costs import cost, plane_cost
    from .errors import InputError
    from .estimate import Estimate
    from .measures import conditional_mutual_information, entropy, mutual_information
    from .plane import information_plane, summary
    from .results import load, save


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
    raise AttributeError(f"module 'infoplane' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
