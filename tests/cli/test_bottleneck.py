"""The command ``bottleneck``: files in, table, curve, picture and report out; and how bad input ends."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.cli import bottleneck
from infoplane.cli.bottleneck import parse_betas, thinned
from infoplane.cli.joints import read_joint
from infoplane.errors import InputError

B = np.array([[6, 3, 1], [2, 8, 2], [1, 4, 9]])


@pytest.fixture
def files(tmp_path):
    """Tables of weights and samples in every kind of file."""
    np.save(tmp_path / "b.npy", B)
    np.savez(tmp_path / "two.npz", b=B, a=np.eye(2), x=np.array([0, 0, 1]), y=np.array([1, 2, 2]))
    (tmp_path / "b.csv").write_text("6,3,1\n2,8,2\n1,4,9\n")
    (tmp_path / "pets.csv").write_text("colour,animal,n\nred,cat,1\nred,cat,2\nblue,dog,3\nblue,cat,4\n")
    return tmp_path


def test_a_table_becomes_a_curve_a_picture_and_a_page(call, files):
    status, out, _ = call("bottleneck", "b.csv", "--betas", "2:10:3", "--out", "new/b.nc", "--smooth", "0.1")
    assert status == 0
    dataset = ip.load(files / "new" / "b.nc")
    joint = ip.bottleneck.Joint(B).smoothed(0.1)
    expected = ip.bottleneck.curve(joint, np.geomspace(2, 10, 3))
    xr.testing.assert_equal(dataset, expected)
    assert dataset.attrs["command"] == "infoplane bottleneck b.csv --betas 2:10:3 --out new/b.nc --smooth 0.1"
    assert dataset.attrs["title"] == "b.csv: IB()"
    assert "3 x 3 weights; no header, no names of rows, smoothed by 0.1" in dataset.attrs["task"]
    assert (files / "new" / "b.png").read_bytes()[:4] == b"\x89PNG"
    assert "infoplane bottleneck b.csv" in (files / "new" / "b.html").read_text()
    for word in ("Informations in bits", "4.4721", "clusters", "Certified at all 3 points", "new/b.html"):
        assert word in out
    row = next(line for line in out.splitlines() if " 10 " in line)
    assert f"{float(expected.mi_input[-1]) / np.log(2):.5f}" in row


def test_json_is_one_object_in_nats_and_the_files_are_there(call, files):
    status, out, _ = call("bottleneck", "two.npz:b", "--betas", "5", "--method", "dual", "--json", "--nats")
    found = json.loads(out)
    assert status == 0
    expected = ip.bottleneck.solve(ip.bottleneck.Joint(B), 5, ip.bottleneck.DualIB())
    assert found["points"][0]["mi_target"] == pytest.approx(expected.mi_target, abs=1e-12)
    assert found["points"][0]["gap"] == pytest.approx(expected.gap, abs=1e-12)
    assert found["method"] == "DualIB()"
    assert found["unit"] == "nats"
    assert found["files"] == {"curve": "curve.nc", "picture": "curve.png", "report": "curve.html"}
    assert all((files / name).exists() for name in found["files"].values())
    bare = json.loads(call("bottleneck", "b.npy", "--betas", "5", "--no-certify", "--json")[1])
    assert bare["points"][0]["gap"] is None  # JSON has no nan


def test_columns_of_samples_are_counted_and_labels_keep_their_names(call, files):
    status, out, _ = call("bottleneck", "pets.csv:colour,animal", "--samples", "--betas", "2,8", "--out", "pets.nc")
    assert status == 0
    assert "2 x 2 counts of 4 pairs" in out
    dataset = ip.load(files / "pets.nc")
    assert dataset.y.values.tolist() == ["cat", "dog"]
    joint = ip.bottleneck.Joint([[1, 1], [2, 0]])  # blue, red; cat, dog
    assert dataset.attrs["mi_joint"] == pytest.approx(joint.mutual_information)
    assert "<option>dog</option>" in (files / "pets.html").read_text()


def test_a_long_curve_is_thinned_in_the_terminal_only(call, files, monkeypatch):
    monkeypatch.setattr(bottleneck, "_rows", lambda: 13)  # whatever the terminal of the tests is
    status, out, _ = call("bottleneck", "b.npy", "--method", "agglomerative", "--betas", "1:100:40", "--no-certify")
    assert status == 0
    assert "13 of 40 points; all are in the files." in out
    assert ip.load(files / "curve.nc").sizes["beta"] == 40
    assert "No gap is known" in out
    assert thinned(40, 13).tolist()[:: len(thinned(40, 13)) - 1] == [0, 39]
    assert thinned(3, 13).tolist() == [0, 1, 2]


def test_a_report_of_curves_and_of_planes_with_curves(call, files):
    curve = ip.bottleneck.curve(ip.bottleneck.Joint(B), [2, 5])
    plane = ip.information_plane(
        ip.recordings.from_arrays({"t": np.arange(20.0)[:, None]}, np.arange(20) % 2), ip.estimators.Binned(4)
    )
    for name, dataset in (("curve", curve), ("plane", plane)):
        ip.save(dataset, files / f"{name}.nc")
    for given in (("curve.nc",), ("plane.nc", "curve.nc")):
        status, _, _ = call("report", *given, "--out", "page.html")
        assert status == 0
        assert "IB: 2 points" in (files / "page.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.csv",), "There is no file none.csv."),
        (("b.npy", "--method", "duel"), "There is no method 'duel'; did you mean 'DualIB'?"),
        (("b.npy", "--set", "alpha=1"), "IB has no setting 'alpha'"),
        (("b.npy", "--betas", "1:2"), "--betas takes A:B:N, such as 0.5:50:100 for 100 values in geometric steps"),
        (("b.npy", "--betas", "0:2:5"), "A and B are positive"),
        (("b.npy", "--betas=-1,2"), "needs a finite beta >= 0"),
        (("b.npy", "--smooth", "2"), "weight in (0, 1]"),
        (("b.npy", "--out", "new/curve.txt"), "--out needs a file ending in .nc"),
        (("b.npy", "--out", "b.csv/curve.nc"), "b.csv is not a folder"),
        (("b.npy", "--chords", "3", "--method", "agglomerative"), "has chords=0, got 3"),
        (("two.npz",), "holds 4 arrays"),
        (("two.npz:x",), "two dimensions"),
        (("two.npz:a", "--method", "dual"), "DualIB needs p(y|x) > 0"),
        (("b.csv:a",), "leave out ':a'"),
        (("b.csv", "--samples"), "name two, as in FILE.csv:x,y"),
        (("pets.csv:colour", "--samples"), "pairs of two columns"),
        (("pets.csv:colour,animals", "--samples"), "did you mean 'animal'?"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_leaves_nothing_behind(call, files, arguments, sentence):
    before = sorted(files.rglob("*"))
    status, out, err = call("bottleneck", *arguments)
    assert status == 2
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(files.rglob("*")) == before


def test_help_and_list_name_the_command_and_its_methods(call):
    status, out, _ = call("bottleneck", "--help")
    assert status == 0
    for word in ("geometric", "infoplane bottleneck joint.csv", "--chords"):
        assert word in out
    out = call("list")[1]
    for name in ip.bottleneck.names():
        assert name in out


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.5:50:3", [0.5, 5, 50]), ("8:2:2", [8, 2]), ("1,2,5", [1, 2, 5]), ("3", [3]), ("1e-2, 0", [0.01, 0])],
)
def test_betas_as_typed(text, expected):
    np.testing.assert_allclose(parse_betas(text), expected)


@pytest.mark.parametrize("text", ["", "a", "1:2:3:4", "1:2:x", "1:2:1", "1:inf:3", "-1:2:3", ","])
def test_what_are_no_betas(text):
    with pytest.raises(InputError, match=r"--betas takes A:B:N"):
        parse_betas(text)


@pytest.mark.parametrize(
    ("text", "labels", "told"),
    [
        ("1,2\n3,4\n", None, "no header, no names of rows"),
        ("\ufeffsun, rain\n1,2\n\n3,4\n", ["sun", "rain"], "a header, no names of rows"),
        ("warm,1,2\ncold,3,4\n", None, "no header, names of rows"),
        ("x,sun,rain\nwarm,1,2\ncold,3,4\n", ["sun", "rain"], "a header, names of rows"),
        (",0,1\n0,1,2\n1,3,4\n", ["0", "1"], "a header, names of rows"),
        ('"","a,b",c\n"w, m",1,2\nc,3,4\n', ["a,b", "c"], "a header, names of rows"),
    ],
)
def test_names_in_a_csv_file_are_told_from_weights(tmp_path, text, labels, told):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    read = read_joint(str(tmp_path / "t.csv"))
    np.testing.assert_allclose(read.joint.table, np.array([[1, 2], [3, 4]]) / 10)
    assert read.labels == labels
    assert read.told == f"2 x 2 weights; {told}"


def test_one_column_is_a_table_too(tmp_path):
    for text, labels in (("1\n3\n", None), ("sun\n1\n3\n", ["sun"])):
        (tmp_path / "t.csv").write_text(text)
        read = read_joint(str(tmp_path / "t.csv"))
        assert (read.joint.shape, read.labels) == ((2, 1), labels)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("a,b\n", "has a header and no rows"),
        ("1,2\n3\n", "got 2 cells in line 1 and 1 in line 2"),
        ("1;2\n3;4\n", "has commas and decimal points"),
        ("a,b\n1,2\n3,many\n", "got 'many' in line 3, column 2"),
        ("a,b\n1,2\n3,\n", "got an empty cell in line 3, column 2"),
        ("a,b\n1,2\nr,q\n", "got 'q' in line 3, column 2"),
        ("1,2\n3,-4\n", "non-negative"),
        ("1,2\n3,nan\n", "non-negative"),
        ("0,1,2\n5,3,1\n2,2,2\n", "begins with the line 0,1,2: names or weights?"),
        ("x,0,1\n0,5,3\n1,2,2\n", "begins with the line x,0,1: names or weights?"),
        ("x,0,1,2\na,5,3,1\nb,2,2,2\n", "begins with the line x,0,1,2: names or weights?"),
        ("x,sun,rain\n0,5,3\n1,2,2\n2,4,4\n", "has 0, 1, 2, ... in its first column: names of rows or weights?"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_where_and_what_to_do(tmp_path, text, sentence):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_joint(str(tmp_path / "t.csv"))


def test_samples_come_from_two_columns_or_two_arrays(tmp_path):
    np.save(tmp_path / "xy.npy", np.array([[0, 1], [0, 2], [1, 2]]))
    np.savez(tmp_path / "xy.npz", x=np.array([0, 0, 1]), y=np.array([1, 2, 2]), wide=np.ones((3, 2), int), f=np.ones(3))
    (tmp_path / "xy.csv").write_text("x,y\na,1\na,2\nb,2\n")
    for where in ("xy.npy", "xy.npz:x,y", "xy.csv", "xy.csv:x, y"):
        read = read_joint(str(tmp_path / where), samples=True)
        np.testing.assert_allclose(read.joint.table, np.array([[1, 1], [0, 1]]) / 3)
        assert read.labels == ["1", "2"]
        assert read.told == "2 x 2 counts of 3 pairs"
    for where, sentence in (("xy.npz:x,wide", "needs one column each"), ("xy.npz:x,f", "counts discrete values")):
        with pytest.raises(InputError, match=sentence):
            read_joint(str(tmp_path / where), samples=True)
