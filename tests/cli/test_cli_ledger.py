"""``reproduce --all`` as a user meets it; nothing is run here."""

from __future__ import annotations

from pathlib import Path

import pytest

import infoplane as ip

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
