"""The page of infinite ensembles: numbers, words and tables as text, and the pictures in a real browser."""

from __future__ import annotations

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
from infoplane.report import ensemble_words
from infoplane.report.ensemble_tables import best_time, short, table_of_all, table_of_two, time_text

TIMES = [0.0, 1e-2, 0.1, 1.0, 10.0, 1e3, np.inf]


def ensemble(seed: int = 1, activation: str = "erf", *, classes: bool = False, ridge: float = 0.0, std: float = 1.5):
    random = np.random.default_rng(seed)
    x = random.standard_normal((50, 3))
    y = x @ [0.6, -0.5, 0.3] + 0.3 * random.standard_normal(50)
    y = (y > 0).astype(int) if classes else y
    trained = ip.infinite.Ensemble(ip.infinite.Dense(1, activation, std), x[:20], y[:20], ridge=ridge)
    return trained.information(x[20:], y[20:], TIMES, joint=[1.0], seed=seed)


def repeated(count: int = 3, **attrs: object) -> xr.Dataset:
    rows = [ensemble(seed) for seed in range(count)]
    return xr.concat(rows, "seed", data_vars="all", join="exact", combine_attrs="override").assign_attrs(attrs)


def optimum() -> xr.Dataset:
    return ip.bottleneck.gaussian_curve([[1.0]], [[1.0]], [[0.9]], [1.0, *(1 / 0.81 + np.geomspace(1e-3, 1e3, 20))])


def page(path, datasets, **options) -> str:
    return report.write(datasets, path / "page.html", **options).read_text(encoding="utf-8")


def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="ensemble-data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def words(text: str) -> str:
    """What is to be read: without scripts, style and tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def numbers(values: list) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


def test_one_page_without_the_network_the_same_every_time(tmp_path):
    given = [ensemble(), optimum()]
    first, again = page(tmp_path, given), page(tmp_path, given)
    assert first == again
    assert "default-src 'none'" in first
    assert not re.search(r"<(link|script|img)[^>]+(src|href)=\"http", first)


def test_the_scripts_get_every_number_in_nats(tmp_path):
    dataset = ensemble()
    held = data(page(tmp_path, dataset))
    one = held["ensembles"][0]
    assert one["times"] == [*TIMES[:-1], None]
    assert one["ceiling"] == pytest.approx(np.log(30))
    names = {line["name"] for panel in held["panels"] for line in panel["lines"]} | {"mi_input", "mi_target"}
    assert set(one["values"]) == names | {"mi_input_lower"}
    for name, values in one["values"].items():
        expected = dataset[name].to_numpy()
        np.testing.assert_array_equal(numbers(values["mean"]), np.where(np.isfinite(expected), expected, np.nan))
        assert values["low"] is None


def test_bands_hold_the_means_of_several_data_sets(tmp_path):
    dataset = repeated()
    values = data(page(tmp_path, dataset))["ensembles"][0]["values"]["mi_input"]
    mean, low, high = (numbers(values[name]) for name in ("mean", "low", "high"))
    np.testing.assert_allclose(mean, dataset.mi_input.mean("seed"))
    assert (low <= mean + 1e-12).all()
    assert (mean <= high + 1e-12).all()
    assert (low < high)[1:].all()
    assert (low >= dataset.mi_input.min("seed").to_numpy() - 1e-12).all()


def test_the_order_of_data_sets_and_times_does_not_matter():
    dataset = repeated()
    assert table_of_all(dataset) == table_of_all(dataset.transpose("time", "seed"))


def test_the_optimum_is_the_gaussian_curve(tmp_path):
    given = ensemble()
    held = data(page(tmp_path, [given, optimum()]))["optimum"]
    rates, most = np.array(held["x"]), np.array(held["y"])
    assert rates[-1] > given.mi_input.max()
    exact = -0.5 * np.log(1 - 0.81 * (1 - np.exp(-2 * rates)))
    assert (most >= exact - 1e-6).all()  # what is excluded is above the curve
    np.testing.assert_allclose(most, exact, atol=0.02)  # and close to it, between betas too
    assert data(page(tmp_path, given))["optimum"] is None


def test_every_panel_has_a_unit_that_fits(tmp_path):
    given = [ensemble(), ensemble(activation="relu"), ensemble(classes=True)]
    panels = data(page(tmp_path, given))["panels"]
    units = {line["name"]: panel["unit"] for panel in panels for line in panel["lines"]}
    for name, unit in units.items():
        information, loss = name.startswith("mi_"), name.startswith("loss_") or name == "generalisation_gap"
        assert unit == ("information" if information else "nats" if loss else "1"), name
    assert {"accuracy", "mi_parameters_data", "mi_parameters_data_linearised", "mi_target_affine"} <= set(units)


def test_panels_without_numbers_are_left_out(tmp_path):
    panels = data(page(tmp_path, ensemble(ridge=0.1)))["panels"]
    names = {line["name"] for panel in panels for line in panel["lines"]}
    assert not {"mi_parameters_data", "parameter_distance", "loss_gibbs_train", "accuracy"} & names
    assert {"loss_gibbs", "mi_output_data"} <= names


def test_what_is_0_has_no_place_on_a_logarithmic_axis(tmp_path):
    panels = data(page(tmp_path, ensemble().isel(time=[0])))["panels"]
    assert not {"parameter_distance", "mi_parameters_data"} & {x["name"] for panel in panels for x in panel["lines"]}
    assert [panel["title"] for panel in panels if panel["log"]] == ["Trace of the Fisher information"]


def test_the_table_is_of_the_least_loss_and_of_the_last_time(tmp_path):
    dataset = ensemble()
    best = int(np.argmin(dataset.loss_gibbs.to_numpy()))
    assert best_time(dataset) == best
    table = table_of_two(["a"], [dataset])
    assert table["heads"] == [{"title": "a", "whens": ["least loss", "last"]}]
    rows = dict(table["rows"])
    assert rows["time τ"] == [time_text(TIMES[best]), "∞"]
    for heading, name in (("Gibbs loss, nats", "loss_gibbs"), ("I(X;Z|D), upper, nats", "mi_input")):
        assert rows[heading] == [short(float(dataset[name][k])) for k in (best, -1)]
    assert rows["I(Θ;D), upper, nats"][1] == "∞"
    told = words(page(tmp_path, dataset))
    assert f"I(X;Z|D), upper, nats {' '.join(rows['I(X;Z|D), upper, nats'])}" in told


def test_the_table_tells_the_spread_over_data_sets_and_what_is_missing():
    several, ridge = repeated(), ensemble(ridge=0.1)
    rows = dict(table_of_two(["a", "b"], [several, ridge])["rows"])
    last = several.mi_input[:, -1].to_numpy()
    assert rows["I(X;Z|D), upper, nats"][1] == f"{short(last.mean())} ± {short(last.std(ddof=1))}"
    assert rows["E‖θ − θ₀‖²"][2:] == ["–", "–"]


def test_every_time_is_in_a_table(tmp_path):
    kinds, rows = zip(*table_of_all(ensemble())["rows"], strict=True)
    assert [row[0] for row in rows] == ["0", "0.01", "0.1", "1", "10", "1,000", "∞"]
    assert kinds.count("best") == 1
    assert page(tmp_path, ensemble()).count('<th scope="row">0.01</th>') == 1


@pytest.mark.parametrize(
    ("time", "text"), [(0.0, "0"), (np.inf, "∞"), (1e8, "1.00e8"), (1e-4, "1.00e−4"), (316.2, "316"), (3.162, "3.16")]
)
def test_times_are_short(time, text):
    assert time_text(time) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.263e10, "1.26e10"), (-2.5e-5, "−2.50e−5"), (0.0, "0"), (np.inf, "∞"), (np.nan, "–")]
)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_cautions_follow_from_what_is_not_sure():
    quiet = ensemble(std=3.0)
    quiet["mi_input_lower"] = quiet.mi_input - 0.1
    quiet["mi_parameters_data"] = quiet.mi_parameters_data * 0
    assert not [x for x in ensemble_words.cautions(quiet) if "apart" in x or "ln M" in x or "vacuous" in x]

    wide = quiet.copy()
    wide["mi_input_lower"] = wide.mi_input - xr.DataArray([0.1, 0.1, 0.1, 0.7, 0.1, 0.9, 0.1], dims="time")
    told = " ".join(ensemble_words.cautions(wide))
    assert "more than 0.5 nats apart at 2 of 7 times, 0.900 nats at τ = 1,000" in told

    full = quiet.copy()
    full["mi_input_lower"] = xr.full_like(full.mi_input, np.log(30) - 0.5)
    assert "within 1 nat of ln M = 3.40 nats at 7 of 7 times" in " ".join(ensemble_words.cautions(full))

    hard = quiet.copy()
    hard["mi_parameters_data"] = xr.full_like(hard.mi_parameters_data, 400.0)
    expected = np.sqrt((400 + np.log(2 * np.sqrt(20) / 0.05)) / 40)
    assert f"is 400 nats, and PAC-Bayes gives {expected:.2f}: vacuous" in " ".join(ensemble_words.cautions(hard))
    hard["mi_parameters_data"] = xr.full_like(hard.mi_parameters_data, np.inf)
    assert "no bound follows" in " ".join(ensemble_words.cautions(hard))

    singular = quiet.assign_attrs(condition_tangent=1e14, modes_at_floor=2)
    told = " ".join(ensemble_words.cautions(singular))
    assert "nearly singular: condition number 1.0e+14" in told
    assert "2 modes of the tangent kernel" in told


def test_a_linearised_value_is_said_to_be_no_bound(tmp_path):
    told = words(page(tmp_path, ensemble(activation="relu")))
    assert "I(Θ;D) is given linearised" in told
    assert "it is no bound" in told
    assert "given linearised" not in words(page(tmp_path, ensemble()))


def test_notes_are_told_once():
    twice = ensemble().assign_attrs(
        notes=json.dumps(["The bounds of I(X;Z|D) are up to 9 nats apart; take more points.", "something else."])
    )
    twice["mi_input_lower"] = twice.mi_input - 9
    told = ensemble_words.cautions(twice)
    assert len([sentence for sentence in told if "nats apart" in sentence]) == 1
    assert told[-1] == "Something else. (Noted by the computation.)"


def test_the_page_says_what_it_assumes(tmp_path):
    told = words(page(tmp_path, [repeated(command="infoplane infinite"), optimum()]))
    for part in (
        "1 ensemble of infinitely wide networks",
        "20 training points, 30 evaluation points, 1 output, 3 data sets drawn",
        "gradient flow on the summed half-squared loss",
        "1 bottleneck curve",
        "½ ln 2π",
        "unit slope",
        "H(Y) is that of a normal law",
        "infoplane infinite",
        "I(Z;Y|D) takes H(Y) as",
    ):
        assert part in told
    assert "softmax of scaled outputs" in words(page(tmp_path, ensemble(classes=True)))


def test_ensembles_are_named_by_what_sets_them_apart():
    def named(*titles):
        return ensemble_words.titles([ensemble().assign_attrs(title=title) for title in titles])

    assert named("On a task: erf-1 (quick)", "On a task: relu-1 (quick)") == ["erf-1", "relu-1"]
    assert named("a", "b") == ["a", "b"]
    assert named("a", "a") == ["a (1)", "a (2)"]
    assert ensemble_words.titles([ensemble(), ensemble(activation="relu")]) == ["erf", "relu"]
    assert ensemble_words.titles([ensemble(), ensemble(std=2.0)]) == ["weight std 1.5", "weight std 2.0"]
    assert ensemble_words.titles([ensemble(), ensemble(ridge=0.1)]) == ["ridge 0", "ridge 0.1"]
    assert ensemble_words.titles([ensemble()])[0].startswith("Dense(depth=1")


def test_claims_of_an_experiment_stand_on_the_page_once(tmp_path):
    claims = [{"text": "It overfits.", "verdict": "holds", "source": "s", "numbers": {"gap": 0.25}}]
    held = json.dumps(claims)
    for text in (
        page(tmp_path, [repeated(claims=held), repeated(claims=held)]),
        page(tmp_path, ensemble(), claims=claims),
    ):
        assert words(text).count("It overfits.") == 1
        assert 'class="badge holds"' in text


def test_markup_in_names_stays_text(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    text = page(tmp_path, [ensemble().assign_attrs(title=evil, method=evil, notes=json.dumps([evil]))])
    assert "<img" not in text
    assert data(text)["ensembles"][0]["title"] == evil


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (ensemble().isel(time=[]), "at least one time"),
        (ensemble().drop_vars("mi_target"), "lacks mi_target"),
        ([ensemble(), plane()], "bottleneck curves only"),
        ([ensemble(), curve().drop_vars("mi_input")], "lacks mi_input"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        report.write(wrong, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    from selenium.webdriver.support.ui import WebDriverWait

    path = report.write(
        [ensemble(), repeated(title="mine"), optimum()], tmp_path_factory.mktemp("report") / "page.html"
    )
    browser.get_log("browser")
    browser.get(path.as_uri())
    WebDriverWait(browser, 30, poll_frequency=0.05).until(
        lambda b: b.execute_script("return document.body.dataset.ensembles === 'ready'")
    )
    return browser


def _traces(browser, selector: str, number: int = 0) -> list[dict]:
    script = """const plot = document.querySelectorAll(arguments[0])[arguments[1]];
    const numbers = (values) => values.map((v) => (v === null ? NaN : Number(v)));
    return plot.data.map((t) => ({...t.meta, x: numbers(t.x), y: numbers(t.y), text: t.text}));"""
    return browser.execute_script(script, selector, number)


def _change(browser, selector: str, value: str | None = None) -> None:
    browser.execute_script(
        """const box = document.querySelector(arguments[0]);
        if (arguments[1] === null) box.click();
        else {
          box.value = arguments[1];
          for (const kind of ["input", "change"]) box.dispatchEvent(new Event(kind));
        }""",
        selector,
        value,
    )


def test_the_pictures_in_a_browser(opened):
    first = ensemble()
    path = _traces(opened, ".plot.whole")
    points = next(trace for trace in path if trace["kind"] == "point")
    np.testing.assert_allclose(points["x"], first.mi_input / np.log(2))  # bits
    np.testing.assert_allclose(points["y"], first.mi_target / np.log(2))
    assert "τ = ∞" in points["text"][-1]
    assert {"optimum", "beyond", "bar", "now"} <= {trace["kind"] for trace in path}

    losses = _traces(opened, ".plot.along")
    line = next(trace for trace in losses if trace["kind"] == "line" and trace["name"] == "loss_gibbs")
    np.testing.assert_allclose(line["x"], TIMES[1:-1])
    np.testing.assert_allclose(line["y"], first.loss_gibbs[1:-1])  # nats, whatever the unit
    ends = next(trace for trace in losses if trace["kind"] == "end" and trace["name"] == "loss_gibbs")
    np.testing.assert_allclose(ends["y"], first.loss_gibbs[[0, -1]])
    assert ends["x"][0] < TIMES[1]
    assert ends["x"][1] > TIMES[-2]
    assert [trace["ensemble"] for trace in losses if trace["kind"] == "band"] == ["mine"] * 2
    ticks = opened.execute_script("return document.querySelector('.plot.along').layout.xaxis.ticktext")
    assert {"0", "∞", "1"} <= set(ticks)

    _change(opened, "#time", "2")
    now = next(trace for trace in _traces(opened, ".plot.whole") if trace["kind"] == "now")
    np.testing.assert_allclose(now["x"], [first.mi_input[2] / np.log(2)])
    assert opened.execute_script("return document.getElementById('time-label').textContent") == "τ = 0.1"
    line = opened.execute_script("return document.querySelector('.plot.along').layout.shapes[0].x0")
    assert line == pytest.approx(0.1)

    _change(opened, "input[name=unit][value=nats]")
    points = next(trace for trace in _traces(opened, ".plot.whole") if trace["kind"] == "point")
    np.testing.assert_allclose(points["x"], first.mi_input)
    _change(opened, "input[name=ensemble][value='1']")
    assert "mine" not in {trace.get("ensemble") for trace in _traces(opened, ".plot.whole")}
    _change(opened, "#show-bars")
    assert "bar" not in {trace["kind"] for trace in _traces(opened, ".plot.whole")}
    assert not [entry for entry in opened.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
