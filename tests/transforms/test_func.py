"""`tg.func` and `tg.autograd.functional` against PyTorch's: the same programs, equal trees or both refuse."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn

Pair = namedtuple("Pair", "first second")


def flat(tree):
    """Dicts as sorted lists of pairs, which the oracle compares."""
    if isinstance(tree, dict):
        return [[k, flat(v)] for k, v in sorted(tree.items())]
    return [flat(v) for v in tree] if isinstance(tree, (list, tuple)) else tree


class Library(SimpleNamespace):
    """`func`, `functional` and the library itself, under the same names for both."""


def library(m):
    functional = m.autograd.functional
    return Library(m=m, func=m.func, functional=functional, t=lambda v: m.tensor(v, dtype=m.float64))


PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def matrix(lib):
    return lib.t([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])


# --- gradients ------------------------------------------------------------------------------------------------------


@program
def grad_of_one(lib):
    x = lib.t([0.3, -1.2])
    return lib.func.grad(lambda x: (x.sin() * x).sum())(x)


@program
def grad_orders(lib):
    f = lambda x: x.sin() * x**3  # noqa: E731
    results = []
    for _ in range(4):
        results.append(f(lib.t(0.7)))
        f = lib.func.grad(f)
    return results


@program
def grad_argnums(lib):
    f = lambda x, y, z: (x * y**2 * z).sum()  # noqa: E731
    args = lib.t([1.0, 2.0]), lib.t([3.0, 4.0]), lib.t(5.0)
    return [lib.func.grad(f, argnums=a)(*args) for a in (0, 1, 2, -1, (0,), (0, 2), (2, 1), (-1, 0))]


@program
def grad_kwargs(lib):
    return lib.func.grad(lambda x, *, k: (x**2 * k).sum())(lib.t([1.0, 2.0]), k=lib.t(3.0))


@program
def grad_of_trees(lib):
    f = lambda p, x: ((x @ p["w"]["a"] + p["b"][0]) ** 2).sum() * p["b"][1]  # noqa: E731
    p = {"w": {"a": lib.t([[1.0], [2.0], [3.0]])}, "b": [lib.t(0.5), lib.t(2.0)]}
    return lib.func.grad(f)(p, matrix(lib))


@program
def grad_of_ordered_and_named(lib):
    f = lambda p: (p["x"].first * p["x"].second).sum()  # noqa: E731
    g = lib.func.grad(f)(OrderedDict(x=Pair(lib.t([1.0, 2.0]), lib.t([3.0, 4.0]))))
    return [type(g).__name__, type(g["x"]).__name__, *g["x"]]


@program
def grad_aux(lib):
    f = lambda x: ((x**2).sum(), {"cube": x**3, "const": lib.t(1.0)})  # noqa: E731
    return [lib.func.grad(f, has_aux=True)(lib.t([1.0, 2.0])),
            lib.func.grad_and_value(f, has_aux=True)(lib.t([1.0, 2.0]))]  # fmt: skip


@program
def grad_and_value(lib):
    return lib.func.grad_and_value(lambda x: x.exp().sum())(matrix(lib))


@program
def grad_unused(lib):
    return lib.func.grad(lambda x, y: (y * 2).sum(), argnums=(0, 1))(lib.t([1.0]), lib.t([2.0]))


@program
def grad_refuses_vectors(lib):
    return lib.func.grad(lambda x: x * 2)(lib.t([1.0]))


@program
def grad_refuses_numbers(lib):
    return lib.func.grad(lambda x: 2.0)(lib.t([1.0]))


@program
def grad_refuses_integers(lib):
    return lib.func.grad(lambda x: x.sum())(lib.m.tensor([1, 2]))


@program
def grad_refuses_argnums(lib):
    return lib.func.grad(lambda x: x.sum(), argnums=1)(lib.t([1.0]))


@program
def grad_refuses_missing_aux(lib):
    return lib.func.grad(lambda x: x.sum(), has_aux=True)(lib.t([1.0]))


@program
def results_require_grad_as_theirs(lib):
    x, w = lib.t([1.0, 2.0]), lib.t([3.0, 4.0]).requires_grad_()
    plain = lib.func.grad_and_value(lambda x: (x**3).sum())(x)
    outside = lib.func.grad_and_value(lambda x: (x**3 * w).sum())(x)
    outside[0].sum().backward()
    return [[t.requires_grad for t in (*plain, *outside)], w.grad]


@program
def results_continue_the_history_of_the_arguments(lib):
    x = lib.t([1.0, 2.0]).requires_grad_()
    lib.func.grad(lambda y: (y**3).sum())(x * 2).sum().backward()
    return x.grad


@program
def no_grad_outside(lib):
    x = lib.t([1.0, 2.0]).requires_grad_()
    with lib.m.no_grad():
        g = lib.func.grad(lambda y: (y**3).sum())(x)
    return [g, g.requires_grad]


@program
def no_grad_inside(lib):
    def f(x):
        with lib.m.no_grad():
            c = x**2
        return (x * c).sum()

    return lib.func.grad(f)(lib.t([1.0, 2.0]))


@program
def the_same_tensor_twice(lib):
    x = lib.t([1.0, 2.0])
    return lib.func.grad(lambda a, b: (a**2 * b).sum(), argnums=(0, 1))(x, x)


# --- products -------------------------------------------------------------------------------------------------------


@program
def vjp(lib):
    out, back = lib.func.vjp(lambda x: x.sin(), matrix(lib))
    return [out, back(matrix(lib) + 1), back(matrix(lib))]


@program
def vjp_of_trees(lib):
    f = lambda p, y: {"s": p["x"] * y, "t": (y.exp(), p["x"].sum())}  # noqa: E731
    out, back = lib.func.vjp(f, {"x": lib.t([1.0, 2.0])}, lib.t([3.0, 4.0]))
    return [out, back({"s": lib.t([1.0, 5.0]), "t": (lib.t([1.0, 2.0]), lib.t(3.0))})]


@program
def vjp_aux(lib):
    out, back, aux = lib.func.vjp(lambda x: (x * 2, x + 1), lib.t([1.0]), has_aux=True)
    return [out, back(lib.t([3.0])), aux]


@program
def vjp_twice(lib):
    def f(x):
        _, back = lib.func.vjp(lambda x: x**3, x)
        return back(x)[0].sum()

    return lib.func.grad(f)(lib.t([1.0, 2.0]))


@program
def vjp_refuses_shapes(lib):
    return lib.func.vjp(lambda x: x * 2, lib.t([1.0]))[1](lib.t([1.0, 2.0]))


@program
def vjp_refuses_structure(lib):
    return lib.func.vjp(lambda x: (x * 2, x), lib.t([1.0]))[1](lib.t([1.0]))


@program
def jvp(lib):
    f = lambda x, y: {"a": x * y.sin(), "b": x.sum()}  # noqa: E731
    primals, tangents = (lib.t([1.0, 2.0]), lib.t([0.5, -1.0])), (lib.t([3.0, -1.0]), lib.t([1.0, 10.0]))
    return lib.func.jvp(f, primals, tangents)


@program
def jvp_aux_and_constants(lib):
    x = (lib.t([1.0, 2.0]),)
    return [lib.func.jvp(lambda x: (x * 2, x + 1), x, x, has_aux=True), lib.func.jvp(lambda x: lib.t([5.0]), x, x)]


@program
def jvp_nested(lib):
    f = lambda x: x**4  # noqa: E731
    df = lambda x: lib.func.jvp(f, (x,), (lib.m.ones_like(x),))[1]  # noqa: E731
    ddf = lambda x: lib.func.jvp(df, (x,), (lib.m.ones_like(x),))[1]  # noqa: E731
    return [df(lib.t([1.0, 2.0])), ddf(lib.t([1.0, 2.0])), lib.func.grad(lambda x: ddf(x).sum())(lib.t([1.0, 2.0]))]


@program
def jvp_refuses_lists(lib):
    return lib.func.jvp(lambda x: x, [lib.t([1.0])], [lib.t([1.0])])


@program
def jvp_refuses_shapes(lib):
    return lib.func.jvp(lambda x: x, (lib.t([1.0]),), (lib.t([1.0, 2.0]),))


@program
def linearize(lib):
    f = lambda x, y: {"a": x * y.sin(), "b": x.sum()}  # noqa: E731
    out, product = lib.func.linearize(f, lib.t([1.0, 2.0]), lib.t([0.5, -1.0]))
    units = lib.t([1.0, 0.0]), lib.t([0.0, 1.0])
    return [out, product(*units), product(units[1], units[0])]


# --- matrices -------------------------------------------------------------------------------------------------------


@program
def jacobians(lib):
    f = lambda x: (x @ x.T).sin()  # noqa: E731
    return [lib.func.jacrev(f)(matrix(lib)), lib.func.jacfwd(f)(matrix(lib))]


@program
def jacobians_of_trees(lib):
    f = lambda p, y: {"s": p["x"] * y, "t": (y.exp().sum(), p["x"].sum() * y)}  # noqa: E731
    args = {"x": lib.t([1.0, 2.0])}, lib.t([3.0, 4.0])
    return [j(f, a)(*args) for j in (lib.func.jacrev, lib.func.jacfwd) for a in (0, 1, (0,), (1, 0))]


@program
def jacobians_aux(lib):
    f = lambda x: (x**2, x.sum())  # noqa: E731
    return [j(f, has_aux=True)(lib.t([1.0, 2.0])) for j in (lib.func.jacrev, lib.func.jacfwd)]


@program
def jacobians_nested(lib):
    f = lambda x: (x**3).sum() * x  # noqa: E731
    rev, fwd, x = lib.func.jacrev, lib.func.jacfwd, lib.t([1.0, 2.0])
    return [rev(rev(f))(x), rev(fwd(f))(x), fwd(rev(f))(x), fwd(fwd(f))(x), rev(rev(rev(f)))(x)]


@program
def hessian(lib):
    f = lambda x, y: (x**3).sum() * y.sin().sum()  # noqa: E731
    args = lib.t([1.0, 2.0]), lib.t([[0.5], [-1.0]])
    return [lib.func.hessian(f, a)(*args) for a in (0, 1, (0, 1), (1,))]


@program
def hessian_of_trees(lib):
    f = lambda p: (p["x"] ** 2).sum() * p["y"].exp()  # noqa: E731
    return lib.func.hessian(f)({"x": lib.t([1.0, 2.0]), "y": lib.t(0.5)})


@program
def jacobian_of_zero_dimensions(lib):
    return [lib.func.jacrev(lambda x: x**2)(lib.t(3.0)), lib.func.jacfwd(lambda x: x**2)(lib.t(3.0))]


def test_hvp_is_the_hessian_times_the_vector():
    f = lambda x: (x.sin() * x**2).sum() + x.prod()  # noqa: E731
    x, v = (tg.tensor(a, dtype=tg.float64) for a in ([0.3, 1.2, -0.7], [1.0, -2.0, 0.5]))
    expected = tg.func.hessian(f)(x) @ v
    for product in (tg.func.hvp, tg.func.vhp):
        value, (found,) = product(f, (x,), (v,))
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)
        assert value.item() == f(x).item()
        assert not found.requires_grad
    with pytest.raises(RuntimeError, match="hvp: primals and vectors must be tuples"):
        tg.func.hvp(f, x, v)
    with pytest.raises(RuntimeError, match="hvp: vectors must have the shape"):
        tg.func.hvp(f, (x,), (v[:2],))


def test_value_and_grad_is_the_other_order():
    value, gradient = tg.func.value_and_grad(lambda x: (x * x).sum())(tg.tensor([1.0, 2.0]))
    assert (value.item(), gradient.tolist()) == (5.0, [2.0, 4.0])
    (value, aux), _ = tg.func.value_and_grad(lambda x: ((x * x).sum(), 7), has_aux=True)(tg.tensor([1.0, 2.0]))
    assert (value.item(), aux) == (5.0, 7)


def test_float32_stays():
    x = tg.ones(2)
    for j in (tg.func.jacrev, tg.func.jacfwd, tg.func.hessian, tg.func.grad):
        assert j(lambda x: (x**3).sum())(x).dtype == tg.float32
    assert tg.func.jvp(lambda x: x.exp(), (x,), (x,))[1].dtype == tg.float32


def test_nothing_is_accumulated_and_nothing_kept():
    w = tg.ones(2, requires_grad=True)
    found = tg.func.grad(lambda w: (w**2).sum())(w)
    assert w.grad is None
    assert found.requires_grad
    with tg.no_grad():
        assert not tg.func.jacrev(lambda w: w**2)(w).requires_grad


@program
def vjp_outlives_no_grad(lib):
    x = lib.t(0.7).requires_grad_()
    with lib.m.no_grad():
        out, back = lib.func.vjp(lambda x: x**2, x)
    (y,) = back(lib.t(1.0))
    return [y, out.requires_grad, y.requires_grad, *lib.m.autograd.grad(y, x)]


for _who in ("grad", "grad_and_value", "jacrev", "jacfwd", "hessian"):
    for _what, _argnums in (("a_list", [0]), ("a_float", 0.0), ("a_float_inside", (0, 1.0)), ("a_name", ("0",)),
                            ("doubles", (0, 0)), ("same_twice", (0, -2)), ("beyond", 2), ("nothing", ())):  # fmt: skip
        PROGRAMS[f"{_who}_refuses_{_what}_as_argnums"] = lambda lib, who=_who, argnums=_argnums: getattr(lib.func, who)(
            lambda x, y: x * y, argnums
        )(lib.t(1.0), lib.t(2.0))
for _who in ("grad", "jacrev", "jacfwd"):
    for _what, _aux in (("a_number", 1.0), ("none", None), ("a_name", "abc"), ("a_number_within", {"n": [1]})):
        PROGRAMS[f"{_who}_refuses_{_what}_as_aux"] = lambda lib, who=_who, aux=_aux: getattr(lib.func, who)(
            lambda x: (x * 2, aux), has_aux=True
        )(lib.t(1.0))
    for _what, _out in (("a_number", 1.0), ("none", None), ("nothing", ()), ("nothing_within", [{}])):
        PROGRAMS[f"{_who}_refuses_{_what}_as_output"] = lambda lib, who=_who, out=_out: getattr(lib.func, who)(
            lambda x: out
        )(lib.t(1.0))
for _who in ("jacrev", "jacfwd"):
    PROGRAMS[f"{_who}_refuses_complex_inputs"] = lambda lib, who=_who: getattr(lib.func, who)(lambda x: x * x)(
        lib.t([1.0]) * (1 + 1j)
    )
    PROGRAMS[f"{_who}_refuses_complex_outputs"] = lambda lib, who=_who: getattr(lib.func, who)(lambda x: x * 1j)(
        lib.t([1.0])
    )
for _what, _primals, _tangents in (("numbers", (1.0,), (1.0,)), ("a_number_for_a_tangent", None, (1.0,)),
                                   ("nothing", (), ()), ("nothing_within", ((),), ((),))):  # fmt: skip
    PROGRAMS[f"jvp_refuses_{_what}"] = lambda lib, primals=_primals, tangents=_tangents: lib.func.jvp(
        lambda x: x * x, (lib.t(1.0),) if primals is None else primals, tangents
    )


@program
def jacrev_refuses_chunks_of_nothing(lib):
    return lib.func.jacrev(lambda x: x * x, chunk_size=0)(lib.t([1.0]))


# --- vmap -----------------------------------------------------------------------------------------------------------


@program
def vmap_dims(lib):
    v, f = lib.func.vmap, lambda x, y: (x * y).sum(-1)
    x, y = lib.t(np.arange(24.0).reshape(2, 3, 4)), lib.t(np.arange(4.0))
    return [v(f, in_dims=(0, None))(x, y), v(f, in_dims=(1, None))(x, y), v(f, (-2, None), out_dims=1)(x, y),
            v(f, (-1, 0))(x, y), v(v(f, (0, None)), (0, None))(x, y), v(lambda x: x)(x)]  # fmt: skip


@program
def vmap_out_dims(lib):
    v, x = lib.func.vmap, lib.t(np.arange(6.0).reshape(2, 3))
    return [v(lambda r: r * 2, out_dims=(1,))(x), v(lambda r: (r, x), out_dims=(1, None))(x)]


@program
def vmap_refuses_no_place_for_what_differs(lib):
    return lib.func.vmap(lambda x: x * 2, out_dims=None)(lib.t([1.0, 2.0]))


@program
def vmap_refuses_several_places_for_one(lib):
    return lib.func.vmap(lambda x: x * 2, out_dims=(0, 0))(lib.t([1.0, 2.0]))


@program
def vmap_trees(lib):
    f = lambda d, x: {"s": d["a"] + x, "t": (d["b"][0] * x,)}  # noqa: E731
    d = {"a": lib.t([1.0, 2.0]), "b": [lib.t(np.arange(6.0).reshape(3, 2))]}
    v, out_dims = lib.func.vmap, {"s": 0, "t": (1,)}
    return [v(f, in_dims=({"a": 0, "b": [1]}, None))(d, lib.t(3.0)),
            v(f, in_dims=({"a": 0, "b": 1}, None), out_dims=out_dims)(d, lib.t(3.0))]  # fmt: skip


@program
def vmap_per_sample_gradients(lib):
    loss = lambda w, x, y: ((x @ w - y) ** 2).sum()  # noqa: E731
    w, x, y = lib.t([1.0, 2.0, 3.0]), lib.t(np.arange(12.0).reshape(4, 3)), lib.t([1.0, 0.0, 2.0, -1.0])
    return lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0, 0))(w, x, y)


@program
def vmap_inside_grad(lib):
    f = lambda x: lib.func.vmap(lambda row: (row**3).sum())(x).sum()  # noqa: E731
    return [lib.func.grad(f)(matrix(lib)), lib.func.jacrev(lib.func.vmap(lambda r: r.exp()))(lib.t([1.0, 2.0]))]


@program
def vmap_kwargs(lib):
    return lib.func.vmap(lambda x, k: x * k)(lib.t([1.0, 2.0]), k=lib.t([3.0, 4.0]))


@program
def vmap_refuses_sizes(lib):
    return lib.func.vmap(lambda x, y: x + y)(lib.t([1.0, 2.0]), lib.t([1.0, 2.0, 3.0]))


@program
def vmap_refuses_nothing_mapped(lib):
    return lib.func.vmap(lambda x: x, in_dims=None)(lib.t([1.0]))


@program
def vmap_refuses_numbers(lib):
    return lib.func.vmap(lambda x, y: x * y)(lib.t([1.0]), 2.0)


@program
def vmap_refuses_dims(lib):
    return lib.func.vmap(lambda x: x, in_dims=1)(lib.t([1.0]))


@program
def vmap_refuses_structure(lib):
    return lib.func.vmap(lambda x, y: x, in_dims=(0,))(lib.t([1.0]), lib.t([1.0]))


@program
def vmap_refuses_results(lib):
    return lib.func.vmap(lambda x: 3.0)(lib.t([1.0]))


@program
def vmap_refuses_random(lib):
    return lib.func.vmap(lambda x: x + lib.m.rand(()))(lib.t([1.0]))


def test_vmap_randomness():
    tg.manual_seed(0)
    draw = lambda x: x + tg.rand(())  # noqa: E731
    same = tg.func.vmap(draw, randomness="same")(tg.zeros(3)).tolist()
    assert len(set(same)) == 1
    assert len(set(tg.func.vmap(draw, randomness="different")(tg.zeros(3)).tolist())) == 3
    with pytest.raises(RuntimeError, match="vmap: randomness must be one of error, different, same, got 'x'"):
        tg.func.vmap(draw, randomness="x")


def test_vmap_of_no_slices_is_refused():
    with pytest.raises(ValueError, match="must not be empty"):
        tg.func.vmap(lambda x: x)(tg.zeros(0, 2))


# --- modules --------------------------------------------------------------------------------------------------------


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight

    def forward(self, x, scale=1.0):
        return self.b(self.a(x)) * scale


def test_functional_call_uses_others_and_leaves_its_own():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    own = dict(model.named_parameters())
    values = {n: p.detach() * 2 for n, p in own.items()}
    x = tg.randn(5, 3)
    before = {n: p.detach().clone() for n, p in own.items()}
    out = tg.func.functional_call(model, values, (x,))
    for n, p in own.items():
        p.data = values[n]
    np.testing.assert_array_equal(out.detach().numpy(), model(x).detach().numpy())
    assert all(dict(model.named_parameters())[n] is p for n, p in own.items())
    for n, p in own.items():
        p.data = before[n]
    gradient = tg.func.grad(lambda values: (tg.func.functional_call(model, values, x) ** 2).mean())(
        {n: p.detach() for n, p in own.items()}
    )
    (model(x) ** 2).mean().backward()
    for n, p in own.items():
        np.testing.assert_allclose(gradient[n].numpy(), p.grad.numpy(), rtol=1e-6)


def test_functional_call_restores_after_an_error():
    model = nn.Linear(2, 2)
    weight = model.weight
    with pytest.raises(IndexError):
        tg.func.functional_call(model, {"weight": tg.ones(2, 2)}, (), {"input": tg.ones(3)[5]})
    with pytest.raises(Exception, match="."):
        tg.func.functional_call(model, {"weight": tg.ones(2, 3)}, tg.ones(2))
    assert model.weight is weight


def test_functional_call_with_tied_weights_and_kwargs():
    model, w, x = Tied(), tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 0.0])
    both = tg.func.functional_call(model, {"a.weight": w}, x, {"scale": 2.0})
    assert both.tolist() == (2 * w @ (w @ x)).tolist()
    one = tg.func.functional_call(model, ({"a.weight": w},), (x,), tie_weights=False)
    assert one.tolist() == (model.a.weight @ (w @ x)).tolist()
    with pytest.raises(ValueError, match=r"a.weight and b.weight are one tensor"):
        tg.func.functional_call(model, {"a.weight": w, "b.weight": w + 1}, x)
    with pytest.raises(ValueError, match="in one dict only"):
        tg.func.functional_call(model, [{"a.weight": w}, {"a.weight": w}], x)


def test_functional_call_knows_its_names():
    model = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"unexpected \['wieght'\]"):
        tg.func.functional_call(model, {"wieght": tg.ones(2, 2)}, tg.ones(2))
    with pytest.raises(RuntimeError, match=r"missing \['bias'\]"):
        tg.func.functional_call(model, {"weight": tg.ones(2, 2)}, tg.ones(2), strict=True)


def test_an_ensemble():
    models = [nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)) for _ in range(4)]
    params, buffers = tg.func.stack_module_state(models)
    assert params["0.weight"].shape == (4, 2, 3)
    assert params["0.weight"].requires_grad
    assert buffers["1.running_mean"].shape == (4, 2)
    for m in models:
        m.eval()
    x = tg.randn(5, 3)
    out = tg.func.vmap(lambda p, b: tg.func.functional_call(models[0], (p, b), x))(params, buffers)
    for i, m in enumerate(models):
        np.testing.assert_allclose(out[i].detach().numpy(), m(x).detach().numpy(), rtol=1e-6)
    with pytest.raises(RuntimeError, match="at least one module"):
        tg.func.stack_module_state([])


@pytest.mark.each("what", ["requires_grad", "dtype", "shape"])
def test_an_ensemble_of_unlike_modules_is_refused(what):
    def models(m):
        first, second = m.nn.Linear(2, 3), m.nn.Linear(2, 4 if what == "shape" else 3)
        if what == "requires_grad":
            second.bias.requires_grad_(False)
        return [first, second.double() if what == "dtype" else second]

    with pytest.raises(RuntimeError, match=f"must have the same {what} in all models"):
        tg.func.stack_module_state(models(tg))


# --- autograd.functional --------------------------------------------------------------------------------------------


def scalar(x):
    return (x**3).sum() * x.sin().sum()


def scalar_of_two(x, y):
    return (x**3).sum() * y.sin().sum()


def two_of_two(x, y):
    return x * y.sum(), (x**2).sum()


@program
def functional_products(lib):
    f, x = lib.functional, lib.t([0.3, 1.2])
    y, v, w = lib.t([[0.5], [-1.0]]), lib.t([1.0, -2.0]), lib.t([[2.0], [3.0]])
    return [
        f.vjp(scalar, x), f.vjp(two_of_two, (x, y), (v, lib.t(2.0))), f.jvp(two_of_two, (x, y), (v, w)),
        f.jvp(lambda x: x * lib.t([1.0, 2.0]), lib.t(3.0)), f.vhp(scalar, x, v), f.hvp(scalar, x, v),
        f.vhp(scalar_of_two, (x, y), (v, w)), f.hvp(scalar_of_two, (x, y), (v, w)), f.jvp(lambda x: x * x, (x,), (v,)),
    ]  # fmt: skip


@program
def functional_matrices(lib):
    f, x, y = lib.functional, lib.t([0.3, 1.2]), lib.t([[0.5], [-1.0]])
    return [
        f.jacobian(lambda x: x.sin(), x), f.jacobian(two_of_two, (x, y)), f.jacobian(scalar_of_two, (x, y)),
        f.jacobian(lambda x: (x, x**2), x), f.hessian(scalar, x), f.hessian(scalar_of_two, (x, y)),
        f.hessian(scalar, (x,)), f.jacobian(two_of_two, (x, y), vectorize=True, strategy="forward-mode"),
        f.jacobian(lambda x: lib.t([1.0, 2.0]) , x),
    ]  # fmt: skip


@program
def functional_create_graph(lib):
    f, results = lib.functional, []
    for create in (False, True):
        x = lib.t([0.3, 1.2]).requires_grad_()
        results += [f.jacobian(lambda x: x**3, x, create_graph=create), f.hessian(scalar, x, create_graph=create)]
        results += f.hvp(scalar, x, lib.t([1.0, 2.0]), create_graph=create)
        results += f.jvp(lambda x: x**3, x, lib.t([1.0, 2.0]), create_graph=create)
        results.append([r.requires_grad for r in results[-6:]])
    (results[-7].sum() + results[-6].sum() + results[-4].sum() + results[-2].sum()).backward()
    return [*results, x.grad]


@program
def functional_strict(lib):
    x = lib.t([0.3, 1.2])
    return lib.functional.jacobian(lambda x, y: x * 2, (x, x), strict=True)


@program
def functional_strict_constant(lib):
    return lib.functional.vjp(lambda x: lib.t([1.0]), lib.t([0.3]), lib.t([1.0]), strict=True)


@program
def functional_strict_hessian(lib):
    return lib.functional.hessian(lambda x: (x * 2).sum(), lib.t([0.3]), strict=True)


@program
def functional_refuses_vectors(lib):
    return lib.functional.vjp(lambda x: x * 2, lib.t([0.3, 1.2]), lib.t([1.0]))


@program
def functional_refuses_no_vector(lib):
    return lib.functional.vjp(lambda x: x * 2, lib.t([0.3, 1.2]))


@program
def functional_refuses_hessian_of_vectors(lib):
    return lib.functional.hessian(lambda x: x * 2, lib.t([0.3, 1.2]))


@program
def functional_refuses_numbers(lib):
    return lib.functional.jacobian(lambda x: x * 2, 3.0)


@pytest.mark.each("name", PROGRAMS)
def test_as_pytorchs(name):
    agree(lambda m: flat(PROGRAMS[name](library(m))))


@pytest.mark.each("name", [n for n in PROGRAMS if "refuses" not in n and "strict" not in n])
def test_no_program_agrees_by_failing_in_both(name):
    assert len(flat(PROGRAMS[name](library(tg)))) > 0
