"""The page in a real browser, opened from a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from agreement_planes import FALL, FLAT, bins, noisy
from agreement_planes import path as path_of
from report_planes import plane, regression

from infoplane import report
from infoplane.bottleneck import Joint
from infoplane.plane import with_bound


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    datasets = [plane(command="infoplane demo"), plane(seeds=3, epochs=(0, 2, 200), title="another grid")]
    return report.write(datasets, tmp_path_factory.mktemp("report") / "page.html")


@pytest.fixture
def opened(browser, path):
    return _open(browser, path)


def _open(browser, path: Path):
    browser.get(path.as_uri())
    _until(browser, "return document.body.dataset.ready === 'yes'")
    return browser


def _until(browser, condition: str, *arguments) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda b: b.execute_script(condition, *arguments))


def _frame(browser) -> None:
    """Wait until what was asked for is drawn: drawing happens once a frame."""
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done));")


def _drawn(browser, kind: str, panel: int = 0) -> dict[str, dict]:
    """By layer, the traces of one kind that are visible, as Plotly holds them."""
    script = """const plot = document.querySelectorAll(".plot.plane")[arguments[1]];
    return plot.data.filter((t) => t.meta.kind === arguments[0] && t.visible !== false)
      .map((t) => ({layer: t.meta.layer, x: t.x.map(Number), y: t.y.map(Number), text: t.text}));"""
    return {trace["layer"]: trace for trace in browser.execute_script(script, kind, panel)}


def _move_to(browser, position: int) -> None:
    browser.execute_script(
        "const s = document.getElementById('epoch'); s.value = arguments[0]; s.dispatchEvent(new Event('input'));",
        position,
    )
    _frame(browser)


def _click(browser, selector: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)
    _frame(browser)


def _dots(browser, panel: int = 0) -> list[str]:
    """Where the marks really stand in the picture."""
    script = """const plot = document.querySelectorAll(".plot.plane")[arguments[0]];
    return [...plot.querySelectorAll(".scatterlayer .point")]
      .map((p) => p.getAttribute("transform"))"""
    return browser.execute_script(script, panel)


def test_no_request_leaves_the_page_and_nothing_goes_wrong(browser, path):
    browser.get("about:blank")
    for kind in ("browser", "performance"):  # what the browser did before, such as its own start page
        browser.get_log(kind)
    opened = _open(browser, path)
    _move_to(opened, 0)
    _click(opened, "input[name=unit][value=nats]")
    assert [entry for entry in opened.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert any(url.startswith("file:") for url in urls)
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_last_checkpoint_is_drawn_in_bits(opened):
    dataset = plane()
    points = _drawn(opened, "network")
    assert set(points) == {"first", "second", "output"}
    for layer, trace in points.items():
        cell = dataset.sel(layer=layer).isel(epoch=-1)
        np.testing.assert_allclose(trace["x"], cell.mi_input / np.log(2), rtol=1e-6)
        np.testing.assert_allclose(trace["y"], cell.mi_target / np.log(2), rtol=1e-6)
    titles = opened.execute_script(
        "const l = document.querySelector('.plane').layout; return [l.xaxis.title.text, l.yaxis.title.text]"
    )
    assert titles == ["H(T at 30 bins), bits", "I(T at 30 bins; Y), bits"]


def test_the_slider_moves_the_points(opened):
    before, dots = _drawn(opened, "network"), _dots(opened)
    _move_to(opened, 0)
    after = _drawn(opened, "network")
    for layer in before:
        assert np.abs(np.subtract(before[layer]["x"], after[layer]["x"])).min() > 0.1
    first = plane().isel(epoch=0).sel(layer="second").mi_input / np.log(2)
    np.testing.assert_allclose(after["second"]["x"], first, rtol=1e-6)
    assert len(dots) == len(_dots(opened)) == 15  # 4 networks and their mean, in 3 layers
    assert not set(dots) & set(_dots(opened))
    assert opened.execute_script("return document.getElementById('epoch-label').textContent") == "epoch 0"


def test_runs_with_other_checkpoints_show_the_nearest_and_say_so(opened):
    # All checkpoints together are 0, 1, 2, 10, 100, 200; on a logarithmic axis 10 is nearer to 2 than to 200.
    _move_to(opened, 3)
    other = plane(seeds=3, epochs=(0, 2, 200)).sel(epoch=2, layer="first").mi_input / np.log(2)
    np.testing.assert_allclose(_drawn(opened, "network", 1)["first"]["x"], other, rtol=1e-6)
    notes = opened.execute_script("return [...document.querySelectorAll('.at')].map((p) => p.textContent)")
    assert notes == ["", "Nearest checkpoint of this run: epoch 2."]


def test_a_layer_can_be_hidden_and_shown(opened):
    _click(opened, "input[name=layer][value='1']")
    for kind in ("network", "mean", "path"):
        assert set(_drawn(opened, kind)) == {"first", "output"}
    assert len(_dots(opened)) == 10
    curves = "return document.querySelector('.curve').data.filter((t) => t.visible === false).length"
    assert opened.execute_script(curves) == 2
    _click(opened, "input[name=layer][value='1']")
    assert set(_drawn(opened, "network")) == {"first", "second", "output"}


def test_networks_mean_or_one_network(opened):
    _click(opened, "input[name=points][value=mean]")
    assert not _drawn(opened, "network")
    assert len(_drawn(opened, "mean")) == 3
    _click(opened, "input[name=points][value=networks]")
    assert not _drawn(opened, "mean")
    choose = "const s = document.getElementById('network'); s.value = '2'; s.dispatchEvent(new Event('change'));"
    opened.execute_script(choose)
    _frame(opened)
    alone = plane().isel(epoch=-1).sel(layer="output", seed=2).mi_input / np.log(2)
    assert _drawn(opened, "network")["output"]["x"] == pytest.approx([float(alone)], rel=1e-6)
    assert _drawn(opened, "path")["output"]["x"][-1] == pytest.approx(float(alone), rel=1e-6)


def test_nats_are_nats_everywhere(opened):
    _click(opened, "input[name=unit][value=nats]")
    expected = plane().isel(epoch=-1).sel(layer="first").mi_input
    np.testing.assert_allclose(_drawn(opened, "network")["first"]["x"], expected, rtol=1e-6)
    titles = "return [...document.querySelectorAll('.plane')].map((p) => p.layout.xaxis.title.text)"
    assert opened.execute_script(titles) == ["H(T at 30 bins), nats"] * 2
    assert opened.execute_script("return document.querySelector('.curve').layout.yaxis.title.text").endswith("nats")


def test_play_goes_on_by_itself_and_stops_when_told(opened):
    _click(opened, "#play")
    _until(opened, "return Number(document.getElementById('epoch').value) >= 2")
    moved = _drawn(opened, "network")["first"]["x"]
    assert moved[0] != pytest.approx(float(plane().mi_input[0, 0, 0] / np.log(2)))
    _click(opened, "#play")
    stopped = opened.execute_script("return document.getElementById('epoch').value")
    # One step takes half a second at most; a player that did not stop would have moved on.
    opened.execute_async_script("setTimeout(arguments[0], 700)")
    assert opened.execute_script("return document.getElementById('epoch').value") == stopped


def test_hover_tells_network_layer_epoch_and_both_values(opened):
    text = _drawn(opened, "network")["second"]["text"][1]
    value = float(plane().mi_input[1, -1, 1] / np.log(2))
    for part in ("second", "network 1", "epoch 100", f"{value:.3f} bits (exact)", "I(T at 30 bins; Y) ="):
        assert part in text


def test_the_bound_lies_under_the_layers(opened):
    script = """const plot = document.querySelector(".plot.plane");
    const at = plot.data.findIndex((t) => t.meta.kind === "bound");
    return [at, plot.data.findIndex((t) => t.meta.layer), plot.data[at].x, plot.data[at].y]"""
    at, first_layer, x, y = opened.execute_script(script)
    assert at < first_layer
    assert (x[:2], y) == ([0, pytest.approx(1)], [0, pytest.approx(1), pytest.approx(1)])


def test_the_curve_of_a_random_label_is_drawn_to_the_edge_in_the_unit_chosen(browser, tmp_path):
    curved = with_bound(plane(soft=True), Joint([[0.3, 0.05], [0.15, 0.1], [0.1, 0.15], [0.05, 0.1]]))
    _open(browser, report.write(curved, tmp_path / "page.html"))
    for unit, factor in (("bits", 1 / np.log(2)), ("nats", 1.0)):
        _click(browser, f"input[name=unit][value={unit}]")
        _frame(browser)
        drawn = _drawn(browser, "bound")[None]
        assert drawn["x"][:-1] == pytest.approx(curved.bound_mi_input[0].to_numpy() * factor)
        assert drawn["y"][:-1] == pytest.approx(curved.bound_mi_target[0].to_numpy() * factor)
        edge = browser.execute_script("return document.querySelector('.plot.plane').layout.xaxis.range[1]")
        assert drawn["x"][-1] == pytest.approx(edge)
        assert drawn["y"][-1] == drawn["y"][-2]
    text = browser.execute_script("return document.querySelector('.plane').textContent")
    assert "I(X;Y) = " in text


def test_intervals_and_errors_are_told_and_drawn(browser, tmp_path):
    dataset = plane()
    for kind in ("input", "target"):
        dataset[f"mi_{kind}"].attrs["direction"] = "interval"
        dataset[f"mi_{kind}_lower"] = dataset[f"mi_{kind}"] - 0.05
        dataset[f"mi_{kind}_upper"] = dataset[f"mi_{kind}"] + 0.5
        dataset[f"mi_{kind}_stderr"] = dataset[f"mi_{kind}"] * 0 + 0.01
    _open(browser, report.write(dataset, tmp_path / "page.html"))
    text = _drawn(browser, "network")["first"]["text"][0]
    low, high = (float(v) / np.log(2) for v in (dataset.mi_input_lower[0, -1, 0], dataset.mi_input_upper[0, -1, 0]))
    assert f"within [{low:.3f}, {high:.3f}] ± 0.014 (standard error)" in text
    ends = _drawn(browser, "bounds")["first"]
    later = 0.015 / np.log(2)  # from the first network to the mean of the four
    assert ends["x"][:2] == pytest.approx([low + later, high + later], rel=1e-5)
    assert max(ends["y"][3:5]) <= 1 + 1e-6  # cut to H(Y), one bit
    _click(browser, "#show-bounds")
    assert not _drawn(browser, "bounds")


def test_regression_and_one_network_and_one_epoch_open_without_error(browser, tmp_path):
    browser.get_log("browser")
    _open(browser, report.write([regression(), plane(seeds=1, epochs=(7,))], tmp_path / "page.html"))
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    visible = "return document.querySelector('.plane').data.find((t) => t.meta.kind === 'bound').visible"
    assert browser.execute_script(visible) is False


def test_markup_in_names_stays_text(browser, tmp_path):
    evil = "<img src=x onerror=\"document.title='broken'\"></script><b>bold"
    dataset = plane(title=evil).assign_coords(layer=[evil, "second", "output"])
    dataset.mi_input.attrs["quantity"] = evil
    _open(browser, report.write(dataset, tmp_path / "page.html"))
    assert browser.title == evil
    assert browser.execute_script("return document.images.length") == 0
    assert browser.execute_script("return document.querySelector('.plane .xtitle').textContent") == f"{evil}, bits"


def test_the_section_on_estimators_fits_and_is_coloured(browser, tmp_path):
    layers = {"first": path_of(FLAT) + 3.8, "second": path_of(FALL), "output": path_of(FLAT)}
    moving = bins({**layers, "second": path_of(FLAT)}, range="snapshot")
    browser.get_log("browser")
    _open(browser, report.write([bins(layers), noisy(layers, 0.1), moving], tmp_path / "page.html"))
    script = """const cells = [...document.querySelectorAll("#agreement td.figure")];
    const colour = (kind) => getComputedStyle(document.querySelector(`#agreement td.${kind}`)).backgroundColor;
    return [cells.length, colour("holds"), colour("fails"), document.documentElement.scrollWidth <= innerWidth]"""
    assert browser.execute_script(script) == [15, "rgb(232, 243, 240)", "rgb(251, 238, 234)", True]
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
