"""Estimators by name, and read back from how they are written."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import Any

from ..errors import InputError, nearest
from .base import Estimator


def names() -> list[str]:
    """The names of all estimators, as ``by_name`` takes them."""
    return sorted(_known())


def by_name(name: str, **settings: Any) -> Estimator:
    """An estimator from its name and settings, as the command line writes them.

    Args:
        name: class name in any case, such as "binned"; or the whole as one would write it,
            "Debiased(WeightedKL(k=40), permutations=8)".
        settings: values for its fields.

    Raises:
        InputError: unknown name or setting (the message has the nearest one), or a value the estimator refuses.
    """
    if "(" in name:
        return dataclasses.replace(_written(name), **settings)
    return _make(_class(name, _known()), (), settings)


def _known() -> dict[str, type[Estimator]]:
    from .. import estimators

    return {c.__name__: c for c in vars(estimators).values() if isinstance(c, type) and _is_leaf(c)}


def _is_leaf(cls: type) -> bool:
    return issubclass(cls, Estimator) and not inspect.isabstract(cls)


def _class(name: str, known: dict[str, Any]) -> Any:
    matches = {key.lower(): cls for key, cls in known.items()}
    if name.lower() not in matches:
        raise InputError(f"There is no estimator {name!r}; {nearest(name, names())}")
    return matches[name.lower()]


def _make(cls: Any, values: tuple, settings: dict[str, Any]) -> Any:
    fields = [field.name for field in dataclasses.fields(cls)]
    for key in settings:
        if key not in fields:
            raise InputError(
                f"{cls.__name__} has no setting {key!r}; {nearest(key, fields) if fields else 'It has none.'}"
            )
    try:
        return cls(*values, **settings)
    except TypeError as error:
        raise InputError(f"{cls.__name__} cannot be made from {settings or values}: {error}.") from None


def _written(text: str) -> Estimator:
    """The object of an expression of estimators, compressors and plain values; nothing is executed."""
    from .. import compressors

    parts = {**vars(compressors), **_known()}
    known = {name: cls for name, cls in parts.items() if isinstance(cls, type) and dataclasses.is_dataclass(cls)}

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            settings = {str(word.arg): value(word.value) for word in node.keywords}
            return _make(_class(node.func.id, known), tuple(value(a) for a in node.args), settings)
        try:
            return ast.literal_eval(node)
        except ValueError:
            raise InputError(f"{ast.unparse(node)!r} in the estimator {text!r} is no plain value.") from None

    try:
        made = value(ast.parse(text, mode="eval").body)
    except SyntaxError:
        raise InputError(
            f"{text!r} cannot be read as an estimator; write it like Debiased(WeightedKL(k=40))."
        ) from None
    if not isinstance(made, Estimator):
        raise InputError(f"{text!r} is no estimator; write it like Debiased(WeightedKL(k=40)).")
    return made
