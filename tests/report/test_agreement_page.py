"""What a page says of several estimators of one recording: in words, in tables, in a browser."""

from __future__ import annotations

import re
from functools import partial

import pytest
from agreement_planes import FALL, FLAT, SHAKE, path, plane
from agreement_planes import bins as noisy_bins
from agreement_planes import noisy as noisy_bounds
from test_page import Page

from infoplane import report
from infoplane.plane import agreement, by_estimator, rescalings
from infoplane.report import agreement_words as say
from infoplane.report.agreement import sections
from infoplane.report.tables import number

bins, noisy = (partial(made, noise=0.0) for made in (noisy_bins, noisy_bounds))  # networks alike: numbers known
FALLS, STAYS, SHAKES = path(FALL), path(FLAT), path(SHAKE, 0.3)
HIGH, LOW = STAYS + 3.8, STAYS - 3.95  # of 8 bits; below 0.1
SEE, NONE, OPEN, CEILING, FLOOR = "see", "none", "open", "ceiling", "floor"
F, H, S = (number(p.max() - p[-1]) for p in (FALLS, path(FALL, 1.0), SHAKES))  # the falls, as the page writes them
PATHS = {SEE: FALLS, NONE: STAYS, OPEN: SHAKES, CEILING: HIGH, FLOOR: LOW}


def said(*kinds: str) -> str:
    """The sentence on one layer of which estimators with 10, 11, ... bins have these to say."""
    planes = [bins({"hidden": PATHS[kind]}, 10 + k) for k, kind in enumerate(kinds)]
    (sentence,) = say.layers(agreement(planes))
    return sentence.removeprefix("hidden: ")


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        ([SEE, SEE, SEE], "all 3 estimators agree that there is compression."),
        ([NONE, NONE], "both estimators agree that there is none."),
        ([OPEN, OPEN], "unclear to both estimators."),
        ([SEE, NONE], "they disagree: compression in 1 of 2 estimators (10 bins, fixed range), no compression in 1 "
         "(11 bins, fixed range)."),
        ([SEE, OPEN, SEE], "compression in 2 of 3 estimators (10 bins, fixed range; 12 bins, fixed range), which no "
         "other denies; unclear in 1 (11 bins, fixed range)."),
        ([OPEN, NONE], "none of 2 estimators sees compression: no fall in 1 (11 bins, fixed range), unclear in 1 "
         "(10 bins, fixed range)."),
        ([SEE] * 5 + [NONE], "they disagree: compression in 5 of 6 estimators, no compression in 1 (15 bins, fixed "
         "range)."),
        ([SEE, SEE, CEILING], "both that can tell agree that there is compression (1 at the ceiling cannot tell)."),
        ([CEILING, CEILING, FLOOR], "no estimator can tell (2 at the ceiling and 1 too coarse cannot tell)."),
        ([FLOOR, SEE], "only 11 bins, fixed range can tell, and it sees compression (1 too coarse cannot tell)."),
        ([FLOOR, OPEN], "only 11 bins, fixed range can tell, and it is unclear (1 too coarse cannot tell)."),
    ],
)  # fmt: skip
def test_who_sees_compression(kinds, sentence):
    assert said(*kinds) == sentence


def test_layers_of_which_the_same_is_to_be_said_share_a_sentence():
    paths = {"a": FALLS, "b": STAYS, "c": FALLS, "d": FALLS}
    assert say.layers(agreement([bins(paths), bins(paths, 10)])) == [
        "a, c and d: both estimators agree that there is compression.",
        "b: both estimators agree that there is none.",
    ]


def rescaled(*planes) -> list[str]:
    table = agreement(planes)
    return say.rescaled(table, rescalings(table))


def test_after_which_rescaling_it_vanishes():
    before = {"a": FALLS, "b": FALLS, "c": FALLS, "d": STAYS, "e": STAYS}
    after = {"a": STAYS, "b": path(FALL, 1.0), "c": SHAKES, "d": FALLS, "e": STAYS}
    sentences = rescaled(bins(before), bins(after, range="snapshot"), bins(before, kind="adaptive"))
    assert sentences == [
        "Compression that is seen at a fixed resolution vanishes in a, with bins over the range of each epoch. "
        "It is seen only after rescaling in d.",
        f"a: the fall vanishes with bins over the range of each epoch ({F} → 0 bits); it remains with adaptive bins "
        f"({F} → {F} bits).",
        f"b: it remains with bins over the range of each epoch ({F} → {H} bits) and adaptive bins ({F} → {F} bits).",
        f"c: it remains with adaptive bins ({F} → {F} bits); it is unclear with bins over the range of each epoch "
        f"({F} → {S} bits).",
        "d: a fall that the fixed resolution does not see appears with bins over the range of each epoch "
        f"(0 → {F} bits).",
    ]


def test_what_another_fixed_resolution_sees_does_not_first_appear():
    planes = [
        bins({"a": FALLS}),
        bins({"a": STAYS}, 10),
        bins({"a": FALLS}, range="std"),
        bins({"a": FALLS}, 10, "std"),
    ]
    headline, of_layer = rescaled(*planes)
    assert headline.endswith("none of the rescalings. It remains in a.")
    assert "appears with bins in units of std(T)" in of_layer


def test_pairs_of_noise_are_counted():
    falls, stays = {"a": FALLS}, {"a": STAYS}
    planes = [noisy(falls, 0.1), noisy(falls, 0.5), noisy(falls, 2.5)]
    planes += [noisy(falls, 0.2, True), noisy(stays, 1.0, True), noisy(falls, 5.0, True)]
    assert rescaled(*planes)[1] == (
        f"a: the fall vanishes with noise in units of std(T) (in 1 of 3 pairs, {F} → 0 bits); it remains with noise in "
        f"units of std(T) (in 2 of 3 pairs, {F} → {F} bits)."
    )


@pytest.mark.parametrize(
    ("planes", "sentence"),
    [
        ([bins({"a": FALLS}), bins({"a": FALLS}, 10)], "No resolution here moves with the layer's scale"),
        ([bins({"a": FALLS}), bins({"a": FALLS}, 10, "snapshot")], "No fixed resolution has a counterpart"),
        ([bins({"a": STAYS}), bins({"a": STAYS}, range="std")], "No fixed resolution that has a counterpart sees"),
        (
            [bins({"a": FALLS}), bins({"a": FALLS}, range="std")],
            "vanishes after none of the rescalings. It remains in a.",
        ),
        ([bins({"a": FALLS}), bins({"a": SHAKES}, range="std")], "none of the rescalings, though some cannot decide."),
    ],
)
def test_where_nothing_vanishes_it_says_so(planes, sentence):
    assert sentence in rescaled(*planes)[0]


def test_remarks_on_proofs_warnings_and_what_was_left_out():
    falls, few = {"a": FALLS, "b": STAYS}, {"a": FALLS[:2], "b": STAYS[:2]}
    loud = bins(falls, 10)
    loud["warned"][...] = True
    planes = [noisy(falls, 0.1), noisy(falls, 0.3, width=3.0), loud, bins(few, 20, epochs=(0, 1))]
    told = say.remarks(agreement(planes))
    assert told[0].endswith("that alone proves a fall in a (1 of 2).")
    assert told[1:] == [
        "More than half of the values of 10 bins, fixed range carry a warning: read as a trend at most.",
        "Left out, for they share too few checkpoints with the others: 20 bins, fixed range.",
    ]
    calm = say.remarks(agreement([noisy({"a": STAYS}, 0.1), bins({"a": STAYS})]))
    assert len(calm) == 1
    assert calm[0].endswith("proves a fall nowhere.")
    assert say.remarks(agreement([bins(falls), bins(falls, 10)])) == []


def page(tmp_path, datasets) -> Page:
    return Page(report.write(datasets, tmp_path / "page.html").read_text())


LAYERS = {"first": HIGH, "second": FALLS, "output": STAYS}
BOTH = [bins(LAYERS), noisy(LAYERS, 0.1), bins({**LAYERS, "second": STAYS}, range="snapshot")]


def test_the_page_has_the_section_where_there_is_something_to_compare(tmp_path):
    found = page(tmp_path, BOTH)
    assert [a["id"] for t, a in found.tags if t == "section"][:2] == ["plane", "agreement"]
    assert ("a", {"href": "#agreement"}) in found.tags
    for part in (
        "3 estimators looked at the same activations of 8 networks at the same 30 checkpoints.",
        "first: no estimator can tell (3 at the ceiling cannot tell).",
        "second: they disagree: compression in 2 of 3 estimators",
        "output: all 3 estimators agree that there is none.",
        "vanishes in second, with bins over the range of each epoch.",
        "PairwiseBounds(sigma=0.1)",
        f"✓ {F} [{F}, {F}]",
        "bounds 1.48 to 2.48: proved",
        f"vanishes {F} → 0.00",
    ):
        assert part in found.text, part
    assert len(found.with_class("blind")) == 3
    assert len(found.with_class("holds")) == 2
    joined = page(tmp_path, by_estimator(dict(zip("abc", BOTH, strict=True))).assign_attrs(title="run"))
    assert [run["title"] for run in joined.data["runs"]] == ["run, a", "run, b", "run, c"]
    one, other = (re.findall(r"[^.]*compress[^.]*\.", p.text) for p in (found, joined))
    assert one
    assert one == other


def test_of_many_planes_the_comparison_comes_first(tmp_path):
    many = by_estimator({f"{count}": bins(LAYERS, count) for count in range(10, 15)}).assign_attrs(title="A run")
    found = page(tmp_path, [many])
    assert [a["id"] for t, a in found.tags if t == "section"][:2] == ["agreement", "plane"]
    assert len([a for _, a in found.tags if a.get("id") == "agreement"]) == 1
    assert found.text.split()[:2] == ["A", "run"]
    assert "A run, 10 · " not in found.text


@pytest.mark.parametrize(
    "datasets", [BOTH[:1], [BOTH[0], bins(LAYERS, 10, task="another")], [BOTH[0], BOTH[0]]], ids=["one", "two", "same"]
)
def test_elsewhere_there_is_no_such_section(tmp_path, datasets):
    found = page(tmp_path, datasets)
    assert not [a for _, a in found.tags if a.get("id") == "agreement"]
    assert "agree" not in found.text
    assert sections(datasets) == []


def test_two_recordings_have_a_heading_each(tmp_path):
    other = [bins(LAYERS, b, task="another", split="test") for b in (10, 20)]
    text = page(tmp_path, [*BOTH, *other]).text
    assert "8-4-3-2 tanh/softmax, a task" in text
    assert "8-4-3-2 tanh/softmax, another, test samples" in text


def test_names_are_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    planes = [plane({evil: FALLS}, evil), plane({evil: FALLS}, "other")]
    found = page(tmp_path, planes)
    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert f"{evil}: both estimators agree" in found.text


def test_the_same_training_is_drawn_once(tmp_path):
    training = {"loss_train": (("seed", "epoch"), BOTH[0].mi_input.isel(layer=0).values)}
    found = page(tmp_path, [plane.assign(training) for plane in BOTH])
    assert [list(run["curves"]) for run in found.data["runs"]] == [["loss"], [], []]
    few = [
        BOTH[0].isel(epoch=slice(0, 9)).assign({"loss_train": (("seed", "epoch"), BOTH[0].mi_input.values[:, :9, 0])})
    ]
    found = page(tmp_path, [*few, BOTH[1].assign(training)])
    assert [list(run["curves"]) for run in found.data["runs"]] == [["loss"], ["loss"]]  # the second has more of it
