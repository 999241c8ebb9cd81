"""What an experiment is, and the run that carries it out so that it can be interrupted anywhere.

To add one, write a file beside this one with a subclass of :class:`Experiment` and name it in ``registry.py``. Every
ensemble, plane and table goes through the :class:`Run`, under a name: what is finished is found again on disk.
"""

from __future__ import annotations

import abc
import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr

from .. import __version__
from ..data import Task
from ..errors import InputError
from ..estimators import Estimator
from ..networks import MLP, WeightsRecording, train_ensemble
from ..plane import information_plane
from ..plane.compression import Verdict
from ..progress import Progress, silent
from ..results import SCHEMA_VERSION, load, save
from . import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Claim:
    """A statement of a paper, tested on our own ensemble.

    Attributes:
        text: the statement, one sentence.
        verdict: "holds", "fails" or "unclear" here.
        numbers: what decided it, by name; units in the name.
        source: where the statement comes from.
    """

    text: str
    verdict: Verdict
    numbers: Mapping[str, float | str]
    source: str


@dataclass(frozen=True, eq=False)
class Result:
    """What an experiment found.

    Attributes:
        name, title: of the experiment.
        datasets: planes and tables by name; each carries the claims, the command and the title in its attributes.
        claims: with verdicts.
        figures: matplotlib figures by name.
        command: runs it again.
        wall_time: seconds of all calls it took.
        path: folder it was written to, or None.
    """

    name: str
    title: str
    datasets: dict[str, xr.Dataset]
    claims: list[Claim]
    figures: dict[str, Figure]
    command: str
    wall_time: float
    path: Path | None


@dataclass(frozen=True, eq=False)
class Run:
    """One run of an experiment: sizes, where it writes, and what it has already.

    Attributes:
        quick: reduced size, at most a minute on two cores.
        seeds: number of networks, or of whatever else the experiment repeats.
        out: folder, or None to keep everything in memory.
        progress: told about every stage.
        measured: names of the planes and tables that this call measured, rather than found.
    """

    quick: bool
    seeds: int
    out: Path | None
    progress: Progress
    measured: list[str] = field(default_factory=list)

    def ensemble(self, name: str, network: MLP, task: Task, **settings: Any) -> WeightsRecording:
        """Train, or continue, or find trained, the ensemble of this name."""
        path = None if self.out is None else self.out / "recordings" / name
        return train_ensemble(network, task, seeds=self.seeds, path=path, progress=self._named(f"{name}: "), **settings)

    def plane(
        self,
        name: str,
        recording: WeightsRecording | Callable[[], WeightsRecording],
        estimator: Estimator,
        **settings: Any,
    ) -> xr.Dataset:
        """Measure the plane of this name, or find it measured."""

        def measure() -> xr.Dataset:
            measured = recording if isinstance(recording, WeightsRecording) else recording()
            return information_plane(measured, estimator, progress=self._named(f"{name}: "), **settings)

        return self.table(name, measure)

    def table(self, name: str, compute: Callable[[], xr.Dataset]) -> xr.Dataset:
        """Compute the dataset of this name, or find it computed.

        Args:
            name: of its file, without ending; a slash puts it into a folder of pieces.
            compute: called without arguments where there is no such file.
        """
        path = None if self.out is None else self.out / f"{name}.nc"
        if path is not None and path.exists():
            return load(path)
        dataset = compute()
        dataset.attrs.setdefault("schema_version", SCHEMA_VERSION)  # without it no file is read again
        self.measured.append(name)
        if path is not None:
            save(dataset, path)
        return dataset

    def _named(self, prefix: str) -> Progress:
        return lambda what, done, of: self.progress(prefix + what, done, of)


class Experiment(abc.ABC):
    """An experiment of the literature.

    Attributes:
        name: as the command line takes it.
        title: one line.
        source: the paper.
        unit: what a seed is: "networks", or "repetitions" of sampling.
        seeds: their number at full size; quick_seeds: at reduced size; fewest_seeds: without which there is no spread.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    unit: ClassVar[str] = "networks"
    seeds: ClassVar[int] = 50
    quick_seeds: ClassVar[int] = 8
    fewest_seeds: ClassVar[int] = 2

    @abc.abstractmethod
    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        """Train and measure; through ``run``, so that it can be continued."""

    @abc.abstractmethod
    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        """The statements and what the datasets say of them."""

    @abc.abstractmethod
    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        """The figures, by file name without ending."""

    def run(
        self,
        *,
        quick: bool = False,
        seeds: int | None = None,
        out: str | Path | None = None,
        progress: Progress = silent,
    ) -> Result:
        """Carry it out; see :func:`infoplane.experiments.run`."""
        started = time.perf_counter()
        count = (self.quick_seeds if quick else self.seeds) if seeds is None else int(seeds)
        if count < self.fewest_seeds:
            raise InputError(f"{self.name} needs at least {self.fewest_seeds} {self.unit} for a spread, got {count}.")
        folder = None if out is None else Path(out)
        command = self._command(quick, seeds, folder)
        if folder is not None:
            files.claim(folder, {"experiment": self.name, "quick": quick, "seeds": count, "version": __version__})
        run = Run(quick, count, folder, progress)
        datasets = self.measure(run)
        claims = self.claims(datasets)
        unit = self.unit if count > 1 else self.unit.removesuffix("s")
        size = f"{count} {unit}" + (", quick" if quick else "")
        for label, dataset in datasets.items():
            dataset.attrs |= {
                "title": f"{self.title}: {label} ({size})",
                "command": command,
                "claims": json.dumps([asdict(c) for c in claims]),
                "experiment": self.name,
            }
        progress("drawing", 0, 1)
        figures = self.draw(datasets)
        # A call that only found what others measured took no time worth telling.
        wall_time = (time.perf_counter() - started if run.measured else 0.0) + files.wall_time(folder)
        result = Result(self.name, self.title, datasets, claims, figures, command, wall_time, folder)
        if folder is not None:
            files.write(result, folder)
        progress("drawing", 1, 1)
        return result

    def _command(self, quick: bool, seeds: int | None, folder: Path | None) -> str:
        parts = ["infoplane", "reproduce", self.name, *(["--quick"] if quick else [])]
        parts += [] if seeds is None else ["--seeds", str(seeds)]
        parts += [] if folder is None else ["--out", folder.name if folder.is_absolute() else str(folder)]
        return shlex.join(parts)


def planes(datasets: Mapping[str, xr.Dataset]) -> list[xr.Dataset]:
    """Those of the datasets that are information planes, or a bottleneck's curves: what a report shows."""
    return [d for d in datasets.values() if "mi_input" in d]


def sizes(run: Run, full: Sequence[Any] | int, quick: Sequence[Any] | int) -> Any:
    """The setting for this run's size."""
    return quick if run.quick else full


def thinned(epochs: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of the checkpoints, evenly over their list, the first and the last among them."""
    marks = np.asarray(epochs)
    return marks[np.unique(np.linspace(0, len(marks) - 1, count).astype(int))]
