"""Objectives by name, and read back from how they are written."""

from __future__ import annotations

import inspect
from typing import Any

from ..naming import Registry, dataclasses_of
from .objectives import Objective


def names() -> list[str]:
    """The names of all objectives, as ``by_name`` takes them."""
    return _REGISTRY.names()


def by_name(name: str, **settings: Any) -> Objective:
    """An objective from its name and settings, as the command line writes them.

    Args:
        name: class name in any case, or a short one, "dual", "squared", "nonlinear"; or the whole as one would write
            it, "DualVIB(beta=100, labels=Smooth(eps=0.1))".
        settings: values for its fields.

    Raises:
        InputError: unknown name or setting (the message has the nearest one), or a value the objective refuses.
    """
    return _REGISTRY.by_name(name, **settings)


def _known() -> dict[str, type[Objective]]:
    from . import objectives

    return {c.__name__: c for c in vars(objectives).values() if isinstance(c, type) and _is_leaf(c)}


def _is_leaf(cls: type) -> bool:
    return issubclass(cls, Objective) and not inspect.isabstract(cls)


def _parts() -> dict[str, type]:
    from . import label_noise, schedule

    return dataclasses_of(label_noise) | dataclasses_of(schedule)


def _short(name: str) -> tuple[str, ...]:
    """ "DualVIB" is "dual"; "VIB" and "CEB" stay."""
    bare = name.removesuffix("VIB").removesuffix("IB").lower()
    return (bare,) if len(bare) > 1 else ()


_REGISTRY = Registry("objective", "VIB(beta=1000)", _known, _parts, _short)
