"""Bottleneck methods by name, and read back from how they are written."""

from __future__ import annotations

import inspect
from typing import Any

from ..naming import Registry, dataclasses_of
from .base import Method


def names() -> list[str]:
    """The names of all methods, as ``by_name`` takes them."""
    return _REGISTRY.names()


def by_name(name: str, **settings: Any) -> Method:
    """A method from its name and settings, as the command line writes them.

    Args:
        name: class name in any case, with or without its last "IB": "dib", "dual"; or the whole as one would write
            it, "GeneralizedIB(alpha=0.5)".
        settings: values for its fields.

    Raises:
        InputError: unknown name or setting (the message has the nearest one), or a value the method refuses.
    """
    return _REGISTRY.by_name(name, **settings)


def _known() -> dict[str, type[Method]]:
    from .. import bottleneck

    return {c.__name__: c for c in vars(bottleneck).values() if isinstance(c, type) and _is_leaf(c)}


def _is_leaf(cls: type) -> bool:
    return issubclass(cls, Method) and not inspect.isabstract(cls)


def _parts() -> dict[str, type]:
    from .. import bottleneck

    return dataclasses_of(bottleneck)


def _short(name: str) -> tuple[str, ...]:
    """ "DualIB" is "dual"; "DIB" stays, as a single letter says nothing."""
    bare = name.removesuffix("IB").lower()
    return (bare,) if len(bare) > 1 else ()


_REGISTRY = Registry("method", "GeneralizedIB(alpha=0.5)", _known, _parts, _short)
