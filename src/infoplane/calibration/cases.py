"""One case: an estimator on one sample of one law; and many of them, in any order, on any executor."""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import InputError
from ..estimators import Estimator
from ..laws.base import Law
from ..measures import mutual_information
from ..progress import Progress
from .families import Size


class Cell(NamedTuple):
    """Where a case stands in a benchmark, all but its repetition."""

    estimator: str
    law: str
    dimension: str
    n: int
    mi: float


@dataclass(frozen=True)
class Case:
    """An estimator on the samples of one law.

    Every estimator meets the same samples at one (law, n, repetition), and no two of these share random numbers: with
    one seed for all, a normal law and its cubes would be the same samples to whatever sees ranks only.

    Attributes:
        estimator: what is tried.
        family: name of the law's family.
        law: where the samples come from.
        size: dimensions.
        mi: the information asked for; ``law.mutual_information`` is the truth.
        n: samples.
        repetition: which of the repeated draws; also the estimator's seed.
    """

    estimator: Estimator
    family: str
    law: Law = field(compare=False)
    size: Size
    mi: float
    n: int
    repetition: int

    @property
    def cell(self) -> Cell:
        return Cell(self.estimator.short, self.family, str(self.size), self.n, self.mi)

    @property
    def data_seed(self) -> int:
        """The seed of the samples: ``law.sample(n, data_seed)`` gives them again."""
        return zlib.crc32(json.dumps([self.family, str(self.law), self.n, self.repetition]).encode())

    @property
    def key(self) -> str:
        """The case in one line, the same in every run."""
        return json.dumps(
            [str(self.estimator), str(self.law), self.family, str(self.size), self.mi, self.n, self.repetition]
        )


class Record(NamedTuple):
    """What a case gave; nats.

    Attributes:
        value: the estimate; nan where refused.
        stderr: its standard error; nan where there is none.
        lower, upper: ends of the 95 % interval; nan where there is none, infinite on the open side of a bound.
        warned: the estimate carries a warning.
        seconds: what it took, compiling included.
        method: how the value was made.
        warning: the first of its warnings.
        reason: why there is no value.
    """

    value: float
    stderr: float
    lower: float
    upper: float
    warned: bool
    seconds: float
    method: str = ""
    warning: str = ""
    reason: str = ""


def measure(case: Case) -> Record:
    """Draw the samples and estimate; what the estimator refuses is recorded with its reason."""
    x, y = case.law.sample(case.n, case.data_seed)
    started = time.perf_counter()
    try:
        found = mutual_information(x, y, case.estimator, seed=case.repetition)
    except InputError as refusal:
        nan, seconds = math.nan, time.perf_counter() - started
        return Record(nan, nan, nan, nan, False, seconds, reason=str(refusal))
    seconds = time.perf_counter() - started
    lower, upper = found.interval(0.95)
    doubts = found.warnings
    return Record(
        found.value, found.stderr, lower, upper, bool(doubts), seconds, found.method, doubts[0] if doubts else ""
    )


def measured(
    cases: Sequence[Case],
    records: MutableMapping[str, Record],
    executor: Executor | None,
    progress: Progress,
    what: str,
) -> dict[str, Record]:
    """The records of all cases by their key: those in ``records`` as they are, the others measured and put there."""
    waiting = {case.key: case for case in cases if case.key not in records}
    done = len(cases) - len(waiting)
    progress(what, done, len(cases))
    for key, record in _results(waiting.items(), executor):
        records[key] = record
        done += 1
        progress(what, done, len(cases))
    return {case.key: records[case.key] for case in cases}


def _results(waiting: Iterable[tuple[str, Case]], executor: Executor | None) -> Iterator[tuple[str, Record]]:
    if executor is None:
        yield from ((key, measure(case)) for key, case in waiting)
        return
    futures = {executor.submit(measure, case): key for key, case in waiting}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()
