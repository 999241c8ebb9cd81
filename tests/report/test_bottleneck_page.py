"""The page of bottleneck curves as text: what it holds, what it says of doubts, and beside planes."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
import xarray as xr
from report_curves import curve
from report_planes import plane

import infoplane as ip
from infoplane import report
from infoplane.errors import InputError
from infoplane.report.bottleneck import sections
from infoplane.report.bottleneck_words import cautions, gap_text, points


def page(path, datasets, **options) -> str:
    return report.write(datasets, path / "page.html", **options).read_text(encoding="utf-8")


def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="curve-data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def unpacked(held: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(held["data"]), "<f4").reshape(held["shape"])


def words(text: str) -> str:
    """What is to be read: without scripts, style and tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_one_page_without_the_network_the_same_every_time(tmp_path):
    first, again = page(tmp_path, [curve(), curve("DualIB()")]), page(tmp_path, [curve(), curve("DualIB()")])
    assert first == again
    assert "default-src 'none'" in first
    assert not re.search(r"<(link|script|img)[^>]+(src|href)=\"http", first)


def test_the_scripts_get_every_number_in_nats(tmp_path):
    dataset = curve("DualIB()")
    held = data(page(tmp_path, dataset))["curves"][0]
    for name in ("mi_input", "mi_target", "mi_target_geometric", "objective", "gap"):
        np.testing.assert_array_equal(held[name], dataset[name])
    np.testing.assert_array_equal(held["beta"], dataset.beta)
    assert held["count"] == {"name": "clusters", "values": [1, 2, 2, 4, 2]}
    assert held["interpolated"] == [False, False, False, True, False]
    assert held["certified"] == [True] * 5
    assert held["critical"] == [{"what": "onset", "beta": 1.5}, {"what": "first local critical beta", "beta": 1.8}]
    assert held["ceilings"] == {"target": 0.22, "input": 0.63}


def test_clusters_come_with_weights_laws_and_links_and_without_chords(tmp_path):
    dataset = curve(names=True)
    held = data(page(tmp_path, dataset))["curves"][0]
    marks = {name: unpacked(packed) for name, packed in held["clusters"].items()}
    np.testing.assert_array_equal(marks["beta"], [1, 2, 2, 4, 4, 8, 8])
    np.testing.assert_allclose(marks["weight"], [1, *[2 / 3, 1 / 3] * 3], rtol=1e-6)
    assert held["labels"][0] == "blue"  # whose p(y|t) varies most: 0.1 against 0.75
    np.testing.assert_allclose(marks["law"][0], [0.5, *[0.1, 0.75] * 3], rtol=1e-6)
    assert marks["law"].shape == (3, 7)
    np.testing.assert_array_equal(marks["links"], [[1, 0], [2, 0], [3, 1], [4, 2], [5, 3], [6, 4]])


def test_a_curve_of_very_many_clusters_is_thinned_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("infoplane.report.bottleneck._MARKS", 4)
    monkeypatch.setattr("infoplane.report.bottleneck._VALUES", 8)
    text = page(tmp_path, curve(names=True))
    held = data(text)["curves"][0]
    np.testing.assert_array_equal(unpacked(held["clusters"]["beta"]), [2, 2, 8, 8])
    assert held["labels"] == ["blue", "red"]  # of the three, as many as fit, those that vary most first
    assert "every 2th beta" not in words(text)
    assert "every second beta is drawn" in words(text)


def test_the_table_holds_every_point():
    table = points(curve("DualIB()"))
    assert table["headings"] == [
        "beta", "I(X;T), bits", "I(T;Y), bits", "of geometric laws, bits", "clusters", "cost, nats", "gap, nats",
        "converged",
    ]  # fmt: skip
    kinds, rows = zip(*table["rows"], strict=True)
    assert kinds == ("", "", "", "chord", "")
    bits = [f"{v / np.log(2):.5f}" for v in (0.3, 0.12, 0.12 * 1.1)]
    assert rows[1] == ("2", *bits, "2", "0.06000", "1.0e-15", "yes")
    assert rows[4][-3] == "−1.08000"
    assert rows[3][-1] == "chord"


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.nan, "–"), (0.0, "0"), (1e-18, "0"), (2.34e-8, "2.3e-8"), (1.5e-14, "1.5e-14"), (3.0, "3.0e+00")],
)
def test_gaps_are_short(value, text):
    assert gap_text(value) == text


def test_cautions_follow_from_what_is_not_sure():
    assert "Certified at all 5 points: the largest gap is 1.0e-15 nats." in cautions(curve())
    doubtful = curve("DualIB()", violations=2, notes=json.dumps(["noted by the solver."]))
    doubtful["gap"][1], doubtful["gap"][2] = np.nan, 2e-3
    doubtful["converged"][4] = False
    told = " ".join(cautions(doubtful))
    for part in (
        "No gap is known at 1 of 5 points",
        "Not certified: 1 of 5 points have a gap above 1e-7 nats, the largest 2.0e-3 nats at beta = 4",
        "Not converged at 1 point (beta = 8)",
        "1 point of the curve lies on chords",
        "On 2 steps an information falls",
        "Below beta = 1.5 one cluster for everything is best. It stays locally stable up to 1.8",
        "no information about Y, and can exceed I(X;Y)",
    ):
        assert part in told
    assert told.endswith("Noted by the solver.")
    assert "No gap is known: none was asked for" in cautions(curve(gap=np.nan))[0]
    calm = " ".join(cautions(curve(onset=1.8, first=1.8)))
    assert "locally stable" not in calm


def test_the_page_says_what_a_gap_means_and_where_from(tmp_path):
    text = words(page(tmp_path, [curve(), curve("DualIB()", starts=4004)], title="Mine"))
    for part in (
        "Mine",
        "2 curves (IB, DualIB) over beta",
        "X has 4 states and Y 3, I(X;Y) = 0.317 bits",
        "no encoder at all has a cost lower by more than that",
        "here 256 to 4,004",
        "by the certificates of the curve of IB",
        "IB: 5 points",
        "DualIB: 5 points",
        "No command was recorded",
    ):
        assert part in text
    assert "as I(T;Y) exceeds neither" in words(page(tmp_path, curve("DIB()")))
    assert "infoplane bottleneck x.csv" in words(page(tmp_path, curve(command="infoplane bottleneck x.csv")))


def test_curves_are_named_by_method_or_by_title_where_that_does_not_tell_them_apart(tmp_path):
    def titles(*datasets):
        return [run["title"] for run in sections(datasets)["runs"]]

    assert titles(curve(), curve("DIB()")) == ["IB", "DIB"]
    assert titles(curve(title="a"), curve(title="b")) == ["a", "b"]
    assert titles(curve(), curve()) == ["IB (1)", "IB (2)"]
    assert titles(curve(title="joint.csv: IB()")) == ["joint.csv: IB()"]


def test_claims_of_an_experiment_stand_on_the_page_of_curves_too(tmp_path):
    claims = [{"text": "It is concave.", "verdict": "holds", "source": "s", "numbers": {}}]
    for text in (page(tmp_path, curve(claims=json.dumps(claims))), page(tmp_path, curve(), claims=claims)):
        assert "It is concave." in words(text)
        assert 'class="badge holds"' in text


def test_planes_and_curves_share_a_page_and_the_planes_stay_as_they_are(tmp_path):
    alone, both = page(tmp_path, plane(command="x")), page(tmp_path, [plane(command="x"), curve()])
    assert 'id="bottleneck"' not in alone
    assert "curve-data" not in alone
    start, end = '<section id="plane">', '<section id="training">'
    assert alone[alone.index(start) : alone.index(end)] == both[both.index(start) : both.index(end)]
    assert data(both)["curves"][0]["title"] == "IB"
    for part in ("a small plane", "1 curve (IB) over beta", "Bottleneck curve", "IB: 5 points"):
        assert part in words(both)


def test_a_gaussian_curve_has_components_and_no_clusters(tmp_path):
    made = ip.bottleneck.gaussian_curve(np.eye(2), np.eye(2), np.diag([0.8, 0.5]), [0, 1, 2, 8])
    text = page(tmp_path, made)
    held = data(text)["curves"][0]
    assert held["clusters"] is None
    assert held["count"] == {"name": "components", "values": [0, 0, 1, 2]}
    assert [one["beta"] for one in held["critical"]] == pytest.approx([1.5625, 4.0])
    assert 'id="clusters"' not in text


def test_markup_in_names_stays_text(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    text = page(tmp_path, [curve(evil, title=evil, notes=json.dumps([evil])).assign_coords(y=[evil, "b", "c"])])
    assert "<img" not in text
    assert data(text)["curves"][0]["title"] == evil


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (curve().isel(beta=[]), "at least one beta"),
        (curve().drop_vars("mi_target"), "lacks mi_target"),
        (xr.Dataset(attrs={"kind": "curve"}), "not an information curve"),
    ],
)
def test_what_is_no_curve_is_refused_and_nothing_is_written(tmp_path, wrong, sentence):
    for given in (wrong, [plane(), wrong]):
        with pytest.raises(InputError, match=sentence):
            report.write(given, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
