"""The commands in the documentation parse: programs, targets, subcommands, options and names are there."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from documented import PAGES, ROOT, blocks

import infoplane as ip
from infoplane.cli.app import app

_INLINE = re.compile(r"`(infoplane [a-z][^`]*)`")
_PYTHON = ("python", "python3")


def typed(page: Path) -> list[tuple[str, str]]:
    """(where, command line) of what a page tells to type, with lines that go on joined."""
    found = []
    for block in blocks(page, "console"):
        lines = block.text.replace("\\\n", " ").splitlines()
        found += [(block.where, line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
    text = page.read_text(encoding="utf-8")
    return found + [(page.name, " ".join(said.split())) for said in _INLINE.findall(text)]


def problem(line: str) -> str | None:
    """What is wrong with a command line; None if it parses. Nothing is run."""
    words = [word for word in shlex.split(line, comments=True) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if not words:
        return None
    program, *rest = words
    program = Path(program).name
    if program == "infoplane":
        return _infoplane(rest)
    if program == "make":
        targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return next((f"no target {word}" for word in rest if "=" not in word and word not in targets), None)
    if program in _PYTHON and rest[:1] == ["-m"] and rest[1].startswith("benchmarks"):
        module = ROOT / rest[1].replace(".", "/")
        return None if module.is_dir() or module.with_suffix(".py").exists() else f"no module {rest[1]}"
    return None


@cache
def _commands() -> Any:
    return typer.main.get_command(app)


def _infoplane(words: list[str]) -> str | None:
    group = _commands()
    context = group.context_class(group, info_name="infoplane")
    name, *arguments = words or [""]
    if name.startswith("-"):
        return None if name == "--help" else f"no option {name}"
    command = group.get_command(context, name)
    if command is None:
        return f"no command {name}"
    # Options are all checked; values are not converted, since files in the text need not be here.
    within = command.context_class(command, parent=context, info_name=name)
    try:
        values, _, _ = command.make_parser(within).parse_args(arguments)
    except Exception as error:  # click's or typer's own copy of it, by version
        if not hasattr(error, "format_message"):
            raise
        return error.format_message()  # type: ignore[attr-defined]
    named = values.get("name")
    if name == "reproduce" and isinstance(named, str) and named.islower() and named not in ip.experiments.names():
        return f"no experiment {named}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_parse(page: Path) -> None:
    found = {f"{where}: {line}": problem(line) for where, line in typed(page)}
    assert {said: wrong for said, wrong in found.items() if wrong} == {}


def test_there_are_commands() -> None:
    assert sum(line.startswith("infoplane") for page in PAGES for _, line in typed(page)) > 20


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("infoplane estimate x.npy y.npy --null 20  # a comment", None),
        ("CUDA_VISIBLE_DEVICES= infoplane report docs/results/*.nc --out page.html", None),
        ("infoplane estimat x.npy y.npy", "no command"),
        ("infoplane estimate x.npy y.npy --nul-l 20", "No such option"),
        ("infoplane reproduce black-bx", "no experiment"),
        ("make dems", "no target"),
        ("python -m benchmarks.nothing", "no module"),
        ("pip install '.[torch]'", None),
    ],
)
def test_what_is_wrong_is_seen(line: str, wrong: str | None) -> None:
    found = problem(line)
    assert (found is None) == (wrong is None)
    assert wrong is None or wrong in str(found)
