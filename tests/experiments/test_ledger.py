"""Every claim has its place in the ledger, which says no more than the tests do; a failure stops nothing else."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import pytest

import infoplane as ip
from infoplane.experiments import ledger, registry, reproduction
from infoplane.experiments.base import Claim
from infoplane.report import ledger as page
from infoplane.report import ledger_words as words

DOCS = Path(__file__).parents[2] / "docs"
KEPT = DOCS / "results"


def claim(text: str, verdict: str, **numbers: float | str) -> Claim:
    return Claim(text, verdict, numbers, "made up")  # type: ignore[arg-type]


def record(name: str, *claims: Claim, **known) -> ledger.Record:
    return ledger.Record(name, f"Title of {name}", "2 networks", f"infoplane reproduce {name}", claims=claims, **known)


def outline(*statements: dict[str, object], experiments: tuple[str, ...] = ("one", "two")) -> dict[str, object]:
    entries = [{"text": "It is so.", "source": "a work", "standing": "told", **one} for one in statements]
    part = {
        "key": "part",
        "short": "Part",
        "work": "A work",
        "title": "A part",
        "lead": "Of a work.",
        "experiments": list(experiments),
    }
    return {"part": [{**part, "statement": entries}]}


@pytest.fixture(scope="module")
def kept() -> ledger.Ledger:
    return reproduction.reproduce_all(KEPT / "no such folder", kept=KEPT, carry_out=False)


@pytest.mark.parametrize(
    ("verdicts", "enough", "expected"),
    [
        ([], False, "not tested"),
        (["holds", "holds"], False, "holds"),
        (["holds", "unclear"], False, "unclear"),
        (["holds", "unclear"], True, "holds"),
        (["holds", "fails", "unclear"], False, "in part"),
        (["holds", "fails"], True, "holds"),
        (["fails", "unclear"], False, "fails"),
        (["fails", "unclear"], True, "fails"),
        (["unclear"], True, "unclear"),
    ],
)
def test_a_statement_is_as_good_as_its_tests(verdicts: list[str], enough: bool, expected: str) -> None:
    assert ledger.combined(verdicts, any_is_enough=enough) == expected


def test_tests_are_found_by_experiment_and_pattern_and_may_speak_against() -> None:
    one = record("one", claim("tanh: a", "holds"), claim("relu: a", "fails"), claim("b", "unclear"))
    plan = outline({"tests": ["one: *: a"]}, {"tests": ["not one: relu: a"]}, {"untested": "It cannot be."})
    (part,) = ledger.assemble([one], outline=plan).parts
    assert [s.verdict for s in part.statements] == ["in part", "holds", "not tested"]
    assert part.statements[2].reason == "It cannot be."
    assert [(r.name, [c.text for c in claims]) for r, claims in part.further] == [("one", ["b"])]


def test_a_claim_that_two_statements_share_counts_once_as_a_test() -> None:
    one = record("one", claim("a", "holds"), claim("b", "fails"))
    found = ledger.assemble([one], outline=outline({"tests": ["one: a"]}, {"tests": ["one: *"]}))
    (_, _, statements, tests), _ = words.totals(found)
    assert statements == {"holds": 1, "in part": 1, "fails": 0, "unclear": 0, "not tested": 0}
    assert (tests["holds"], tests["fails"]) == (1, 1)


def test_what_did_not_run_leaves_its_statements_untested_and_says_why() -> None:
    one = record("one", trouble="MNIST is not here.")
    two = record("two", claim("a", "holds"))
    plan = outline({"tests": ["one: *"]}, {"tests": ["two: another"]}, {"tests": ["two: a", "one: *"]})
    (part,) = ledger.assemble([one, two], outline=plan).parts
    assert [s.verdict for s in part.statements] == ["not tested", "not tested", "holds"]
    assert part.statements[0].reason == "one: MNIST is not here."
    assert part.statements[1].reason == "two makes no such claim at this size."
    assert "MNIST" in part.statements[2].reason


def test_every_experiment_has_one_home_and_every_reference_leads_to_a_kept_claim(kept: ledger.Ledger) -> None:
    plan = ledger.plan()
    homes = [name for part in plan["part"] for name in part["experiments"]]
    assert sorted(homes) == sorted(registry.names())
    assert set(plan["figures"]) <= set(homes)
    have = {r.name: r for r in kept.records if r.claims}
    for part in plan["part"]:
        for statement in part["statement"]:
            assert statement["standing"] in words.STANDINGS
            assert ("tests" in statement) != ("untested" in statement), statement["text"]
            for reference in statement.get("tests", ()):
                name, pattern = reference.removeprefix("not ").split(": ", 1)
                assert name in homes
                if name in have:
                    assert any(ledger.fnmatchcase(c.text, pattern) for c in have[name].claims), reference


def test_every_kept_claim_stands_in_the_ledger_once_or_decides_a_statement(kept: ledger.Ledger) -> None:
    decide = {(t.record.name, t.claim.text) for p in kept.parts for s in p.statements for t in s.tests}
    further = [(r.name, c.text) for p in kept.parts for r, claims in p.further for c in claims]
    assert len(set(further)) == len(further)
    assert not decide & set(further)
    assert decide | set(further) == {(r.name, c.text) for r in kept.records for c in r.claims}
    assert len(decide | set(further)) > 300


def test_the_page_of_the_documentation_is_what_the_command_writes(kept: ledger.Ledger) -> None:
    expected = page.ledger_table.render(kept, DOCS.resolve())
    assert (DOCS / "reproduction.md").read_text(encoding="utf-8") == expected, (
        "docs/reproduction.md is not of the results that are kept; write it again with: "
        "infoplane reproduce --all --assemble --table docs/reproduction.md --out ledger"
    )


def test_links_of_that_page_lead_somewhere(kept: ledger.Ledger) -> None:
    links = {words.link(path, DOCS) for r in kept.records if r.folder for path in (r.figure, r.folder / "claims.json")}
    text = (DOCS / "reproduction.md").read_text(encoding="utf-8")
    assert all((DOCS / link).is_file() for link in links)
    assert all(f"]({link})" in text for link in links)


def test_the_page_needs_no_other_file_and_escapes_what_it_shows(kept: ledger.Ledger, tmp_path: Path) -> None:
    evil = '<script>alert(1)</script> | *a* [b](c) "quoted"'
    one = record("one", claim(evil, "fails", x=0.12345, y="a " * 200), seconds=90.0, cores=2, folder=tmp_path)
    found = ledger.assemble([one, record("two", trouble=evil)], outline=outline({"tests": ["one: *"], "text": evil}))
    html = page.write(found, tmp_path / "a" / "ledger.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert "2 networks, 1.5 min, 2 cores" in html
    table = page.write(found, tmp_path / "a" / "ledger.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert all(row.replace("\\|", "").count("|") in (5, 8) for row in rows)
    assert "<script>" not in table.replace("\\<script\\>", "")
    whole = page.write(kept, tmp_path / "whole.html")
    assert whole.stat().st_size < 2_000_000
    assert whole.read_text(encoding="utf-8").count('class="statement"') == sum(len(p.statements) for p in kept.parts)


def test_numbers_are_told_in_short() -> None:
    shown = words.deciding(claim("a", "holds", p=math.pi, tiny=4.97e-15, name="many words " * 40, more=1.0))
    assert shown == [("p", "3.14"), ("tiny", "5e-15")]
    (_, text), _ = words.deciding(claim("a", "holds", name="many words " * 40, b=0.0))
    assert len(text) < 130
    assert text.endswith(" …")
    assert words.sentence(words.tally(["holds", "fails", "holds", "unclear"])) == "2 hold, 1 fails, 1 is unclear"


def test_a_folder_without_verdicts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ip.InputError, match="holds no verdicts"):
        ledger.read("black-box", tmp_path)
    (tmp_path / "claims.json").write_text('{"claims": [{"text": 1}]}')
    with pytest.raises(ip.InputError, match="holds no verdicts"):
        ledger.read("black-box", tmp_path)


def finished(folder: Path, name: str, *, quick: bool = True) -> None:
    """A run of an experiment, made up."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"quick": quick, "version": ip.__version__, "experiment": name}))
    made = [{"text": "a", "verdict": "holds", "numbers": {"x": 1.0}, "source": "made up"}]
    summary = {"title": name, "command": f"infoplane reproduce {name} --quick", "wall_time_s": 30.0, "claims": made}
    (folder / "claims.json").write_text(json.dumps(summary))


def test_what_is_finished_is_not_run_again_and_other_sizes_do_not_count(tmp_path: Path, monkeypatch) -> None:
    finished(tmp_path / "depth", "depth")
    finished(tmp_path / "black-box", "black-box", quick=False)
    asked: list[str] = []

    def instead(names, *_):
        asked.extend(names)
        yield from ((name, "The disk is full.", True) for name in names)

    monkeypatch.setattr(reproduction, "_side_by_side", instead)
    told: list[ledger.Record] = []
    names = ["depth", "black-box"]
    found = reproduction.reproduce_all(tmp_path, quick=True, kept=KEPT, names=names, ended=told.append)
    assert asked == ["black-box"]
    assert [(r.name, r.trouble, r.failed) for r in told] == [
        ("depth", "", False),
        ("black-box", "The disk is full.", True),
    ]
    assert found.quick
    assert found.records[0].size == f"{registry.describe('depth').quick_seeds} networks"


def quiet_failure(names: list[str], out: Path, monkeypatch, workers: int = 2) -> dict[str, ledger.Record]:
    monkeypatch.setenv("INFOPLANE_DATA", str(out / "no data"))
    found = reproduction.reproduce_all(out, quick=True, names=names, workers=workers)
    return {r.name: r for r in found.records}


@pytest.mark.slow
def test_experiments_run_side_by_side_and_missing_data_stop_nothing(tmp_path: Path, monkeypatch) -> None:
    """In processes of their own: one that runs, one without its images, one whose folder holds something else."""
    (tmp_path / "depth").mkdir()
    (tmp_path / "depth" / "thesis.tex").write_text("do not lose")
    records = quiet_failure(["one-neuron", "infinite-mnist", "depth"], tmp_path, monkeypatch)
    assert records["one-neuron"].claims
    assert "INFOPLANE_DATA" in records["infinite-mnist"].trouble
    assert "is not empty" in records["depth"].trouble
    assert not any(record.failed for record in records.values())
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1:
        assert records["one-neuron"].cores == 1
    assert "data" not in sys.argv  # the caller's own process is as it was


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_of(tmp_path: Path, monkeypatch) -> None:
    """As where memory runs out: the file that it was to log to is a folder, so that it dies before a last word."""
    (tmp_path / "logs" / "one-neuron.log").mkdir(parents=True)
    found = quiet_failure(["one-neuron"], tmp_path, monkeypatch, workers=1)["one-neuron"]
    assert found.failed
    assert "ended without a result (exit code 1)" in found.trouble
