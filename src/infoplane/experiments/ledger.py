"""The ledger: what the source works claim, which of our tests decide it, and what each of these costs.

What is claimed, and which tests belong to it, stands in ``ledger.toml``; verdicts and numbers are those that the
experiments left in their folders. Nothing is computed here.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import registry
from .base import Claim


@dataclass(frozen=True)
class Record:
    """An experiment, and what is known of its run.

    Attributes:
        name, title: of the experiment.
        size: how much it repeats, such as "50 networks".
        command: runs it again.
        folder: of its result; None where there is none.
        seconds: wall time of the run; nan where it was not run.
        cores: that the run could use; None where that was not written down.
        claims: with verdicts, in its own order.
        figure: the picture that stands for it, or None.
        trouble: why there are no claims; empty where there are.
        failed: it was run and broke; not that it was not run, or lacks data or a package.
    """

    name: str
    title: str
    size: str
    command: str
    folder: Path | None = None
    seconds: float = float("nan")
    cores: int | None = None
    claims: tuple[Claim, ...] = ()
    figure: Path | None = None
    trouble: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Test:
    """A claim of ours that speaks for or against a statement; opposite: its failure speaks for it."""

    record: Record
    claim: Claim
    opposite: bool = False

    @property
    def speaks(self) -> str:
        """What it says of the statement."""
        turned = {"holds": "fails", "fails": "holds"} if self.opposite else {}
        return turned.get(self.claim.verdict, self.claim.verdict)


@dataclass(frozen=True)
class Statement:
    """What a source claims.

    Attributes:
        text: one sentence.
        source: the work.
        standing: how far we know that it says so: "stated", "code", "told" or "unverified".
        verdict: "holds", "in part", "fails", "unclear" or "not tested".
        tests: that decide it; empty where it is not tested.
        reason: why it is not tested, or what of it is not.
    """

    text: str
    source: str
    standing: str
    verdict: str
    tests: tuple[Test, ...]
    reason: str


@dataclass(frozen=True)
class Part:
    """A part of a work.

    Attributes:
        key, short, work, title, lead: of the part; short is its title in few words.
        statements: of its sources.
        further: claims of its experiments that decide no statement: (experiment, claims).
    """

    key: str
    short: str
    work: str
    title: str
    lead: str
    statements: tuple[Statement, ...]
    further: tuple[tuple[Record, tuple[Claim, ...]], ...]


@dataclass(frozen=True)
class Ledger:
    """All parts, all experiments, and whether these are runs at reduced size."""

    parts: tuple[Part, ...]
    records: tuple[Record, ...]
    quick: bool = False


def combined(verdicts: Sequence[str], *, any_is_enough: bool = False) -> str:
    """The verdict on a statement: it holds if all tests do, in part if one does and one fails.

    Args:
        verdicts: what the tests say of it.
        any_is_enough: the statement says that something can happen; then one test that holds decides.
    """
    found = set(verdicts)
    if not found:
        return "not tested"
    if found == {"holds"} or (any_is_enough and "holds" in found):
        return "holds"
    if "fails" in found:
        return "in part" if "holds" in found else "fails"
    return "unclear"


def plan() -> dict[str, Any]:
    """What ``ledger.toml`` says."""
    return tomllib.loads(files("infoplane.experiments").joinpath("ledger.toml").read_text(encoding="utf-8"))


def missing(name: str, trouble: str, *, quick: bool = False, failed: bool = False) -> Record:
    """The record of an experiment without a result: why there is none, and whether it was run and broke."""
    experiment = registry.describe(name)
    command = shlex.join(["infoplane", "reproduce", name, *(["--quick"] if quick else [])])
    return Record(name, experiment.title, _size(name, command), command, trouble=trouble, failed=failed)


def read(name: str, folder: Path, figures: Mapping[str, str] | None = None) -> Record:
    """The record of an experiment from the folder it wrote or that was kept of it.

    Args:
        name: of the experiment.
        folder: with its ``claims.json``.
        figures: which picture stands for which experiment; that of ``ledger.toml`` if None.

    Raises:
        InputError: there is no ``claims.json``, or it is not one.
    """
    path = folder / "claims.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        claims = tuple(Claim(**claim) for claim in found["claims"])
        return Record(
            name=name,
            title=str(found["title"]),
            size=_size(name, found["command"]),
            command=str(found["command"]),
            folder=folder,
            seconds=float(found["wall_time_s"]),
            cores=found.get("cores"),
            claims=claims,
            figure=_figure(folder, (plan()["figures"] if figures is None else figures).get(name)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__} {error}"
        raise InputError(f"{path} holds no verdicts of an experiment: {reason}.") from None


def assemble(records: Sequence[Record], *, quick: bool = False, outline: Mapping[str, Any] | None = None) -> Ledger:
    """Lay the claims of all experiments against the statements of the source works.

    Args:
        records: of all experiments.
        quick: they were run at reduced size.
        outline: parts and statements; those of ``ledger.toml`` if None.
    """
    known = {record.name: record for record in records}
    parts = (plan() if outline is None else outline)["part"]
    statements = {part["key"]: tuple(_statement(entry, known) for entry in part["statement"]) for part in parts}
    used = {(t.record.name, t.claim.text) for found in statements.values() for s in found for t in s.tests}
    made = []
    for part in parts:
        further = []
        for record in (known[name] for name in part["experiments"] if name in known):
            rest = tuple(claim for claim in record.claims if (record.name, claim.text) not in used)
            if rest:
                further.append((record, rest))
        said = {key: part[key] for key in ("key", "short", "work", "title", "lead")}
        made.append(Part(**said, statements=statements[part["key"]], further=tuple(further)))
    return Ledger(tuple(made), tuple(records), quick)


def _statement(entry: Mapping[str, Any], known: Mapping[str, Record]) -> Statement:
    tests: list[Test] = []
    troubles = [str(entry[key]) for key in ("untested", "note") if key in entry]
    for reference in entry.get("tests", ()):
        opposite = reference.startswith("not ")
        name, pattern = reference.removeprefix("not ").split(": ", 1)
        if name not in known:
            continue
        record = known[name]
        found = [Test(record, claim, opposite) for claim in record.claims if fnmatchcase(claim.text, pattern)]
        tests += [test for test in found if test not in tests]
        trouble = f"{name}: {record.trouble}" if record.trouble else f"{name} makes no such claim at this size."
        if not found and trouble not in troubles:
            troubles.append(trouble)
    verdict = combined([test.speaks for test in tests], any_is_enough=bool(entry.get("any")))
    return Statement(entry["text"], entry["source"], entry["standing"], verdict, tuple(tests), " ".join(troubles))


def _size(name: str, command: str) -> str:
    """How much a run of this command repeats."""
    experiment, words = registry.describe(name), shlex.split(command)
    count = experiment.quick_seeds if "--quick" in words else experiment.seeds
    if "--seeds" in words:
        count = int(words[words.index("--seeds") + 1])
    return f"{count} {experiment.unit if count > 1 else experiment.unit.removesuffix('s')}"


def _figure(folder: Path, wanted: str | None) -> Path | None:
    there = sorted((folder / "figures").glob("*.png"))
    return next((path for path in there if path.stem == wanted), there[0] if there else None)
