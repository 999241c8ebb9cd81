"""The page of curves in a real browser, opened from a file."""

from __future__ import annotations

import numpy as np
import pytest
from report_curves import curve
from report_planes import plane

from infoplane import report


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = [curve(names=True), curve("DualIB()", names=True)]
    made[1]["gap"][1], made[1]["converged"][2] = 1e-3, False
    return report.write(made, tmp_path_factory.mktemp("report") / "page.html")


@pytest.fixture
def opened(browser, path):
    return _open(browser, path)


def _open(browser, path):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("browser")
    browser.get(path.as_uri())
    WebDriverWait(browser, 30, poll_frequency=0.05).until(
        lambda b: b.execute_script("return document.body.dataset.curves === 'ready'")
    )
    return browser


def _change(browser, selector: str, value: str | None = None) -> None:
    browser.execute_script(
        """const box = document.querySelector(arguments[0]);
        if (arguments[1] === null) box.click();
        else { box.value = arguments[1]; box.dispatchEvent(new Event("change")); }""",
        selector,
        value,
    )


def _traces(browser, kind: str, number: int = 0) -> dict[str, dict]:
    """Traces of a picture by kind (those of one curve: by "kind, curve"), as Plotly holds them."""
    script = """const plot = document.querySelectorAll(`.plot.ib[data-kind="${arguments[0]}"]`)[arguments[1]];
    const name = ({ kind, curve }) => (curve ? `${kind}, ${curve}` : kind);
    const numbers = (values) => values.map((v) => (v === null ? NaN : Number(v)));
    return plot.data.filter((t) => t.visible !== false)
      .map((t) => ({name: name(t.meta), x: numbers(t.x), y: numbers(t.y), text: t.text}));"""
    return {trace["name"]: trace for trace in browser.execute_script(script, kind, number)}


def _errors(browser) -> list:
    return [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_the_curve_is_drawn_in_bits_with_its_doubts(opened):
    drawn, dataset = _traces(opened, "curve"), curve()
    np.testing.assert_allclose(drawn["line, IB"]["x"], dataset.mi_input / np.log(2))
    np.testing.assert_allclose(drawn["certified, IB"]["y"], dataset.mi_target[[0, 1, 2, 4]] / np.log(2))
    np.testing.assert_allclose(drawn["chord, IB"]["x"], dataset.mi_input[[3]] / np.log(2))
    np.testing.assert_allclose(drawn["open, DualIB"]["x"], dataset.mi_input[[1]] / np.log(2))
    np.testing.assert_allclose(drawn["unconverged, DualIB"]["x"], dataset.mi_input[[2]] / np.log(2))
    assert "open, IB" not in drawn
    assert "gap 1.0e-3 nats" in drawn["open, DualIB"]["text"][0]
    assert _errors(opened) == []


def test_nats_are_nats_everywhere(opened):
    _change(opened, "input[name=curve-unit][value=nats]")
    np.testing.assert_allclose(_traces(opened, "curve")["line, IB"]["x"], curve().mi_input)
    np.testing.assert_allclose(_traces(opened, "along")["I(T;Y)"]["y"], curve().mi_target)
    titles = "return [...document.querySelectorAll('.ib')].map((p) => p.layout.yaxis.title.text)"
    found = opened.execute_script(titles)
    assert "I(T;Y), nats" in found
    assert not [title for title in found if "bits" in title]


def test_the_chosen_label_is_drawn(opened):
    names = opened.execute_script(
        "return [...document.querySelectorAll('#curve-label option')].map((o) => o.textContent)"
    )
    assert sorted(names) == ["blue", "green", "red"]
    before = _traces(opened, "law")["cluster"]["y"]
    np.testing.assert_allclose(before, [0.5, *[0.1, 0.75] * 3], rtol=1e-6)
    _change(opened, "#curve-label", "red")
    after = _traces(opened, "law")["cluster"]
    np.testing.assert_allclose(after["y"], [0.2, *[0.4, 0.05] * 3], rtol=1e-6)
    assert "p(y = red | t) = 0.2000" in after["text"][0]
    np.testing.assert_allclose(_traces(opened, "weight")["cluster"]["y"], [1, *[2 / 3, 1 / 3] * 3], rtol=1e-6)


def test_a_curve_can_be_hidden_and_shown(opened):
    _change(opened, "input[name=curve][value='1']")
    assert not [name for name in _traces(opened, "curve") if name.endswith("DualIB")]
    visible = "return [...document.querySelectorAll('#gaps figure')].map((f) => f.offsetHeight > 0)"
    assert opened.execute_script(visible) == [True, False]
    _change(opened, "input[name=curve][value='1']")
    assert "line, DualIB" in _traces(opened, "curve")
    assert opened.execute_script(visible) == [True, True]


def test_gaps_and_counts_along_beta(opened):
    np.testing.assert_allclose(_traces(opened, "gap", 1)["gap"]["y"], [1e-15, 1e-3, 1e-15, 1e-15, 1e-15])
    counts = _traces(opened, "along")["count"]
    assert counts["x"] == [1, 2, 4, 8]  # without the chord
    assert counts["y"] == [1, 2, 2, 2]


def test_beta_0_has_a_place_and_a_plane_above_does_no_harm(browser, tmp_path):
    zero = curve().assign_coords(beta=[0.0, 2.0, 4.0, 4.0, 8.0])
    _open(browser, report.write([plane(), zero], tmp_path / "page.html"))
    assert _traces(browser, "along")["I(X;T)"]["x"] == [1, 2, 4, 4, 8]
    ticks = "const a = document.querySelector('.ib.along').layout.xaxis; return [a.tickvals[0], a.ticktext[0]]"
    assert browser.execute_script(ticks) == [1, "0"]
    assert browser.execute_script("return document.querySelectorAll('.plot.plane').length") == 1
    assert browser.execute_script("return document.querySelector('.plot.plane').data.length") > 5
    assert _errors(browser) == []
