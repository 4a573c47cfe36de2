"""The zoo of optimizers: it lists all there are, its paths are the optimizers', and what it shows holds."""

from __future__ import annotations

import numpy as np
import optimizer_zoo as zoo
import pytest
from optim_references import REFERENCES

import tinygrad_lite as tg
from tinygrad_lite import optim

NAMES = ["Adam", "ScheduleFreeSGD", "Lookahead"]


def slope(surface: zoo.Surface, where: np.ndarray) -> np.ndarray:
    point = tg.tensor(np.array(where, float), requires_grad=True)
    surface.f(point[0, 0], point[0, 1]).backward()
    return point.grad.numpy()


def test_every_optimizer_is_in_the_zoo():
    public = {getattr(optim, name) for name in optim.__all__}
    names = {c.__name__ for c in public if isinstance(c, type) and issubclass(c, optim.Optimizer)}
    # the base, the steps of another, divided among ranks, and Adam for the rows of embeddings that a step has read
    others = {"Optimizer", "ZeroRedundancyOptimizer", "SparseAdam"}
    assert {entry.name for entry in zoo.zoo().values()} == names - others
    assert sum(map(len, zoo.FAMILIES.values())) == len(zoo.zoo())


def test_one_that_the_library_lacks_is_not_listed(monkeypatch):
    monkeypatch.delattr(optim, "Adan")
    assert "Adan" not in zoo.zoo()
    assert "Adam" in zoo.zoo()


@pytest.mark.parametrize("surface", zoo.SURFACES.values(), ids=zoo.SURFACES)
def test_surfaces_are_flat_and_zero_in_their_minimum_only(surface):
    assert surface.f(*surface.minimum) == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose(slope(surface, [surface.minimum]), 0, atol=1e-12)
    assert np.abs(slope(surface, [surface.start])).max() > 0.1
    left, right, bottom, top = surface.window
    for x, y in (surface.start, surface.minimum):
        assert left < x < right
        assert bottom < y < top


@pytest.mark.parametrize("name", ["SGD", "Adam", "Muon", "LAMB"])
def test_a_path_is_what_the_paper_makes_of_these_gradients(name):
    surface, lr = zoo.SURFACES["Beale"], 0.01
    entry = zoo.zoo()[name]
    path = zoo.descend(entry, lr, surface, 20)
    for steps in (1, 20):
        (end,) = REFERENCES[name](
            [np.array([surface.start])], lambda t, p: [slope(surface, p[0])], steps, lr=lr, **entry.arguments
        )
        np.testing.assert_allclose(path[steps], end[0], rtol=1e-9)
    assert path.shape == (21, 2)
    assert tuple(path[0]) == surface.start


def test_a_schedule_free_path_is_that_of_the_average():
    surface, entry = zoo.SURFACES["valley"], zoo.zoo()["ScheduleFreeSGD"]
    path = zoo.descend(entry, 0.3, surface, 30)
    (x,), (y,) = (
        REFERENCES["ScheduleFreeSGD"](
            [np.array([surface.start])], lambda t, p: [slope(surface, p[0])], 30, lr=0.3, averaged=averaged
        )
        for averaged in (True, False)
    )
    np.testing.assert_allclose(path[-1], x[0], rtol=1e-9)
    assert np.abs(x - y).max() > 1e-3


def test_who_leaves_for_infinity_is_stopped_and_never_the_best():
    surface, entry = zoo.SURFACES["Rosenbrock"], zoo.zoo()["SGD"]
    path = zoo.descend(entry, 1.0, surface, 50)
    assert len(path) < 50
    assert np.abs(path[-1]).max() >= zoo.FAR > np.abs(path[-2]).max()
    assert zoo.height(surface, path, 50) == np.inf
    best = zoo.best_descent(entry, surface, 50)
    assert best["lr"] < 0.01
    assert best["f"] == surface.f(*best["path"][-1]) < surface.f(*surface.start) / 4


def test_muon_leaves_the_biases_to_adamw_and_lars_does_not_scale_them():
    params = [tg.zeros(3, 2, requires_grad=True), tg.zeros(3, requires_grad=True)]
    muon, adamw = zoo.zoo()["Muon"].make(params, 0.1)
    assert isinstance(muon, optim.Muon)
    assert isinstance(adamw, optim.AdamW)
    assert [g["params"] for g in (*muon.param_groups, *adamw.param_groups)] == [params[:1], params[1:]]
    (lars,) = zoo.zoo()["LARS"].make(params, 10.0)
    assert [(g["adapt"], g["lr"]) for g in lars.param_groups] == [(True, 10.0), (False, 0.1)]


def test_the_zoo_in_short(digits, tmp_path, capsys):
    results = zoo.main(steps=60, digit_steps=60, out=str(tmp_path), only=",".join(NAMES))
    assert list(results) == sorted(NAMES, key=list(zoo.zoo()).index)
    for name, row in results.items():
        assert row["valley"]["f"] < 0.5 < 6, name
        for title, surface in zoo.SURFACES.items():
            run = row[title]
            assert run["f"] == surface.f(*run["path"][-1]) < surface.f(*surface.start)
            assert run["path"].shape == (61, 2)
        run = row["digits"]
        assert run["accuracy"] > 0.75, name  # in 1,000 digits that it has not seen
        assert len(run["losses"]) == 60
        assert run["losses"][:5].mean() > 1.5 > 1 > run["losses"][-10:].mean()
        assert run["seconds"] > 0
    printed = capsys.readouterr().out
    assert all(f"\n{name:18}" in printed for name in NAMES)
    assert max(len(line) for line in printed.splitlines() if not line.startswith("wrote")) <= 120
    from matplotlib.image import imread

    for name in ("optimizer_zoo", "optimizer_zoo_digits"):
        picture = imread(tmp_path / f"{name}.png")[..., :3]
        assert picture.std() > 0.05
        assert all((part.min(axis=2) < 0.9).any() for part in np.array_split(picture, 2))


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match="only must name optimizers of SGD, momentum, .*, got Adma"):
        zoo.main(only="SGD,Adma")
