"""The page as text: what it holds, what it must not hold, and what is refused."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr
from report_planes import LAYERS, plane, regression

from infoplane import report
from infoplane.bottleneck import Joint
from infoplane.errors import InputError
from infoplane.plane import with_bound
from infoplane.report.cautions import cautions
from infoplane.report.look import layers
from infoplane.report.runs import band, packed
from infoplane.report.tables import number

CLAIMS = [
    {"text": "It rises.", "verdict": "holds", "source": "a paper", "numbers": {"gain, bits": 0.4321}},
    {"text": "It falls.", "verdict": "fails", "source": "a paper", "numbers": {"layers": "2 of 3"}},
    {"text": "It stays.", "verdict": "unclear", "source": "a paper", "numbers": {}},
]


class Page(HTMLParser):
    """Tags with their attributes, the text of every script, and the text a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.visible: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = tag

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append(data)
        elif not self._inside:
            self.visible.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.visible))

    @property
    def data(self) -> dict:
        return json.loads(self.scripts[0])

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.tags if name in (attrs.get("class") or "").split()]


def page(tmp_path, datasets, **options) -> Page:
    return Page(report.write(datasets, tmp_path / "page.html", **options).read_text())


def unpacked(held: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(held["data"]), "<f4").reshape(held["shape"])


def test_the_page_loads_nothing_from_anywhere(tmp_path):
    found = page(tmp_path, plane())
    loads = [
        attrs[key] for _, attrs in found.tags for key in ("src", "href", "action", "data", "srcset") if attrs.get(key)
    ]
    assert loads
    assert all(target.startswith(("#", "data:")) for target in loads if target)
    style = next(m for m in re.findall(r"<style>.*?</style>", (tmp_path / "page.html").read_text(), re.S))
    assert "@import" not in style
    assert "url(" not in style
    policy = next(a["content"] for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_one_panel_a_dataset_and_the_values_survive(tmp_path):
    first, second = plane(), plane(seeds=2, epochs=(0, 5), title="another")
    found = page(tmp_path, [first, second])
    assert len(found.with_class("plane")) == 2
    runs = found.data["runs"]
    assert [run["title"] for run in runs] == ["a small plane", "another"]
    for run, dataset in zip(runs, (first, second), strict=True):
        np.testing.assert_allclose(unpacked(run["input"]["value"]), dataset.mi_input, rtol=1e-6)
        np.testing.assert_allclose(unpacked(run["target"]["value"]), dataset.mi_target, rtol=1e-6)
        np.testing.assert_allclose(unpacked(run["input"]["band"])[0], dataset.mi_input.mean("seed"), rtol=1e-6)
        assert run["input"]["stderr"] == 0.0
        assert run["bound"] == {"x": [0.0, np.log(2)], "y": [0.0, np.log(2)], "slope": 0.0, "most": "H(Y)"}


def test_dimensions_beyond_the_plane_become_panels(tmp_path):
    parts = xr.concat([plane(), plane()], xr.DataArray(["train", "test"], dims="split", name="split"))
    parts.attrs = plane().attrs
    found = page(tmp_path, parts)
    assert [run["title"] for run in found.data["runs"]] == ["a small plane, train", "a small plane, test"]
    assert len(found.with_class("plane")) == 2


def test_order_of_dimensions_does_not_matter(tmp_path):
    dataset = plane()
    turned = dataset.assign(mi_input=dataset.mi_input.transpose("layer", "epoch", "seed"))
    turned.mi_input.attrs = dataset.mi_input.attrs
    from infoplane.report.runs import describe

    looks = layers([list(LAYERS)])
    assert describe(turned, looks) == describe(dataset, looks)


def test_same_input_same_bytes(tmp_path):
    paths = [report.write(plane(), tmp_path / f"{k}.html") for k in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_no_attribute_can_bring_its_own_html(tmp_path):
    evil = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>\"'&"
    dataset = plane(
        title=evil,
        command=evil,
        notes=json.dumps([evil]),
        task=evil,
        claims=json.dumps([{"text": evil, "verdict": evil}]),
    ).assign_coords(layer=[evil, "second", "output"])
    dataset.mi_input.attrs["quantity"] = evil
    harmless, found = page(tmp_path, plane(command="x", claims=json.dumps(CLAIMS))), page(tmp_path, dataset)
    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert len(found.scripts) == len(harmless.scripts)
    assert not any("onerror" in attrs for _, attrs in found.tags)
    assert found.data["layers"][0]["name"] == evil
    assert evil in "".join(found.visible)


def test_claims_come_with_verdict_numbers_and_source_and_once_each(tmp_path):
    found = page(tmp_path, [plane(claims=json.dumps(CLAIMS)), plane(claims=json.dumps(CLAIMS))])
    badges = [attrs["class"] for attrs in found.with_class("badge")]
    assert badges == ["badge holds", "badge fails", "badge unclear"]
    for part in ("It rises.", "✓ holds", "✗ fails", "? is unclear", "gain, bits 0.432", "layers 2 of 3", "a paper"):
        assert part in found.text


def test_claims_given_replace_those_of_the_datasets(tmp_path):
    found = page(
        tmp_path, plane(claims=json.dumps(CLAIMS)), claims=[{"text": "Mine.", "verdict": "holds"}], title="My page"
    )
    assert len(found.with_class("badge")) == 1
    assert "Mine." in found.text
    assert "My page" in found.text
    assert "It rises." not in found.text


def test_without_claims_there_is_no_claims_section(tmp_path):
    assert not [attrs for _, attrs in page(tmp_path, plane()).tags if attrs.get("id") == "claims"]


def test_provenance_names_the_command_once_and_every_attribute(tmp_path):
    dataset = plane(command="infoplane demo --out here")
    found = page(tmp_path, [dataset, dataset])
    assert len(found.with_class("command")) == 1
    assert "infoplane demo --out here" in found.text
    assert all(name in found.text for name in dataset.attrs)
    assert "1.2 s" in found.text
    assert "8-4-3-2 tanh/softmax" in found.text


def test_one_network_has_no_band(tmp_path):
    found = page(tmp_path, plane(seeds=1))
    middle = unpacked(found.data["runs"][0]["input"]["band"])
    np.testing.assert_allclose(middle[0], plane(seeds=1).mi_input[0], rtol=1e-6)
    assert np.isnan(middle[1:]).all()
    assert "One network only" in found.text


def test_regression_has_neither_bound_nor_ceiling_nor_accuracy(tmp_path):
    run = page(tmp_path, regression()).data["runs"][0]
    assert run["bound"] is None
    assert run["ceilings"]["target"] is None
    assert run["ceilings"]["input"] == pytest.approx(np.log(256))
    assert list(run["curves"]) == ["loss"]


def test_soft_labels_without_a_curve_have_a_ceiling_and_no_bound(tmp_path):
    found = page(tmp_path, plane(soft=True))
    assert found.data["runs"][0]["bound"] is None
    assert "horizontal line: I(X;Y), the most that can be known of Y" in found.text
    assert "solid line" not in found.text


def test_the_bound_of_a_random_label_is_the_curve_that_the_plane_carries(tmp_path):
    curved = with_bound(plane(soft=True), Joint([[0.3, 0.1], [0.15, 0.2], [0.05, 0.2]]))
    found = page(tmp_path, curved)
    bound = found.data["runs"][0]["bound"]
    np.testing.assert_allclose(bound["x"], curved.bound_mi_input[0])
    np.testing.assert_allclose(bound["y"], curved.bound_mi_target[0])
    assert (bound["slope"], bound["most"]) == (0.0, "I(X;Y)")
    assert "solid line: the bound, the Information Bottleneck's curve" in found.text
    assert "horizontal line: I(X;Y), the most that can be known of Y" in found.text


def test_values_that_are_not_finite_are_left_out_and_counted(tmp_path):
    dataset = plane()
    dataset.mi_input[0, 1, 2] = np.nan
    dataset.mi_target[1, :, 0] = np.inf
    found = page(tmp_path, dataset)
    middle = unpacked(found.data["runs"][0]["input"]["band"])
    assert middle[0, 1, 2] == pytest.approx(float(dataset.mi_input[1:, 1, 2].mean()), rel=1e-6)
    assert "5 values not finite" in found.text
    assert "NaN" not in found.scripts[0]


def test_a_plane_of_two_variables_alone_is_enough(tmp_path):
    bare = plane()[["mi_input", "mi_target"]]
    bare.attrs = {"schema_version": 1}
    found = page(tmp_path, bare)
    assert "run 1" in found.text
    assert "No command was recorded" in found.text
    assert not found.with_class("phases")
    assert found.data["runs"][0]["input"]["stderr"] is None


def test_a_layer_keeps_its_look_across_runs_and_luminance_rises_with_depth():
    looks = layers([["first", "output"], list(LAYERS)])
    assert [look.name for look in looks] == list(LAYERS)
    assert len({look.symbol for look in looks}) == 3
    channels = [list(map(int, re.findall(r"\d+", look.colour))) for look in layers([[str(k) for k in range(9)]])]
    luminance = np.array(channels) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 5).all()


def test_a_band_is_the_mean_with_its_interval():
    values = np.random.default_rng(3).normal(size=(400, 5, 700))
    found = band(values)
    np.testing.assert_allclose(found[0], values.mean(axis=0), atol=1e-12)
    assert (found[1] < found[0]).all()
    assert (found[0] < found[2]).all()
    # The interval of a mean of 400 standard normals is 2 x 1.96 / 20 wide; its own error is some 5 %, here over 3500.
    assert np.mean(found[2] - found[1]) == pytest.approx(2 * 1.96 / 20, rel=0.02)


def test_packing_is_four_bytes_a_number():
    values = np.arange(12.0).reshape(3, 4)
    held = packed(values)
    assert len(base64.b64decode(held["data"])) == 48
    np.testing.assert_array_equal(unpacked(held), values)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.12345, "0.123"), (-3.456, "−3.46"), (1234.5, "1,234"), (-1e-9, "0.000"), (np.nan, "–")],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_cautions_follow_from_the_checks():
    dims = ("seed", "epoch", "layer")
    calm = plane()
    nothing = np.full(calm.mi_input.shape, 0.01)
    calm = calm.assign(mi_target_null=(dims, nothing), mi_input_growth=(dims, nothing), saturated=(dims, nothing > 1))
    calm = calm.assign(compression_null=("layer", np.full(3, -1.0)))
    assert cautions(calm) == []
    loud = calm.assign(
        saturated=(dims, nothing < 1),
        mi_input_growth=(dims, nothing + 0.9),
        mi_target_null=(dims, calm.mi_target.to_numpy()),
        dead=(dims, nothing < 1),
        out_of_range=(dims, np.ones(nothing.shape, int)),
        violations_input=(("seed", "epoch"), np.ones(nothing.shape[:2], int)),
        compression_null=("layer", np.full(3, 9.0)),
    ).assign_attrs(notes='["Noted by the measurement."]')
    told = " ".join(cautions(loud))
    for part in ("Saturated", "half a bit", "shuffled labels", "Dead", "outside the bins", "deeper layer", "no trend"):
        assert part in told
    assert told.endswith("Noted by the measurement.")
    assert "100.0% of all snapshots" in told


@pytest.mark.parametrize("given", [None, 3, [], "plane.nc", [None], xr.Dataset({"a": ("x", [1.0])})])
def test_what_is_no_plane_is_refused(tmp_path, given):
    with pytest.raises(InputError):
        report.write(given, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("claims", ["not json", '{"text": 1}', "[1]"])
def test_claims_that_cannot_be_read_are_refused(tmp_path, claims):
    with pytest.raises(InputError, match="claims"):
        report.write(plane(claims=claims), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "page.html", tmp_path / "folder"):
        with pytest.raises(InputError, match="cannot be written"):
            report.write(plane(), path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "folder").iterdir())


def test_a_large_ensemble_fits_into_eight_megabytes(tmp_path):
    epochs = tuple(range(200))
    path = report.write(plane(seeds=50, epochs=epochs), tmp_path / "page.html")
    assert path.stat().st_size < 8e6
