"""Sweeps on a Dask cluster of separate processes over TCP: lost workers, a lost scheduler, and the same dataset."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import xarray as xr

import infoplane as ip
from infoplane.sweeps import Cluster, Summary, gather, sweep

pytest.importorskip("distributed")
PATIENCE = 240.0  # seconds for what takes a few, on a machine that does much else


def until(true, what: str) -> None:
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < PATIENCE, f"waited in vain for {what}"
        time.sleep(0.02)


class Machines:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._folder, self._processes = folder, []

    def _start(self, *words: str) -> subprocess.Popen:
        log = (self._folder / "cluster.log").open("a")
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words], stdout=log, stderr=log, cwd=self._folder, start_new_session=True
        )
        log.close()
        self._processes.append(process)
        return process

    def scheduler(self) -> subprocess.Popen:
        process = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        until(self._answers, "the scheduler")
        return process

    def worker(self) -> subprocess.Popen:
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
            return True
        return False

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def machines(tmp_path):
    made = Machines(tmp_path)
    yield made
    made.end()


def results(study: Path) -> set[str]:
    return {file.stem for file in (study / "out" / "jobs").glob("*.nc")}


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_job_and_the_dataset_is_the_local_one(
    spec, study, calls, machines, tmp_path_factory, monkeypatch
):
    path = spec("slow", "seeds = 20")  # 60 jobs
    machines.scheduler()
    first, _ = machines.worker(), machines.worker()
    ended: list[Summary] = []
    with Cluster(machines.address) as cluster:
        until(lambda: cluster._client.nthreads() and len(cluster._client.nthreads()) == 2, "two workers")
        work = threading.Thread(target=lambda: ended.append(sweep(path, executor=cluster)))
        work.start()
        until(lambda: len(results(study)) >= 12, "the first results")
        done, ran = results(study), calls()
        first.kill()
        work.join(PATIENCE)
    assert ended
    assert (ended[0].total, ended[0].done, ended[0].complete) == (60, 60, True)
    assert len(results(study)) == 60
    assert list((study / "out" / "jobs").glob(".*")) == []
    counted = collections.Counter(calls())
    assert len(counted) == 60
    jobs = {f"{job.arguments['n']} {job.arguments['seed']}": job.key for job in ip.sweeps.read(path).jobs()}
    again = {name for name, count in counted.items() if count > 1}
    assert not {jobs[name] for name in again} & done
    assert len(again) <= 1  # the one that the killed worker was at
    assert len(ran) < 60
    here = tmp_path_factory.mktemp("local")
    for file in ("study.py", "study.toml"):
        shutil.copy(study / file, here)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    sweep(here / "study.toml")
    ours, theirs = (gather(folder / "out") for folder in (here, study))
    for found in (ours, theirs):
        del found.attrs["wall_time"]
    xr.testing.assert_identical(ours, theirs)


@pytest.mark.slow
def test_after_a_lost_scheduler_the_same_command_goes_on(spec, study, calls, machines):
    command = [sys.executable, "-m", "infoplane", "sweep", spec("slow", "seeds = 6"), "--scheduler", machines.address]
    scheduler = machines.scheduler()
    machines.worker()
    sweeping = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: len(results(study)) >= 3, "the first results")
    scheduler.kill()
    scheduler.wait()
    said, _ = sweeping.communicate(timeout=PATIENCE)
    assert sweeping.returncode == 2
    assert f"The scheduler at {machines.address} is gone" in said
    assert "of 18 jobs are done and kept. To go on, start a scheduler and workers and run the same sweep again." in said
    assert "Traceback" not in said
    machines.end()
    done = results(study)
    assert 3 <= len(done) < 18
    machines.scheduler()
    machines.worker()
    again = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "18 of 18 jobs are done" in again.stdout
    assert len(results(study)) == 18
    jobs = {f"{job.arguments['n']} {job.arguments['seed']}": job.key for job in ip.sweeps.read(command[4]).jobs()}
    twice = {name for name, count in collections.Counter(calls()).items() if count > 1}
    assert not {jobs[name] for name in twice} & done


def test_a_scheduler_that_does_not_answer_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr("infoplane.sweeps.cluster._PATIENCE", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong in (address, "nonsense://1:2"):
        with pytest.raises(ip.InputError, match=r"No scheduler answers at .*Start one with 'dask scheduler'"):
            Cluster(wrong)


def test_without_dask_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ip.InputError, match=r"pip install 'infoplane\[cluster\]'"):
        Cluster("tcp://127.0.0.1:8786")


def test_workers_that_do_not_see_the_folder_stop_the_sweep(tmp_path):
    from infoplane.sweeps.perform import perform

    job = next(ip.sweeps.read({"run": "math:sqrt"}).jobs())
    outcome = perform(job, str(tmp_path / "elsewhere"))
    assert outcome.state == "stop"
    assert f"{os.uname().nodename} does not see {tmp_path / 'elsewhere'}" in outcome.error
