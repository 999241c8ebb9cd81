"""Worker processes: pinned, replaced when they die, ended with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infoplane.sweeps import Processes, gather, sweep

pytestmark = pytest.mark.slow
PATIENCE = 240.0  # seconds for what takes a few, on a machine that does much else


def test_a_job_that_takes_its_process_down_loses_only_itself_and_workers_are_pinned(spec, study, calls, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with Processes(2, threads=1) as pool:
        done = sweep(spec("dies", n="[1, 2, 3, 4, 5, 6]"), executor=pool, retries=1)
        sweep(spec("pinned", n="[1, 2, 3, 4]"), study / "pinned", executor=pool)
    assert done.done == 5
    (failure,) = done.failed
    assert failure.error == "lost: its worker process was ended by SIGKILL (out of memory?)"
    assert failure.attempts == 2
    assert "ended by SIGKILL" in failure.log.read_text()
    assert calls() == ["1", "2", "2", "3", "4", "5", "6"]
    found = gather(study / "pinned")
    assert found.threads.values.tolist() == [1] * 4
    assert len(set(found.process.values.tolist())) == 2
    assert os.environ["OMP_NUM_THREADS"] == "7"


def children(pid: int) -> list[int]:
    of_threads = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(word) for words in of_threads for word in words]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_sweep_leaves_no_process_and_goes_on(how, spec, study, calls):
    path = spec("slow", "seeds = 30")
    command = [sys.executable, "-m", "infoplane", "sweep", path, "--workers", "1"]
    sweeping = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    start = time.monotonic()
    while len(list((study / "out" / "jobs").glob("*.nc"))) < 3 and time.monotonic() - start < PATIENCE:
        time.sleep(0.02)
    below = children(sweeping.pid) + [pid for child in children(sweeping.pid) for pid in children(child)]
    if how == signal.SIGINT:
        os.killpg(sweeping.pid, how)  # as a terminal sends it, to all processes
    else:
        sweeping.send_signal(how)
    said, _ = sweeping.communicate(timeout=PATIENCE)
    assert below
    while any(map(alive, below)) and time.monotonic() - start < PATIENCE:
        time.sleep(0.02)
    assert not any(map(alive, below))
    if how == signal.SIGINT:
        assert sweeping.returncode == 130
        assert "Interrupted. What is done is kept; the same command goes on from there." in said
        assert "Traceback" not in said
    done = len(list((study / "out" / "jobs").glob("*.nc")))
    assert 3 <= done < 90
    ran = len(calls())
    (study / "study.py").write_text((study / "study.py").read_text().replace("time.sleep(0.05)", "pass"))
    again = sweep(path)
    assert (again.found, again.done) == (done, 90 - done)
    assert list((study / "out" / "jobs").glob(".*")) == []
    assert len(calls()) <= ran + 90 - done
