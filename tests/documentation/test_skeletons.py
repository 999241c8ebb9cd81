"""The skeletons of ``docs/extending.md`` keep the contracts of their families, as a copy of one would have to."""

from __future__ import annotations

import importlib.util
import itertools
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documented import ROOT, run

import infoplane as ip
from infoplane import estimators, laws
from infoplane.experiments import registry as experiments
from infoplane.laws import registry
from infoplane.variational import objectives

PAGE = ROOT / "docs" / "extending.md"
ESTIMATORS = ("Correlation", "Pointed")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[types.ModuleType]:
    """What the blocks of the page define, the experiment left out."""
    with pytest.MonkeyPatch.context() as patch:
        yield run(PAGE, tmp_path_factory.mktemp("extending"), patch, before="## An experiment")


def contract(path: str) -> types.ModuleType:
    """A test module by its path: test files are no package."""
    source = ROOT / "tests" / path
    spec = importlib.util.spec_from_file_location(f"contract_{Path(path).stem}", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def calls(module: types.ModuleType, of: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The tests of a module that are made for every member of a family, with each set of their parameters.

    Args:
        module: a contract.
        of: the parameter that names the member.
    """
    for function in [v for k, v in vars(module).items() if k.startswith("test_")]:
        marks = [mark.args for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
        sets = [[dict(_named(names, value)) for value in values] for names, values, *_ in marks]
        for chosen in itertools.product(*sets):
            given = {name: value for part in chosen for name, value in part.items()}
            if of in given:
                yield function, given


def _named(names: Any, value: Any) -> Iterator[tuple[str, Any]]:
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    value = getattr(value, "values", value) if isinstance(value, type(pytest.param())) else value
    if len(names) == 1 and not isinstance(value, tuple):
        value = (value,)
    return zip(names, value, strict=True)


def test_the_estimators(page: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ESTIMATORS:
        monkeypatch.setattr(estimators, name, getattr(page, name), raising=False)
    with monkeypatch.context() as only:  # the contract asks for the names as it is read
        only.setattr(estimators, "names", lambda: list(ESTIMATORS))
        module = contract("estimators/test_contract.py")
    kept = list(calls(module, of="name"))
    assert {given["name"] for _, given in kept} == set(ESTIMATORS)
    assert len({function.__name__ for function, _ in kept}) >= 14
    for function, given in kept:
        function(**given)


def test_the_law(page: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.LAWS, "erasure", page.Erasure)
    with monkeypatch.context() as only:
        only.setattr(laws, "names", lambda *settings: ["erasure"])
        module = contract("laws/test_law_contract.py")
    kept = list(calls(module, of="name"))
    assert len(kept) >= 3
    for function, given in kept:
        function(**given)


def test_the_objective(page: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objectives, "RampedVIB", page.RampedVIB, raising=False)
    terms, losses = contract("variational/test_terms.py"), contract("variational/test_objectives.py")
    objective = page.RampedVIB(100, scale=3.0, schedule=ip.variational.Schedule(1, 100))
    terms.test_all_is_finite_at_the_edges(objective)
    losses.test_an_objective_is_read_back_from_how_it_is_written(objective)
    for beta in losses.BELOW_ALL:
        losses.test_betas_that_are_refused(page.RampedVIB, beta)
    assert (objective.bounds, objective.prior) == ("I(X;Z)", "marginal")


@pytest.mark.slow
def test_the_objective_in_pytorch(page: types.ModuleType) -> None:
    both = contract("variational/test_torch_objectives.py")
    both.test_terms_agree_in_single_precision(page.RampedVIB(100))
    both.test_losses_and_gradients_agree(page.RampedVIB(100, scale=3.0))


@pytest.mark.slow
def test_the_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = run(PAGE, tmp_path, monkeypatch)
    monkeypatch.setitem(experiments._EXPERIMENTS, "blindness", module.Blindness())
    shared = contract("experiments/test_experiments.py")
    shared.test_every_quick_experiment_runs_and_states_its_claims("blindness", tmp_path / "again")
    found = module.Blindness().run(quick=True, out="blindness")  # as the page did: read, not measured again
    assert found.claims == module.result.claims
