"""Objects by name, and read back from how they are written, as the command line and results hold them."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .errors import InputError, nearest


class MissingSettingError(InputError):
    """A setting without a default was not given."""


@dataclass(frozen=True)
class Registry:
    """A family of frozen dataclasses whose members are known by name.

    Attributes:
        what: one of them, as messages call it.
        example: of the written form.
        members: the classes by name.
        parts: by name, further dataclasses that may stand among their settings.
        short: other names of one class name.
    """

    what: str
    example: str
    members: Callable[[], Mapping[str, type]]
    parts: Callable[[], Mapping[str, type]] = dict
    short: Callable[[str], tuple[str, ...]] = lambda name: ()

    def names(self) -> list[str]:
        """The names of all members, as ``by_name`` takes them."""
        return sorted(self.members())

    def by_name(self, name: str, **settings: Any) -> Any:
        """A member from its name in any case, or the whole as one would write it, and its settings.

        Raises:
            InputError: unknown name or setting (the message has the nearest one), or a value that is refused.
        """
        if "(" in name:
            return self._written(name, settings)
        return self._make(self._class(name, self.members()), (), settings)

    def _class(self, name: str, known: Mapping[str, type]) -> Any:
        matches = {short: cls for key, cls in known.items() for short in self.short(key)}
        matches |= {key.lower(): cls for key, cls in known.items()}
        if name.lower() not in matches:
            raise InputError(f"There is no {self.what} {name!r}; {nearest(name, self.names())}")
        return matches[name.lower()]

    def _make(self, cls: Any, values: tuple, settings: dict[str, Any]) -> Any:
        _check_settings(cls, settings)
        missing = [name for name in _needed(cls)[len(values) :] if name not in settings]
        if missing:
            raise MissingSettingError(
                f"{cls.__name__} needs a value for {missing[0]}, as in {cls.__name__}({missing[0]}=...)."
            )
        try:
            return cls(*values, **settings)
        except TypeError as error:
            raise InputError(f"{cls.__name__} cannot be made from {settings or values}: {error}.") from None

    def _written(self, text: str, given: Mapping[str, Any]) -> Any:
        """The object of an expression of members, their parts and plain values; nothing is executed.

        Args:
            text: the expression.
            given: settings of the outermost, which go before those that are written.
        """
        members = self.members()
        known = {**self.parts(), **members}

        def value(node: ast.expr, given: Mapping[str, Any] = MappingProxyType({})) -> Any:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                cls = self._class(node.func.id, known)
                values = tuple(value(argument) for argument in node.args)
                settings = {str(word.arg): value(word.value) for word in node.keywords}
                if given:
                    named = dict(zip(_fields(cls), values, strict=False))
                    return self._make(cls, values[len(named) :], {**named, **settings, **given})
                return self._make(cls, values, settings)
            try:
                return ast.literal_eval(node)
            except ValueError:
                raise InputError(f"{ast.unparse(node)!r} in the {self.what} {text!r} is no plain value.") from None

        a = "an" if self.what[0] in "aeiou" else "a"
        try:
            made = value(ast.parse(text, mode="eval").body, given)
        except SyntaxError:
            raise InputError(f"{text!r} cannot be read as {a} {self.what}; write it like {self.example}.") from None
        if not isinstance(made, tuple(members.values())):
            raise InputError(f"{text!r} is no {self.what}; write it like {self.example}.")
        return made


def _needed(cls: Any) -> list[str]:
    """Its settings without defaults, which come first."""
    bare = (dataclasses.MISSING, dataclasses.MISSING)
    return [f.name for f in dataclasses.fields(cls) if f.init and (f.default, f.default_factory) == bare]


def _fields(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def dataclasses_of(module: Any) -> dict[str, type]:
    """The dataclasses among the public names of a module."""
    return dict(_dataclasses(module))


def _dataclasses(module: Any) -> Iterator[tuple[str, type]]:
    for name, value in vars(module).items():
        if isinstance(value, type) and dataclasses.is_dataclass(value):
            yield name, value


def _check_settings(cls: Any, settings: Mapping[str, Any]) -> None:
    fields = _fields(cls)
    for key in settings:
        if key not in fields:
            raise InputError(
                f"{cls.__name__} has no setting {key!r}; {nearest(key, fields) if fields else 'It has none.'}"
            )
