"""The page of models trained for the bottleneck: numbers, words and tables as text, and pictures in a real browser."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import xarray as xr
from report_curves import curve
from report_planes import plane

from infoplane import report
from infoplane.errors import InputError
from infoplane.report import variational_words
from infoplane.report.variational_values import beta_text, ended, lines, spread, table, with_error

DIMS = ("objective", "beta", "seed", "epoch", "split")
EPOCHS = [0, 1, 5]
LABELS = np.log(3)


def models(seeds: int = 2, splits: tuple[str, ...] = ("train", "test"), betas: int = 3, **attrs: object) -> xr.Dataset:
    """VIB at every beta, CEB at all but the first; more is kept at later epochs and larger betas."""
    random = np.random.default_rng(3)
    shape = (2, betas, seeds, len(EPOCHS), len(splits))
    growth = np.linspace(0.2, 1.0, betas)[:, None, None, None] * np.array([0.05, 0.6, 1.0])[:, None]
    target = LABELS * (0.95 * growth - 0.01 * random.random(shape))
    numbers = {
        "mi_input": 6 * growth + 0.2 * random.random(shape),
        "rate": 9 * growth + 0.2 * random.random(shape),
        "rate_mixture": 6 * growth + 0.2 * random.random(shape),
        "rate_conditional": 5 * growth + 0.1 * random.random(shape),
        "mi_target": target,
        "distortion": LABELS - target,
        "accuracy": 0.3 + 0.6 * growth + 0 * target,
        "calibration_error": 0.1 + 0 * target,
        "loss": LABELS - target,
    }
    numbers |= {f"{name}_stderr": 0.01 + 0 * target for name in ("mi_input", "mi_target", "rate", "accuracy")}
    variables = {name: (DIMS, values.copy()) for name, values in numbers.items()}
    coordinates = (["VIB", "CEB"], 10.0 ** np.arange(betas), list(range(seeds)), EPOCHS, list(splits))
    found = xr.Dataset(variables, dict(zip(DIMS, coordinates, strict=True)))
    for name in found.data_vars:
        found[name][1, : betas - 1] = np.nan
    found.mi_input.attrs = {"quantity": "I(X;Z)", "direction": "upper"}
    found.mi_target.attrs = {"quantity": "I(Z;Y)", "direction": "lower"}
    held = {"kind": "variational", "entropy_target_test": LABELS, "ceiling_mi_target": LABELS, "test_draws": 12}
    return found.assign_attrs(held | attrs)


def page(path, datasets, **options) -> str:
    return report.write(datasets, path / "page.html", **options).read_text(encoding="utf-8")


def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="variational-data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def words(text: str) -> str:
    """What is to be read: without scripts, style and tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_one_page_without_the_network_the_same_every_time(tmp_path):
    first, again = page(tmp_path, models()), page(tmp_path, models())
    assert first == again
    assert "default-src 'none'" in first
    assert not re.search(r"<(link|script|img)[^>]+(src|href)=\"http", first)


def test_the_scripts_get_every_number_in_nats(tmp_path):
    dataset = models()
    vib, ceb = data(page(tmp_path, dataset))["models"]
    assert (vib["name"], vib["betas"], vib["epochs"]) == ("VIB", [1.0, 10.0, 100.0], EPOCHS)
    assert ceb["betas"] == [100.0]  # the only one of which there are models
    assert vib["ceilings"]["test"] == pytest.approx(LABELS)
    for name in ("mi_input", "rate_conditional", "mi_target", "distortion", "accuracy", "calibration_error"):
        expected = dataset[name].sel(objective="VIB", split="test")
        np.testing.assert_allclose(vib["course"]["test"][name]["mean"], expected.mean("seed"))
        np.testing.assert_allclose(vib["last"]["test"][name]["mean"], expected.isel(epoch=-1).mean("seed"))
        np.testing.assert_allclose(vib["last"]["test"][name]["error"], expected.isel(epoch=-1).std("seed", ddof=1))


def test_of_one_seed_the_error_is_that_over_samples(tmp_path):
    text = page(tmp_path, models(seeds=1))
    vib = data(text)["models"][0]["last"]["test"]
    np.testing.assert_allclose(vib["mi_input"]["error"], 0.01)
    assert vib["rate_conditional"]["error"] == [None] * 3  # not measured
    assert "standard error over samples, as there is one seed" in words(text)
    assert "One seed only" in words(text)


def test_a_seed_without_numbers_is_left_out_and_told():
    holed = models()
    for name in holed.data_vars:
        holed[name][0, 1, 0] = np.nan
    line = lines([""], [holed])[0]
    middle, error = spread(ended(line), "mi_input", "test")
    assert middle[1] == float(holed.mi_input[0, 1, 1, -1, 1])
    assert error[1] == pytest.approx(0.01)
    assert "VIB: 1 model of 6 without numbers" in " ".join(variational_words.cautions([line], holed))


def test_models_that_stopped_early_are_those_of_their_best_epoch(tmp_path):
    early = models()
    early["best_epoch"] = (DIMS[:3], np.full((2, 3, 2), 1.0))
    early["best_epoch"][0, 0, 0] = np.nan  # not known: the last
    kept = ended(lines([""], [early])[0])
    assert float(kept.mi_target[1, 0, 1]) == float(early.mi_target[0, 1, 0, 1, 1])
    assert float(kept.mi_target[0, 0, 1]) == float(early.mi_target[0, 0, 0, -1, 1])
    assert "best epoch (epoch 1)" in words(page(tmp_path, early))
    stopped = models()
    for name in stopped.data_vars:
        stopped[name][0, 0, :, -1] = np.nan
    assert float(ended(lines([""], [stopped])[0]).loss[0, 0, 0]) == float(stopped.loss[0, 0, 0, 1, 0])


def test_the_table_has_every_trade_off_with_errors():
    dataset = models()
    told = table(lines([""], [dataset]), ["train", "test"])
    firsts = [["VIB", beta, part] for part in ("train", "test") for beta in ("1", "10", "100")]
    assert [row[:3] for row in told["rows"][:6]] == firsts
    assert len(told["rows"]) == 8
    place = told["headings"].index("conditional rate, nats")
    values = dataset.rate_conditional[0, 2, :, -1, 0].to_numpy()
    assert told["rows"][2][place] == with_error(values.mean(), values.std(ddof=1))
    assert beta_text(np.inf) == "–"
    assert with_error(1.5, np.nan) == "1.50"


def test_the_conditional_rate_is_never_called_a_bound_of_what_z_keeps_of_x(tmp_path):
    text = page(tmp_path, models())
    assert "Against the conditional rate, which bounds I(X;Z|Y)" in words(text)
    assert "It is no bound of I(X;Z)" in words(text)
    titles = {panel["name"]: panel["title"] for panel in data(text)["panels"]}
    assert titles["rate_conditional"] == "Conditional rate, I(X;Z|Y), upper"


def test_what_cannot_be_is_told():
    wrong = models()
    wrong["mi_input"][0, 0] = 0.01
    told = " ".join(variational_words.cautions(lines([""], [wrong]), wrong))
    assert "VIB, β = 1, test: I(Z;Y) exceeds I(X;Z)" in told
    assert "exceeds" not in " ".join(variational_words.cautions(lines([""], [models()]), models()))


def test_other_objectives_and_draws_are_told(tmp_path):
    dual = models(test_draws=1).assign_coords(objective=["DualVIB(rate='marginal')", "CrossEntropy()"])
    told = words(page(tmp_path, dual))
    assert "not p(y|z)" in told
    assert "one draw of Z a sample" in told
    assert "its rates are infinite" in told
    assert "means over 12 draws" in words(page(tmp_path, models()))


def test_one_part_one_beta_several_datasets_and_more_variables(tmp_path):
    more = models(splits=("train",), title="On a task: a").assign(error=(("draws", "seed"), np.zeros((3, 2))))
    held = data(page(tmp_path, [more, models(title="On a task: b"), curve()]))
    assert [one["name"] for one in held["models"]] == ["a: VIB", "a: CEB", "b: VIB", "b: CEB"]
    assert list(held["models"][0]["last"]) == ["train"]
    assert held["optimum"]["x"][-1] > 0
    assert data(page(tmp_path, models(betas=1)))["optimum"] is None


def test_claims_and_markup(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    claims = json.dumps([{"text": "It forgets.", "verdict": "holds", "source": "s", "numbers": {"gap": 0.25}}])
    text = page(tmp_path, models(title=evil, claims=claims))
    assert words(text).count("It forgets.") == 1
    assert "<img" not in text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ([models(), plane()], "bottleneck curves only"),
        (models().drop_vars("mi_target"), "lacks mi_target"),
        (models(betas=2).assign(mi_target=models(betas=2).mi_target.where(False)), "at least one trained model"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        report.write(wrong, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    from selenium.webdriver.support.ui import WebDriverWait

    path = report.write(models(), tmp_path_factory.mktemp("report") / "page.html")
    browser.get_log("browser")
    browser.get(path.as_uri())
    WebDriverWait(browser, 30, poll_frequency=0.05).until(
        lambda b: b.execute_script("return document.body.dataset.models === 'ready'")
    )
    return browser


def _traces(browser, number: int) -> list[dict]:
    script = """const plot = document.querySelectorAll(".plot.whole")[arguments[0]];
    return plot.data.map((t) => ({...t.meta, x: Array.from(t.x), y: Array.from(t.y), text: t.text,
      bars: t.error_x ? t.error_x.visible : null, reach: t.error_x ? Array.from(t.error_x.array) : null}));"""
    return browser.execute_script(script, number)


def test_the_pictures_in_a_browser(opened):
    last = models().isel(epoch=-1).sel(objective="VIB", split="test")
    for number, rate in enumerate(("mi_input", "rate_conditional")):
        traces = _traces(opened, number)
        vib = next(trace for trace in traces if trace.get("name") == "VIB")
        np.testing.assert_allclose(vib["x"], last[rate].mean("seed"))
        np.testing.assert_allclose(vib["y"], last.mi_target.mean("seed"))
        np.testing.assert_allclose(vib["reach"], last[rate].std("seed", ddof=1))
        assert "β = 10" in vib["text"][1]
        assert ("limit" in {trace["kind"] for trace in traces}) == (number == 0)  # forbids nothing on the right
        title = f"return document.querySelectorAll('.plot.whole')[{number}].layout.xaxis.title.text"
        assert ("I(X;Z|Y)" in opened.execute_script(title)) == (number == 1)

    for selector in ("input[name=unit][value=bits]", "input[name=split][value=train]", "#show-bars"):
        opened.execute_script("document.querySelector(arguments[0]).click()", selector)
    vib = next(trace for trace in _traces(opened, 0) if trace.get("name") == "VIB")
    train = models().isel(epoch=-1).sel(objective="VIB", split="train")
    np.testing.assert_allclose(vib["x"], train.mi_input.mean("seed") / np.log(2))
    assert vib["bars"] is False
    opened.execute_script("document.querySelector('input[name=model][value=\"0\"]').click()")
    assert "VIB" not in {trace.get("name") for trace in _traces(opened, 0)}
    courses = opened.execute_script("return document.querySelector('.plot.along').data.length")
    assert courses == 2  # CEB at one beta, on both parts
    assert not [entry for entry in opened.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
