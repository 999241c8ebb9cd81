"""``reproduce --all`` as a user meets it; nothing is run here."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import infoplane as ip
from infoplane.cli import ledger as board
from infoplane.experiments import durations, ledger

KEPT = Path(__file__).parents[2] / "docs" / "results"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name one experiment, or give --all"),
        (("depth", "--all"), "Name one experiment, or give --all"),
        (("--all", "--seeds", "3"), "--seeds is for one experiment"),
        (("--all", "--keep", "small"), "--keep is for one experiment"),
        (("depth", "--assemble"), "--assemble is for all experiments"),
        (("--all", "--assemble", "--table", "table.txt"), "a file ending in .md"),
        (("--all", "--assemble", "--kept", "nowhere"), "--kept needs a folder"),
    ],
)
def test_options_that_do_not_go_together(call, tmp_path, arguments, sentence):
    status, _, err = call("reproduce", *arguments)
    assert status == 2
    assert sentence in err
    assert not list(tmp_path.iterdir())


def test_what_is_kept_becomes_a_page_and_a_table(call, tmp_path):
    status, out, err = call(
        "reproduce", "--all", "--assemble", "--kept", str(KEPT), "--out", "all", "--table", "table.md"
    )
    assert status == 0
    assert {path.name for path in (tmp_path / "all").iterdir()} == {"ledger.html", "ledger.md"}
    assert (tmp_path / "table.md").read_text().startswith("# Reproduction ledger")
    for part in ("Thesis I: plane", "Lossy compression", "Critiques", "not tested"):
        assert part in out
    assert f"{len(ip.experiments.names())} of {len(ip.experiments.names())}" not in out
    assert "black-box: 6.6 min: 4 hold, 1 fails, 1 is unclear" in err


def test_without_results_every_statement_is_untested(call, tmp_path):
    status, out, _ = call("reproduce", "--all", "--quick", "--assemble", "--out", "all")
    assert status == 0
    assert "black-box: not run yet." in out
    assert "reduced sizes" in (tmp_path / "all" / "ledger.md").read_text()


def test_a_long_run_is_foretold(call, tmp_path):
    (tmp_path / "taken").write_text("")
    told = "With all seeds this took 71.3 min when it was measured"
    status, _, err = call("reproduce", "vib-mnist", "--out", "taken")
    assert (status, told in err) == (2, True)
    assert "when it was measured" not in call("reproduce", "one-neuron", "--out", "taken")[2]  # less than a minute


def test_what_is_left_is_weighed_by_what_each_took(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(board, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(durations, "seconds", lambda name, quick: {"depth": 50.0, "noisy": 300.0}.get(name))
    with board.board(["one-neuron", "depth", "noisy", "bin-size"], quick=True) as (stage, ended):
        ended(ledger.missing("one-neuron", "found on disk.", quick=True))
        stage("depth: training", 0, 1)
        now[0] = 100.0
        ended(ledger.missing("depth", "stopped.", quick=True))
    # 100 s for what took 50 s: twice the 300 s of one and the minute that one is taken for that was never timed
    assert "(2 of 4, about 12 min left)" in capsys.readouterr().err


def test_times_foretold_are_those_of_the_results():
    for name in ip.experiments.names():
        kept = KEPT / name / "claims.json"
        if kept.exists():
            assert durations.seconds(name, quick=False) == round(json.loads(kept.read_text())["wall_time_s"])
            assert durations.seconds(name, quick=True)
