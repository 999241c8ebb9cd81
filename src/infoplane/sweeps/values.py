"""The values a sweep is made of: plain ones, as TOML and JSON have them, in a form that is the same for equal ones."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import InputError
from ..samples import is_whole


def canonical(value: Any) -> str:
    """JSON of plain values, the same for equal ones: sorted, without spaces, whole floats written as integers."""
    return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _whole(value: Any) -> Any:
    """So that a grid 0, 1 can grow to 0, 0.5, 1 and keep its jobs."""
    if isinstance(value, Mapping):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain(value: Any, where: str) -> Any:
    """A value as JSON has it: arrays and tuples become lists, numbers of NumPy those of Python.

    Raises:
        InputError: a date, nan, or an object.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(one, where) for one in value]
    if isinstance(value, float) and math.isnan(value):
        raise InputError(f"{where} of a sweep is nan, which equals nothing; leave it out or write another value.")
    if not isinstance(value, str | bool | int | float):
        raise InputError(
            f"{where} of a sweep needs text, numbers, true or false, or lists and tables of them, got {value!r}."
        )
    return value


def axis(value: Any, where: str) -> tuple[Any, ...]:
    """The values of one dimension: all different, and all of one kind.

    Raises:
        InputError: no list, an empty one, values that are the same twice or of several kinds.
    """
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise InputError(f"{where} needs a list of values, such as [1, 2, 4], got {value!r}; one value is a setting.")
    found = plain(list(value), where)
    if not found:
        raise InputError(f"{where} is an empty list, so there would be no job; give it at least one value.")
    kinds = {_kind(one) for one in found}
    if len(kinds) > 1:
        raise InputError(f"{where} has values of several kinds ({', '.join(sorted(kinds))}); they need to be of one.")
    if kinds == {"numbers"} and any(isinstance(one, float) for one in found):
        found = [float(one) for one in found]
    _check_different(found, [canonical(one) for one in found], where)
    return tuple(found)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    return "numbers" if isinstance(value, int | float) else "lists or tables"


def _check_different(values: list[Any], same: list[Any], where: str) -> None:
    for position, one in enumerate(same):
        if one in same[:position]:
            raise InputError(f"{where} has {values[position]!r} twice; every value is one place of the grid.")


def seeds(value: Any) -> tuple[int, ...]:
    """The seeds of a sweep: their number, or their list.

    Raises:
        InputError: anything else.
    """
    found = list(range(value)) if is_whole(value) else list(value) if isinstance(value, list | tuple | range) else []
    if not found or not all(is_whole(seed) and seed >= 0 for seed in found):
        raise InputError(f"seeds needs a number of seeds, 1 or more, or a list of them, 0 or more, got {value!r}.")
    _check_different(found, found, "seeds")
    return tuple(int(seed) for seed in found)


def estimators(value: Any) -> tuple[str, ...]:
    """Estimators of a sweep, as the command line writes them; each is one there is.

    Raises:
        InputError: no list of texts, an unknown name or setting, or the same one twice.
    """
    from ..estimators import by_name

    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) for one in value):
        raise InputError(f'estimators needs a list such as ["KSG(k=3)", "Gaussian"], got {value!r}.')
    _check_different(list(value), [repr(by_name(one)) for one in value], "estimators")
    return tuple(value)


def label(value: Any) -> Any:
    """A value as a coordinate: what is no single value is written as JSON."""
    return canonical(value) if isinstance(value, list | dict) else value
