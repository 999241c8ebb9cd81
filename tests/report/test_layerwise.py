"""From layer to layer: the tables of data processing and of what codes keep."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip
from infoplane.report.layerwise import rises, sections


@pytest.fixture
def plane():
    """Two epochs of three layers with given values and errors, compressed, one of them past its bounds."""
    random = np.random.default_rng(0)
    layers = {name: random.normal(size=(1, 2, 60, 2)) for name in "abc"}
    recording = ip.recordings.from_arrays(layers, random.integers(2, size=60), epochs=[0, 1])
    dataset = ip.information_plane(recording, ip.estimators.Binned(bins=4, range=(-3, 3))).assign_attrs(title="run")
    cells = ("seed", "epoch", "layer")
    attrs = {name: dataset[name].attrs for name in ("mi_input", "mi_target")}
    values = {
        "mi_input": [[[1.0, 1.1, 0.5], [1.0, 1.5, 0.4]]],
        "mi_input_stderr": [[[0.1, 0.1, 0.1], [0.1, 0.1, np.nan]]],
        "mi_target": [[[0.6, 0.5, 0.4], [0.6, 0.5, 0.4]]],
        "mi_target_stderr": [[[0.01, 0.01, 0.01], [0.01, 0.01, 0.01]]],
        "explained_variance": [[[0.9, 0.8, 1.0], [0.9, 0.8, 1.0]]],
        "code_dim": [[[4, 4, 2], [4, 3, 2]]],
        "loss_bound_input": [[[0.2, 9.0, 0.0], [0.2, 9.0, 0.0]]],
        "loss_bound_target": [[[0.1, 0.1, 0.0], [0.1, 0.1, 0.0]]],
        "snr_bound": [[[2.0, 1.2, 1.0], [2.0, 1.2, 1.0]]],
    }
    made = dataset.assign({name: (cells, np.array(v, dtype=float)) for name, v in values.items()})
    for name, kept in attrs.items():
        made[name].attrs = kept
    return made


def test_rises_are_counted_within_and_beyond_their_errors(plane) -> None:
    up, beyond, rise = rises(plane, "input")
    np.testing.assert_array_equal(up[0], [[True, False], [True, False]])
    # 0.1 is within 2 * sqrt(0.02) = 0.28, 0.5 is beyond it.
    np.testing.assert_array_equal(beyond[0], [[False, False], [True, False]])
    np.testing.assert_allclose(rise[0, :, 0], [0.1, 0.5])
    (found,) = sections([plane])
    first, second = found["pairs"]
    assert first["pair"] == "a → b"
    assert first["cells"][0] == {"within": 1, "beyond": 1, "largest": "0.721"}
    assert second["cells"][0] == {"within": 0, "beyond": 0, "largest": "–"}


def test_only_layers_that_everything_passes_through_are_in_order(plane) -> None:
    (found,) = sections([plane.assign_attrs(chain='["a", "c"]')])
    assert [row["pair"] for row in found["pairs"]] == ["a → c"]
    assert found["pairs"][0]["cells"][0]["beyond"] == 0


def test_values_that_are_none_are_not_counted_as_kept_in_order(plane) -> None:
    nothing = plane.mi_input.copy(data=np.full(plane.mi_input.shape, np.nan))
    (found,) = sections([plane.assign(mi_input=nothing)])
    assert [row["cells"][0]["beyond"] for row in found["pairs"]] == ["–", "–"]
    assert [row["cells"][1]["beyond"] for row in found["pairs"]] == [0, 0]


def test_bounds_that_say_nothing_are_marked(plane) -> None:
    (found,) = sections([plane])
    a, b, c = found["codes"]
    assert [bound["vacuous"] for bound in b["bounds"]] == [True, False]
    assert not any(bound["vacuous"] for row in (a, c) for bound in row["bounds"])
    assert [row["over"] for row in (a, b, c)] == [False, True, False]
    assert [row["size"] for row in (a, b, c)] == ["4", "3", "2"]
    assert any("exclude nothing: b" in sentence for sentence in found["remarks"])


def test_codes_without_declared_noise_say_that_nothing_bounds_their_loss(plane) -> None:
    bare = plane.drop_vars(["snr_bound", "loss_bound_input"])
    assert any("No noise of known size" in sentence for sentence in sections([bare])[0]["remarks"])


def test_the_page_has_the_section_where_there_is_something_to_say(plane, tmp_path) -> None:
    text = ip.report.write(plane, tmp_path / "page.html").read_text()
    assert 'href="#layerwise"' in text
    assert "(vacuous)" in text
    assert "a → b" in text
    plain = plane.drop_vars(
        [n for n in plane if n.endswith("_stderr") or n.startswith(("loss", "snr", "code", "expl"))]
    )
    assert sections([plain]) == []
    assert 'href="#layerwise"' not in ip.report.write(plain, tmp_path / "plain.html").read_text()


def test_a_compressed_recording_shows_what_its_codes_keep(tmp_path) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(300, 6))
    layer = x[None, None] + 0.5 * random.normal(size=(1, 1, 300, 6))
    noise = "additive Gaussian, sigma 0.5"
    recording = ip.recordings.from_arrays({"t": layer}, x[:, 0] > 0, x, noise=noise)
    codes = ip.recordings.compressed(recording, layers=ip.compressors.PCA(2), sigma=0.5)
    plane = ip.information_plane(codes, ip.estimators.KSG()).assign_attrs(title="codes")
    (found,) = sections([plane])
    (row,) = found["codes"]
    assert row["size"] == "2"
    assert 0 < float(row["share"]) < 1
    assert float(row["most"]) > 0
