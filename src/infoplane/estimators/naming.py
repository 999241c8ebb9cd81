"""Estimators by name, and read back from how they are written."""

from __future__ import annotations

import inspect
from typing import Any

from ..naming import Registry, dataclasses_of
from .base import Estimator


def names() -> list[str]:
    """The names of all estimators, as ``by_name`` takes them."""
    return _REGISTRY.names()


def by_name(name: str, **settings: Any) -> Estimator:
    """An estimator from its name and settings, as the command line writes them.

    Args:
        name: class name in any case, such as "binned"; or the whole as one would write it,
            "Debiased(WeightedKL(k=40), permutations=8)".
        settings: values for its fields.

    Raises:
        InputError: unknown name or setting (the message has the nearest one), or a value the estimator refuses.
    """
    return _REGISTRY.by_name(name, **settings)


def _known() -> dict[str, type[Estimator]]:
    from .. import estimators

    return {c.__name__: c for c in vars(estimators).values() if isinstance(c, type) and _is_leaf(c)}


def _is_leaf(cls: type) -> bool:
    return issubclass(cls, Estimator) and not inspect.isabstract(cls)


def _parts() -> dict[str, type]:
    from .. import compressors

    return dataclasses_of(compressors)


_REGISTRY = Registry("estimator", "Debiased(WeightedKL(k=40))", _known, _parts)
