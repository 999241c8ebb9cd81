"""The files that pages are made of."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup


def file(name: str) -> str:
    """The text of a file beside this one."""
    return files("infoplane.report").joinpath(name).read_text(encoding="utf-8")


def as_it_is(name: str) -> Markup:
    """The same for a template: neither escaped nor changed."""
    from markupsafe import Markup

    return Markup(file(name))


def together(*names: str) -> Markup:
    """Several files one after the other, as they are."""
    from markupsafe import Markup

    return Markup("\n").join(map(as_it_is, names))


def template(name: str) -> Template:
    """A template, whose values are escaped; it may include others."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    loader = FunctionLoader(file)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)
