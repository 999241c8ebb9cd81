"""What a calibration looks like: the heat map, the page and the two commands."""

from __future__ import annotations

import io
import re

import matplotlib
import numpy as np
import pytest
import xarray as xr
from calibration_stubs import Always
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import infoplane as ip
from infoplane import InputError, calibration, plots, report
from infoplane.calibration import Grid, Size
from infoplane.plots.calibration import shade

EVIL = "</td><script>alert(1)</script>"


@pytest.fixture(scope="module")
def one():
    return ip.calibrate(50, 2, 1, Always(1.0), mis=(0.0, 1.0, 4.0), laws=["normal", "cube"], repetitions=2)


@pytest.fixture(scope="module")
def several():
    tried = (Always(1.0), Always(4.0, 0.1, EVIL), Always(most=2))
    return calibration.run((Grid(tried, ("normal", "cube"), (1.0, 4.0), (Size(1, 1), Size(2, 2)), (30, 60), 2),))


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_the_heat_map_has_every_number_and_frames_what_is_wrong_and_sure(one):
    figure = Figure()
    ax = figure.add_subplot()
    before = dict(matplotlib.rcParams)
    assert plots.calibration(one, ax) is ax
    figure.savefig(io.BytesIO())
    assert dict(matplotlib.rcParams) == before
    assert texts(ax) == ["+1.00", "0.00", "−3.00"] * 2
    frames = [patch for patch in ax.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    assert len(frames) == 4
    assert [label.get_text() for label in ax.get_yticklabels()] == ["normal", "cube"]
    assert "(nats)" in ax.get_xlabel()


def test_the_heat_map_in_bits(one):
    ax = plots.calibration(one, unit="bits")
    assert texts(ax)[:3] == ["+1.44", "0.00", "−4.33"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1.44", "5.77"]
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        plots.calibration(one, unit="bit")


def test_warned_and_refused_cells_say_so(several):
    chosen = several.sel(dimension="2+2", n=30)
    warned, refused = (plots.calibration(chosen.isel(estimator=k)) for k in (1, 2))
    assert texts(warned) == ["(+3.00)", "(0.00)"] * 2
    assert texts(refused) == ["×"] * 4
    assert not [patch for patch in warned.patches if isinstance(patch, Rectangle) and not patch.get_fill()]


def test_no_words_are_cut_off(one, several):
    for figure in (plots.calibration(one).figure, plots.calibration_panels(several.sel(n=[30]))):
        figure.draw_without_rendering()
        inside, shown = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
        assert shown.x0 >= inside.x0 - 1
        assert shown.y0 >= inside.y0 - 1
        assert shown.x1 <= inside.x1 + 1
        assert shown.y1 <= inside.y1 + 1


def test_several_of_anything_must_be_chosen(several):
    with pytest.raises(InputError, match=r"shows one estimator; choose one, as in dataset.sel\(estimator="):
        plots.calibration(several)
    with pytest.raises(InputError, match=r"shows one n; choose one, as in dataset.sel\(n=\[30\]\)"):
        plots.calibration_panels(several)
    with pytest.raises(InputError, match="it lacks value"):
        plots.calibration(xr.Dataset())


def test_colours_are_white_near_zero_and_darker_further_off():
    def lightness(bias: float) -> float:
        colour = shade(bias)[0]
        assert to_hex(colour) == colour
        return sum(int(colour[k : k + 2], 16) for k in (1, 3, 5))

    for sign in (1, -1):
        steps = [lightness(sign * bias) for bias in (0.0, 0.07, 0.15, 0.3, 0.7, 5.0)]
        assert steps == sorted(steps, reverse=True)
        assert len(set(steps)) == len(steps)
    assert shade(np.inf)[1] == "#ffffff"


def page(tmp_path, given) -> str:
    return report.write(given, tmp_path / "page.html").read_text()


def test_the_page_of_one_calibration(tmp_path, one):
    text = page(tmp_path, one)
    assert one.attrs["verdict"] in text
    assert re.search(r'<td class="missed" style="[^"]*" title="truth 4.00, mean of 2: 1.00;[^"]*">−3.00</td>', text)
    assert "Always(): 4 cells" in text
    assert "default-src 'none'" in text
    assert "http://" not in text
    assert "https://" not in text
    assert page(tmp_path, one) == text


def test_the_page_of_a_benchmark_shows_every_estimator_and_takes_no_html(tmp_path, several):
    text = page(tmp_path, several)
    for name in ("Always()", "Always(most=2)", "2+2, n = 30", "1+1, n = 60", "refused", "Always takes … columns"):
        assert name in text
    assert "<script>alert" not in text
    assert text.count('<table class="heat">') == 4


def test_planes_and_calibrations_do_not_share_a_page(tmp_path, one):
    with pytest.raises(InputError, match=r"not an information plane"):
        report.write([one, xr.Dataset()], tmp_path / "page.html")


def test_calibrate_prints_the_verdict_and_writes_result_and_page(call, tmp_path):
    arguments = ("200", "1", "1", "--estimator", "KSG", "--mi", "0", "--mi", "1", "--law", "normal", "--seeds", "2")
    status, out, _ = call("calibrate", *arguments, "--out", "found.nc")
    assert status == 0
    found = ip.load(tmp_path / "found.nc")
    assert found.attrs["verdict"] in out
    assert found.attrs["command"].startswith("infoplane calibrate 200 1 1 --estimator KSG")
    assert (tmp_path / "found.html").exists()
    expected = ip.calibrate(200, 1, 1, ip.estimators.KSG(), mis=(0, 1), laws=["normal"], repetitions=2)
    xr.testing.assert_equal(found.drop_vars("seconds"), expected.drop_vars("seconds"))


@pytest.mark.slow
def test_benchmark_writes_everything_and_continues(call, tmp_path):
    arguments = ("benchmark", "--estimator", "KSG", "--law", "normal", "--seeds", "2", "--out", "b", "--keep", "kept")
    status, out, _ = call(*arguments)
    assert status == 0
    assert "KSG()" in out
    for place in ("benchmark.nc", "report.html", "table.md", "figures/bias-1000.png", "cases.jsonl"):
        assert (tmp_path / "b" / place).stat().st_size > 0
    for place in ("benchmark.nc", "table.md", "figures/bias-1000.png"):
        assert (tmp_path / "kept" / place).stat().st_size > 0
    before = (tmp_path / "b" / "cases.jsonl").read_bytes()
    first = ip.load(tmp_path / "b" / "benchmark.nc")
    assert call(*arguments)[0] == 0
    assert (tmp_path / "b" / "cases.jsonl").read_bytes() == before
    xr.testing.assert_identical(ip.load(tmp_path / "b" / "benchmark.nc"), first)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("benchmark", "--preset", "fast"), "There is no preset 'fast'"),
        (("benchmark", "--law", "norml"), "did you mean 'normal'"),
        (("benchmark", "--estimator", "KSGG"), "There is no estimator 'KSGG'"),
        (("calibrate", "100", "1", "1", "--out", "found.txt"), "a file ending in .nc"),
        (("calibrate", "100", "2", "2", "--classes", "4"), "pass dim_y=1"),
    ],
)
def test_bad_options_end_in_one_sentence(call, arguments, sentence):
    status, _, err = call(*arguments)
    assert status == 2
    assert sentence in err


@pytest.mark.slow
def test_processes_change_nothing(call, tmp_path):
    arguments = ("benchmark", "--estimator", "KSG", "--law", "normal", "--seeds", "2")
    assert call(*arguments, "--out", "alone")[0] == 0
    assert call(*arguments, "--out", "two", "--workers", "2")[0] == 0
    alone, two = (ip.load(tmp_path / name / "benchmark.nc").drop_vars("seconds") for name in ("alone", "two"))
    xr.testing.assert_equal(alone, two)
