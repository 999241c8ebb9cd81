"""Bottleneck methods by name, as the command line writes them."""

import pytest

from infoplane import InputError, bottleneck
from infoplane.bottleneck import IB, DualIB, by_name, names


def test_every_method_of_the_package_is_known_by_name():
    for name in names():
        assert issubclass(getattr(bottleneck, name), bottleneck.base.Method)
    assert {"IB", "DualIB", "Agglomerative", "Sequential"} <= set(names())


@pytest.mark.parametrize("text", ["DualIB", "dualib", "DUAL", "dual", "DualIB()", "dual(family=None)"])
def test_a_name_counts_in_any_case_with_or_without_its_ib(text):
    assert by_name(text) == DualIB()
    assert by_name("ib") == by_name("IB()") == IB()


def test_settings_stand_in_the_name_or_beside_it():
    made = bottleneck.Sequential(3, restarts=2)
    assert by_name("sequential", n_clusters=3, restarts=2) == made
    assert by_name("Sequential(3, restarts=2)") == by_name("Sequential(3)", restarts=2) == made
    assert by_name(made.name) == made


@pytest.mark.parametrize(
    ("text", "settings", "sentence"),
    [
        ("duel", {}, "There is no method 'duel'; did you mean 'DualIB'"),
        ("ib", {"alpha": 1}, "IB has no setting 'alpha'; It has none"),
        ("IB()", {"alpha": 1}, "IB has no setting 'alpha'"),
        ("Sequential", {"n_cluster": 2}, "did you mean 'n_clusters'"),
        ("sequential", {}, r"Sequential needs a value for n_clusters, as in Sequential\(n_clusters=...\)"),
        ("IB(", {}, "cannot be read as a method"),
        ("Joint([[1]])", {}, "There is no method 'Joint'"),
        ("Rule(1)", {}, "There is no method 'Rule'"),
        ("3 (4)", {}, "is no plain value"),
        ("DualIB(family=open('x'))", {}, "There is no method 'open'"),
    ],
)
def test_what_is_no_method_is_one_sentence(text, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        by_name(text, **settings)
