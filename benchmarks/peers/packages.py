"""Which packages are compared, what each needs, and which method of theirs takes which case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cases import Case

TORCH = "torch==2.13.0"  # the only build asked for: most packages would take any


def _any(case: Case) -> bool:
    return case.law.kinds[1] == "continuous"


def _one(case: Case) -> bool:
    return case.law.dim_x == case.law.dim_y == 1


def _few(case: Case) -> bool:
    return _any(case) and case.law.dim_x <= 5


def _nearest(case: Case) -> bool:
    return _any(case) and case.law.dim_x <= 10


def _many(case: Case) -> bool:
    return _any(case) and case.law.dim_x >= 10


def _labels(case: Case) -> bool:
    return case.law.kinds[1] == "discrete"


@dataclass(frozen=True)
class Entry:
    """A method of a package.

    Attributes:
        function: its name in ``methods.py``.
        shown: what the tables call it.
        takes: whether it can be asked for a case.
        rival: function of ours whose time it is compared with.
    """

    function: str
    shown: str
    takes: Callable[[Case], bool]
    rival: str = "our_choice"


@dataclass(frozen=True)
class Package:
    """A package, what ``pip`` is asked for, and its methods; without requirements it is this library."""

    name: str
    requirements: tuple[str, ...]
    entries: tuple[Entry, ...]


PACKAGES = (
    Package(
        "infoplane",
        (),
        (
            Entry("our_choice", "mutual_information(x, y)", lambda case: True),
            Entry("our_ksg", "KSG(k=3)", _nearest, "our_ksg"),
            Entry("our_weighted", "WeightedKL()", _few, "our_weighted"),
            Entry("our_copula", 'Gaussian("gaussian")', _any, "our_copula"),
            Entry("our_infonce", "InfoNCE()", _many, "our_infonce"),
            Entry("our_smile", "SMILE()", _many, "our_smile"),
            Entry("our_mixture", "Mixture()", _labels, "our_mixture"),
        ),
    ),
    Package(
        "scikit-learn",
        ("scikit-learn==1.9.1",),
        (
            Entry("sklearn", "mutual_info_regression", lambda c: _one(c) and _any(c), "our_ksg"),
            Entry("sklearn", "mutual_info_classif", _labels, "our_mixture"),
        ),
    ),
    Package(
        "npeet-plus",
        ("npeet-plus==0.2.0",),
        (Entry("npeet_plus", "mi", _any, "our_ksg"), Entry("npeet_plus", "micd", _labels, "our_mixture")),
    ),
    Package(
        "ennemi",
        ("ennemi==1.5.0",),
        (
            Entry("ennemi", "estimate_mi", lambda c: _one(c) and _any(c), "our_ksg"),
            Entry("ennemi", "estimate_mi", _labels, "our_mixture"),
        ),
    ),
    Package("infomeasure", ("infomeasure==0.6.3",), (Entry("infomeasure", "ksg", _nearest, "our_ksg"),)),
    Package(
        "benchmark-mi",
        ("benchmark-mi==0.1.3", "jax==0.4.30", "jaxlib==0.4.30"),  # later ones lack what its equinox calls
        (
            Entry("bmi_ksg", "KSGEnsembleFirst", lambda c: _nearest(c) and c.n <= 10_000, "our_ksg"),
            Entry("bmi_cca", "CCA", _any, "our_copula"),
            Entry("bmi_infonce", "InfoNCE", _many, "our_infonce"),
        ),
    ),
    Package("latentmi", ("latentmi==0.1.3", TORCH), (Entry("latentmi", "lmi.estimate", _many),)),
    Package(
        "torch-mist",
        ("torch-mist==0.2.17", "pandas", "numpy<2", TORCH),  # it does not ask for pandas itself
        (
            Entry("mist_infonce", "infonce, held out", _many, "our_infonce"),
            Entry("mist_smile", "smile, held out", _many, "our_smile"),
        ),
    ),
)
