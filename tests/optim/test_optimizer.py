"""What an optimizer accepts, refuses and keeps: PyTorch's face, the teaching texts', and a user's own optimizers."""

from __future__ import annotations

import functools
import sys
import threading

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim import textbook
from tinygrad_lite.optim.step.plan import parameter_batch as cohort
from tinygrad_lite.optim.step.plan import step_plan
from tinygrad_lite.optim.step.plan.parameter_batch import SHARED


def parameter(values, dtype=np.float64) -> tg.Tensor:
    return tg.tensor(np.array(values, dtype), requires_grad=True)


def stepped(optimizer, params, grads) -> list[np.ndarray]:
    for p, g in zip(params, grads):
        p.grad = None if g is None else tg.tensor(np.array(g, p.dtype))
    optimizer.step()
    return [p.detach().numpy() for p in params]


# A user's own


class Lion(optim.Optimizer):
    """The sign of an interpolated momentum (Chen et al., 2023, algorithm 2)."""

    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0

    state = {"m": "exp_avg"}  # noqa: RUF012
    decoupled = True

    @optim.formula
    def update(p, g, m, lr, beta1, beta2):
        return p - lr * np.sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_optimizer_of_ones_own(backend, dtype):
    rng = np.random.default_rng(0)
    p, m = rng.standard_normal((5, 3)).astype(dtype), np.zeros((5, 3))
    expected, params = p.astype(float), {"w": p}
    with kernels.use(backend):
        lion = Lion(lr=0.1, weight_decay=0.2)
        for _ in range(10):
            g = rng.standard_normal((5, 3)).astype(dtype)
            lion.update(params, {"w": g})
            expected = expected * (1 - 0.1 * 0.2) - 0.1 * np.sign(0.9 * m + 0.1 * g)
            m = 0.99 * m + 0.01 * g
    assert params["w"].dtype == dtype
    np.testing.assert_allclose(params["w"], expected, rtol=3e-6 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(lion.state["w"]["exp_avg"], m, rtol=1e-4 if dtype == np.float32 else 1e-12)
    assert lion.state["w"]["step"] == 10
    with pytest.raises(ValueError, match=r"Lion: betas\[1\] must be in \[0, 1\), got 1.0"):
        Lion(betas=(0.9, 1.0))


class Pulled(optim.Optimizer):
    """Whatever a formula may be made of: where, literals, a helper, a constant, nested switches."""

    lr: float = 0.1
    strong: bool = False
    inverted: bool = True

    @staticmethod
    def update(p, g, lr, strong, inverted):
        if strong and not inverted:
            g = 2 * g**3
        elif strong or inverted:
            g = np.where(g > THRESHOLD, halved(g), 0.25 - g)
        return p - lr * g


THRESHOLD = 0.5


def halved(x):
    return x / 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("strong", "inverted"), [(False, False), (False, True), (True, False), (True, True)])
def test_formulas_may_use_helpers_literals_and_switches(strong, inverted, dtype):
    p, g = np.linspace(-1, 1, 11, dtype=dtype), np.linspace(-2, 2, 11, dtype=dtype)
    slope = 2 * g**3 if strong and not inverted else np.where(g > 0.5, g / 2, 0.25 - g) if strong or inverted else g
    for backend in ("numpy", "numba"):
        with kernels.use(backend):
            params = {"p": p.copy()}
            Pulled(strong=strong, inverted=inverted).update(params, {"p": g})
        np.testing.assert_allclose(params["p"], p - dtype(0.1) * slope, rtol=2 * np.finfo(dtype).eps, atol=1e-7)
        assert params["p"].dtype == dtype


class NormStep(optim.Optimizer):
    """Not elementwise: the step has a given length."""

    lr: float = 0.1
    weight_decay: float = 0.0

    state = ("m",)
    elementwise = False

    @optim.formula
    def update(p, g, m, lr):
        m = m + g
        return p - lr * m / np.linalg.norm(m), m


def test_what_is_not_elementwise_gets_whole_arrays():
    p, q = parameter([1.0, 2.0]), parameter([[3.0, 4.0]])
    stepped(NormStep([p, q], lr=5.0), [p, q], [[3.0, 4.0], [[0.0, 2.0]]])
    np.testing.assert_allclose(p.detach().numpy(), [-2.0, -2.0])
    np.testing.assert_allclose(q.detach().numpy(), [[3.0, -1.0]])


def test_a_formula_without_source_runs_in_numpy_and_says_so():
    namespace: dict = {"optim": optim}
    source = (
        "class Typed(optim.Optimizer):\n    lr: float = 0.5\n"
        "    @optim.formula\n    def update(p, g, lr):\n        return p - lr * g\n"
    )
    exec("from __future__ import annotations\n" + source, namespace)
    params = {"x": np.ones(3)}
    with kernels.use("numba"), pytest.warns(RuntimeWarning, match="Typed: Python does not have the text"):
        namespace["Typed"]().update(params, {"x": np.ones(3)})
    np.testing.assert_array_equal(params["x"], [0.5, 0.5, 0.5])


def test_mistakes_in_a_class_are_named():
    class Unknown(optim.Optimizer):
        lr: float = 0.1

        @optim.formula
        def update(p, g, lr, beta):
            return p - lr * beta * g

    class Bare(optim.Optimizer):
        lr: float = 0.1

    with pytest.raises(TypeError, match=r"Unknown\.update: 'beta' is neither a state nor a hyperparameter"):
        Unknown().update({"x": 1.0}, {"x": 1.0})
    with pytest.raises(TypeError, match="Bare: a class without an update formula"):
        Bare()
    with pytest.raises(TypeError, match="the hyperparameter 'lr' needs a default"):

        class NoDefault(optim.Optimizer):
            lr: float


# PyTorch's face


def test_constructors_take_pytorchs_arguments():
    p = parameter([1.0])
    adam = optim.Adam([p], 0.1, (0.8, 0.9), 1e-6, 0.2, True, maximize=True, foreach=False, fused=True, capturable=True)
    assert adam.defaults["lr"] == 0.1
    assert adam.param_groups[0]["betas"] == (0.8, 0.9)
    assert (adam.lr, adam.eps, adam.weight_decay, adam.amsgrad, adam.maximize) == (0.1, 1e-6, 0.2, True, True)
    assert optim.Adam(0.1, (0.8, 0.9)).betas == (0.8, 0.9)  # without parameters, as the teaching texts
    assert optim.Adam([p], lr=tg.tensor(0.5)).lr == 0.5
    with pytest.raises(TypeError, match="Adam: got an unexpected keyword argument 'learning_rate'"):
        optim.Adam([p], learning_rate=0.1)
    with pytest.raises(TypeError, match="Adam: lr must be a number, got str"):
        optim.Adam([p], lr="0.1")
    for kind in (ValueError, TypeError):  # PyTorch's class, and the one of all that is no number
        with pytest.raises(kind, match=r"Adam: lr must be a number, got Tensor of shape \(2,\)"):
            optim.Adam([p], lr=tg.tensor([0.1, 0.2]))


def test_setting_a_hyperparameter_sets_it_in_all_groups():
    p, q = parameter([1.0]), parameter([1.0])
    sgd = optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.5}], lr=0.1)
    sgd.lr = 0.25
    assert [g["lr"] for g in sgd.param_groups] == [0.25, 0.25]
    with pytest.raises(ValueError, match="SGD: lr must be at least 0, got -1"):
        sgd.lr = -1
    np.testing.assert_allclose(stepped(sgd, [p, q], [[1.0], [2.0]]), [[0.75], [0.5]])


def test_parameters_that_cannot_be_optimized_are_refused():
    p = parameter([1.0])
    for bad in (p, {p}, {"w": p}, np.ones(3), "ab"):
        with pytest.raises(TypeError, match="SGD: params must be an ordered iterable"):
            optim.SGD(bad)
    with pytest.raises(ValueError, match="SGD: got an empty list of parameters"):
        optim.SGD([])
    with pytest.raises(TypeError, match="SGD: parameters must be Tensors, got ndarray"):
        optim.SGD([np.ones(3)])
    with pytest.raises(ValueError, match="SGD: can't optimize a non-leaf Tensor"):
        optim.SGD([p * 2])
    with pytest.raises(ValueError, match=r"SGD: a parameter of shape \(1,\) appears twice"):
        optim.SGD([p, p])
    with pytest.raises(ValueError, match="SGD: either all parameters have names or none, got 1 of 2"):
        optim.SGD([("a", p), parameter([2.0])])
    sgd = optim.SGD([p])
    with pytest.raises(ValueError, match="appears twice"):
        sgd.add_param_group({"params": p})
    with pytest.raises(TypeError, match="params must be ordered, got a set"):
        sgd.add_param_group({"params": {parameter([1.0])}})
    ints = tg.tensor(np.array([1, 2]))
    ints.grad = tg.tensor(np.array([1, 2]))
    with pytest.raises(ValueError, match=r"SGD: a parameter of shape \(2,\) is int64, not floating point"):
        optim.SGD([ints]).step()
    assert len(sgd.param_groups) == 1


@pytest.mark.parametrize("rule", [optim.Adafactor, optim.Muon, NormStep])
@pytest.mark.parametrize("caught", [ValueError, RuntimeError])
def test_complex_matrices_are_refused_as_both_errors(rule, caught):
    p = tg.tensor(np.ones((2, 3), "c8"), requires_grad=True)
    p.grad = tg.tensor(np.ones((2, 3), "c8"))
    with pytest.raises(caught, match=r"a parameter of shape \(2, 3\) is complex64, not floating point"):
        rule([p]).step()


@pytest.mark.parametrize("caught", [ValueError, RuntimeError])
def test_sparse_adam_refuses_complex_parameters_where_it_is_made(caught):
    p = tg.tensor(np.ones((2, 3), "c8"), requires_grad=True)
    message = r"SparseAdam: a parameter of shape \(2, 3\) is complex64; it does not support complex parameters"
    for given in ([p], [{"params": [parameter([1.0])]}, {"params": [p]}]):
        with pytest.raises(caught, match=message):
            optim.SparseAdam(given)
    sparse = optim.SparseAdam([parameter([1.0])])
    with pytest.raises(caught, match=message):
        sparse.add_param_group({"params": [p]})
    assert len(sparse.param_groups) == 1
    with pytest.raises(caught, match="SparseAdam: .* is complex128; it does not support complex parameters"):
        optim.SparseAdam().update({"x": np.ones(2, "c16")}, {"x": np.ones(2, "c16")})


COMPLEX = [
    getattr(optim, name) for name in "SGD Adam AdamW NAdam RAdam Adamax Adagrad Adadelta RMSprop Rprop ASGD".split()
]


def pairs(array):
    return np.stack([array.real, array.imag], -1)


def in_order_c(shape):
    return np.zeros(shape, "c16")


def in_order_f(shape):
    return np.zeros(shape, "c16", order="F")


def with_gaps(shape):
    return np.zeros((*shape[:-1], 2 * shape[-1]), "c16")[..., ::2]


def in_sam(params):
    return optim.SAM(optim.SGD(params, lr=0.1))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("memory", [in_order_c, in_order_f, with_gaps])
@pytest.mark.each("rule", [*COMPLEX, functools.partial(optim.Adam, max_grad_norm=0.5), in_sam, optim.LBFGS])
def test_complex_parameters_are_updated_as_pairs_of_real_numbers(rule, memory, backend):
    rng = np.random.default_rng(0)
    first, goal = (rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4)) for _ in range(2))
    values = memory((3, 4))
    values[...] = first
    one, two = tg.from_numpy(values).requires_grad_(), tg.tensor(pairs(first), requires_grad=True)
    with kernels.use(backend):
        by_complex, by_real = rule([one]), rule([two])
        for _ in range(3):
            for p, optimizer, wanted in ((one, by_complex, goal), (two, by_real, pairs(goal))):

                def closure(p=p, optimizer=optimizer, wanted=wanted):
                    optimizer.zero_grad()
                    loss = ((p - tg.tensor(wanted)).abs() ** 2).sum()
                    loss.backward()
                    return loss

                optimizer.step(closure)
            np.testing.assert_allclose(pairs(values), two.detach().numpy(), rtol=1e-12, atol=1e-13)
    assert not np.allclose(values, first)
    if rule in (optim.LBFGS, in_sam):  # all parameters together, or another's
        return
    states = by_real.state[two]
    for name, state in by_complex.state[one].items():
        if np.ndim(state):
            assert (state.shape, state.dtype) == (one.shape, tg.complex128), name
            np.testing.assert_allclose(pairs(np.asarray(state)), np.asarray(states[name]), rtol=1e-12, atol=1e-13)


def test_groups_and_names():
    p, q, r = parameter([1.0]), parameter([2.0]), parameter([3.0])
    sgd = optim.SGD([("a", p), ("b", q)], lr=0.1)
    sgd.add_param_group({"params": [("c", r)], "lr": 1.0})
    assert [g["param_names"] for g in sgd.param_groups] == [["a", "b"], ["c"]]
    assert sgd.state_dict()["param_groups"][1]["params"] == [2]
    np.testing.assert_allclose(stepped(sgd, [p, q, r], [[1.0]] * 3), [[0.9], [1.9], [2.0]])


def test_step_calls_the_closure_with_gradients_on():
    p = parameter([3.0])
    sgd = optim.SGD([p], lr=0.5)

    def closure():
        sgd.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        loss = sgd.step(closure)
    assert loss.item() == 9.0
    assert p.detach().numpy() == [0.0]
    assert sgd.step() is None


def test_zero_grad():
    p, q = parameter([3.0]), parameter([3.0])
    sgd = optim.SGD([p, q])
    p.grad = tg.tensor(np.array([1.0]))
    kept = p.grad
    sgd.zero_grad(set_to_none=False)
    assert p.grad is kept
    assert kept.numpy() == [0.0]
    assert q.grad is None
    sgd.zero_grad()
    assert p.grad is None


def test_frozen_parameters_stay_and_join_later():
    p, q = parameter([1.0]), parameter([1.0])
    adam = optim.Adam([p, q], lr=0.1)
    stepped(adam, [p, q], [[1.0], None])
    assert q.detach().numpy() == [1.0]
    assert q not in adam.state
    stepped(adam, [p, q], [[1.0], [1.0]])
    assert (adam.state[p]["step"], adam.state[q]["step"]) == (2, 1)
    np.testing.assert_allclose(q.detach().numpy(), [0.9], rtol=1e-7)  # a first step: bias correction of its own


def test_a_gradient_set_by_hand_on_a_tensor_that_requires_none():
    p = tg.tensor(np.ones(2))
    sgd = optim.SGD([p], lr=0.5)
    for _ in range(2):
        np.testing.assert_array_equal(stepped(sgd, [p], [[1.0, 0.0]])[0][1], 1.0)
    np.testing.assert_array_equal(p.numpy(), [0.0, 1.0])


def test_state_is_open_to_the_user():
    p = parameter([1.0])
    adam = optim.Adam([p], lr=0.1)
    stepped(adam, [p], [[1.0]])
    adam.state[p]["exp_avg"][...] = 0.0
    adam.state[p]["step"] = 0
    before = p.detach().numpy().copy()
    stepped(adam, [p], [[0.0]])
    np.testing.assert_array_equal(p.detach().numpy(), before)
    adam.state = {}
    stepped(adam, [p], [[5.0]])
    np.testing.assert_allclose(p.detach().numpy(), before - 0.1, rtol=1e-7)


def test_unused_state_is_not_kept():
    p = parameter([1.0])
    cases = [
        (optim.SGD([p]), set()),
        (optim.SGD([p], momentum=0.9), {"momentum_buffer"}),
        (optim.Adam([p]), {"step", "exp_avg", "exp_avg_sq"}),
        (optim.Adam([p], amsgrad=True), {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}),
        (optim.RMSprop([p]), {"step", "square_avg"}),
    ]
    for optimizer, keys in cases:
        stepped(optimizer, [p], [[1.0]])
        assert set(optimizer.state.get(p, {})) == keys


def test_loading_refuses_what_does_not_fit():
    p, q = parameter([1.0, 2.0]), parameter([1.0])
    adam = optim.Adam([p, q])
    stepped(adam, [p, q], [[1.0, 1.0], [1.0]])
    saved = adam.state_dict()
    with pytest.raises(ValueError, match="group 0 has 1 parameters, the state dict's 2"):
        optim.Adam([p]).load_state_dict(saved)
    with pytest.raises(ValueError, match="the state dict has 1 groups, not 2"):
        optim.Adam([{"params": p}, {"params": q}]).load_state_dict(saved)
    other = optim.Adam([q, p])
    with pytest.raises(ValueError, match=r"parameter 0: exp_avg must have shape \(1,\), got \(2,\)"):
        other.load_state_dict(saved)
    assert not other.state  # as it was
    with pytest.raises(ValueError, match="parameter 0 has 'exp_avg', which SGD does not know"):
        optim.SGD([p, q]).load_state_dict(saved)
    del saved["state"][0]["exp_avg_sq"]
    with pytest.raises(ValueError, match="parameter 0 lacks 'exp_avg_sq'"):
        optim.Adam([p, q]).load_state_dict(saved)


def test_loading_copies_and_casts():
    p, q = parameter([1.0]), parameter([1.0], np.float32)
    adam = optim.Adam([p], lr=0.5)
    stepped(adam, [p], [[1.0]])
    loaded = optim.Adam([q])
    loaded.load_state_dict(adam.state_dict())
    assert loaded.lr == 0.5
    assert loaded.state[q]["exp_avg"].dtype == np.float32
    loaded.state[q]["exp_avg"][...] = 7.0
    assert adam.state[p]["exp_avg"] != 7.0


def test_repr():
    assert repr(optim.SGD([parameter([1.0])], lr=0.1)).splitlines()[:4] == [
        "SGD (",
        "Parameter Group 0",
        "    dampening: 0.0",
        "    differentiable: False",
    ]


# Memory


LAYOUTS = {
    "Fortran": lambda a: np.asfortranarray(a),
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "reversed": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "unaligned": lambda a: (
        np.frombuffer(b"x" + a.tobytes(), dtype=np.uint8)[1:].copy()[0:].view(a.dtype).reshape(a.shape)
    ),
}


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.each("of_gradient", LAYOUTS)
@pytest.mark.parametrize("of_parameter", ["C", *LAYOUTS])
def test_any_memory_layout(of_parameter, of_gradient, backend):
    rng = np.random.default_rng(0)
    value, grads = rng.standard_normal((4, 6)), rng.standard_normal((3, 4, 6))
    lay = LAYOUTS.get(of_parameter, lambda a: a.copy())
    with kernels.use(backend):
        plain, odd = {"w": value.copy()}, {"w": lay(value)}
        strides, memory = odd["w"].strides, odd["w"]
        a, b = optim.Adam(lr=0.1, amsgrad=True), optim.Adam(lr=0.1, amsgrad=True)
        for g in grads:
            a.update(plain, {"w": g})
            b.update(odd, {"w": LAYOUTS[of_gradient](g)})
    assert odd["w"] is memory
    assert odd["w"].strides == strides
    np.testing.assert_array_equal(odd["w"], plain["w"])


def test_views_of_one_buffer():
    buffer = np.arange(12.0)
    params = {"a": buffer[:5], "b": buffer[5:12].reshape(7)}
    optim.SGD(lr=1.0).update(params, {"a": np.ones(5), "b": np.full(7, 2.0)})
    np.testing.assert_array_equal(buffer, np.arange(12.0) - np.repeat([1.0, 2.0], [5, 7]))


def test_a_gradient_that_is_the_parameter():
    params = {"w": np.arange(100.0)}
    optim.SGD(lr=0.5).update(params, {"w": params["w"]})
    np.testing.assert_array_equal(params["w"], np.arange(100.0) / 2)


def test_rebound_data_is_noticed():
    p = parameter([1.0, 2.0])
    sgd = optim.SGD([p], lr=0.5, momentum=0.5)
    stepped(sgd, [p], [[1.0, 1.0]])
    old = p.detach().numpy()
    p.data = tg.tensor(np.array([10.0, 20.0]))
    stepped(sgd, [p], [[1.0, 1.0]])
    np.testing.assert_array_equal(p.detach().numpy(), [9.25, 19.25])  # the momentum is still the parameter's
    np.testing.assert_array_equal(old, [0.5, 1.5])
    p.data = tg.tensor(np.array([1.0, 2.0, 3.0]))
    p.grad = tg.tensor(np.ones(3))
    with pytest.raises(ValueError, match=r"SGD: the state of .* has shape \(2,\), not \(3,\)"):
        sgd.step()


def test_read_only_memory_is_refused():
    frozen = np.ones(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="SGD: 'w' is read-only"):
        optim.SGD().update({"w": frozen}, {"w": np.ones(3)})


def test_a_backward_pass_notices_the_step():
    p = parameter([1.0, 2.0])
    loss = (p * p).sum()
    p.grad = tg.tensor(np.ones(2))
    optim.SGD([p]).step()
    with pytest.raises(RuntimeError, match="SGD"):
        loss.backward()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_shared_launch_equals_a_serial_one(dtype):
    rng = np.random.default_rng(0)
    shapes = [(3,), (SHARED - 1000,), (50, 70), (), (100_003,)]
    start = {str(i): rng.standard_normal(s).astype(dtype) for i, s in enumerate(shapes)}
    grads = {k: rng.standard_normal(v.shape).astype(dtype) for k, v in start.items()}
    before, found = kernels.get_num_threads(), []
    try:
        for n in (1, 4):
            kernels.set_num_threads(n)
            params = {k: v.copy() if v.ndim else v[()] for k, v in start.items()}
            adam = optim.AdamW(lr=0.1)
            for _ in range(3):
                adam.update(params, grads)
            found.append(params)
    finally:
        kernels.set_num_threads(before)
    for k in start:
        np.testing.assert_array_equal(found[0][k], found[1][k])


@pytest.mark.parametrize(
    "arguments",
    [{}, {"max_grad_norm": 0.5}, {"weight_decay": lambda t: 0.1 * t}],
    ids=["plain", "clipped", "scheduled"],
)
def test_steps_of_many_elements_notice_what_changes(monkeypatch, arguments):
    """What is prepared for large launches, against what is for small ones."""
    found = []
    for limit in (0, cohort.SHARED):
        monkeypatch.setattr(cohort, "SHARED", limit)
        rng = np.random.default_rng(0)
        params = [tg.tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((30, 7), (), (5,), (4, 4))]
        single = tg.tensor(rng.standard_normal(9).astype("f"), requires_grad=True)
        adam = optim.AdamW([*params, single] if arguments.get("max_grad_norm") else params, lr=0.1, **arguments)

        def backward(params=params, single=single, rng=rng):
            for p in (*params, single):
                p.grad = tg.tensor(rng.standard_normal(p.shape).astype(p.detach().numpy().dtype))

        steps = []
        for change in range(8):
            backward()
            match change:
                case 2:
                    params[1].grad = None
                case 3:
                    params[0].data = tg.ones(30, 7, dtype=tg.float64)
                case 4:
                    params[3].grad = tg.tensor(rng.standard_normal((4, 4))).T
                case 5:
                    adam.param_groups[0]["lr"] = 0.3
                case 6:
                    adam.param_groups[0]["maximize"] = True
            counts = [sys.getrefcount(p.grad._data) for p in params if p.grad is not None]
            adam.step()
            assert [sys.getrefcount(p.grad._data) for p in params if p.grad is not None] == counts
            steps.append([p.detach().numpy().copy() for p in (*params, single)])
        found.append(steps)
    for one, other in zip(*found):
        for p, q in zip(one, other):
            np.testing.assert_array_equal(p, q)


def test_optimizers_step_in_several_threads_at_once():
    def work(seed: int, results: dict[int, np.ndarray]) -> None:
        rng = np.random.default_rng(seed)
        params, adam = {"w": rng.standard_normal(SHARED + 17)}, optim.Adam(lr=0.1)
        for _ in range(4):
            adam.update(params, {"w": params["w"] * 0.5})
        results[seed] = params["w"]

    alone: dict[int, np.ndarray] = {}
    together: dict[int, np.ndarray] = {}
    for seed in range(3):
        work(seed, alone)
    threads = [threading.Thread(target=work, args=(seed, together)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(3):
        np.testing.assert_array_equal(together[seed], alone[seed])


# Hogwild


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("shared", [False, True], ids=["an optimizer each", "one optimizer"])
def test_threads_that_share_parameters_and_gradients(shared, backend):
    """Some updates may be lost, as Hogwild has it; nothing fails, and the minimum is found."""
    params = [tg.tensor(np.full(size, 5.0), requires_grad=True) for size in (3, 40, 1)]
    make = lambda: optim.Adam([{"params": params[:2]}, {"params": params[2:]}], lr=0.05)  # noqa: E731
    one, failures = make(), []

    def work(seed):
        optimizer = one if shared else make()
        try:
            for t in range(150):
                optimizer.zero_grad(set_to_none=(t + seed) % 3 != 0)
                for p in params:  # a backward pass would notice that its values are overwritten, as PyTorch's does
                    p.grad = tg.from_numpy(2 * p.detach().numpy())
                if t % 20 == 0:
                    optimizer.param_groups[0]["weight_decay"] = 0.0 if t % 40 else 1e-6
                    optimizer.state_dict()
                optimizer.step()
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with kernels.use(backend):
            threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
    for p in params:
        assert np.abs(p.detach().numpy()).max() < 2.0


# The teaching texts' face


def test_dicts_of_numbers_and_arrays():
    w, zero_d = np.ones((2, 2), np.float32), np.array(4.0)
    params = {"w": w, "b": 2.0, "c": np.float32(3.0), "i": 1, "z": zero_d, "t": tg.tensor(np.ones(2))}
    grads = {"w": np.ones((2, 2)), "b": 1, "c": 1.0, "i": 1.0, "z": 2.0, "t": tg.tensor(np.ones(2))}
    optim.SGD(lr=0.5).update(params, grads)
    assert params["w"] is w
    np.testing.assert_array_equal(w, np.full((2, 2), 0.5))
    assert (params["b"], type(params["b"])) == (1.5, float)
    assert (params["c"], type(params["c"])) == (2.5, np.float32)
    assert (params["i"], type(params["i"])) == (0.5, float)
    assert params["z"] is zero_d
    assert zero_d == 3.0
    np.testing.assert_array_equal(params["t"].numpy(), [0.5, 0.5])


def test_dicts_that_do_not_fit_are_refused():
    sgd = optim.SGD()
    with pytest.raises(KeyError, match=r"SGD\.update: no gradient for 'b'"):
        sgd.update({"a": 1.0, "b": 1.0}, {"a": 1.0})
    with pytest.raises(ValueError, match=r"grads\['a'\] must have the parameter's shape \(2,\), got \(3,\)"):
        sgd.update({"a": np.ones(2)}, {"a": np.ones(3)})
    with pytest.raises(TypeError, match=r"params\['a'\] must be an array or a number, got list"):
        sgd.update({"a": [1.0]}, {"a": [1.0]})
    with pytest.raises(ValueError, match="SGD: 'a' is int64, not floating point"):
        sgd.update({"a": np.array([1, 2])}, {"a": np.array([1, 2])})
    with pytest.raises(ValueError, match=r"SGD\.step: made without parameters"):
        sgd.step()
    with pytest.raises(ValueError, match=r"SGD\.update: made with parameters; call step"):
        optim.SGD([parameter([1.0])]).update({"a": 1.0}, {"a": 1.0})
    with pytest.raises(ValueError, match="SGD: made without parameters"):
        sgd.add_param_group({"params": parameter([1.0])})


def test_a_gradient_is_broadcast_to_its_parameter():
    params = {"w": np.ones((2, 3)), "v": np.ones(2)}
    optim.SGD(lr=0.5).update(params, {"w": 1.0, "v": None})
    np.testing.assert_array_equal(params["w"], np.full((2, 3), 0.5))
    np.testing.assert_array_equal(params["v"], np.ones(2))


def test_dict_state_is_saved_by_name():
    def run(adam, params, steps):
        for _ in range(steps):
            adam.update(params, {k: v * 0.5 for k, v in params.items()})

    params, adam = {"W1": np.ones(3), "b1": 2.0}, optim.Adam(lr=0.1)
    run(adam, params, 3)
    saved = adam.state_dict()
    assert saved["param_groups"][0]["params"] == ["W1", "b1"]
    assert set(saved["state"]) == {"W1", "b1"}
    resumed, copied = optim.Adam(), {"W1": params["W1"].copy(), "b1": params["b1"]}
    resumed.load_state_dict(saved)
    run(adam, params, 3)
    run(resumed, copied, 3)
    np.testing.assert_array_equal(copied["W1"], params["W1"])
    assert copied["b1"] == params["b1"]


PLOTTED = {  # the last of the 30 points that the text plots, from (-7, 2) on x^2 / 20 + y^2
    "SGD": (textbook.SGD(lr=0.95), -0.387174580942, -0.0942025739449),
    "Momentum": (textbook.Momentum(lr=0.1), 0.814112149508, 0.27287785238),
    "AdaGrad": (textbook.AdaGrad(lr=1.5), -0.136185399907, 9.07097872615e-17),
    "Adam": (textbook.Adam(lr=0.3), 0.0201490647175, 0.321957221871),
    "Nesterov": (textbook.Nesterov(lr=0.1), 0.619266308391, 0.00737368479474),
    "RMSprop": (textbook.RMSProp(lr=0.01, decay_rate=0.99), -6.06105665451, 1.13518346748),
}


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", PLOTTED)
def test_the_points_the_texts_plot(name, backend):
    optimizer, x, y = PLOTTED[name]
    optimizer.state = {}
    params = {"x": -7.0, "y": 2.0}
    with kernels.use(backend):
        for _ in range(29):
            optimizer.update(params, {"x": params["x"] / 10.0, "y": 2.0 * params["y"]})
    assert params == pytest.approx({"x": x, "y": y}, rel=1e-9, abs=1e-25)


def test_gradients_that_come_while_a_step_is_planned(monkeypatch):
    """A gradient that is there in one glance and gone in the next, taken by a thread, is not forgotten for ever."""
    x = tg.tensor([5.0], requires_grad=True)
    x.grad = tg.tensor([1.0])
    adam, seen, honest = optim.Adam([x], lr=0.1), iter([True, False]), step_plan.tensor_access

    def flickering(params):
        access = honest(params)
        return access._replace(has_grad=lambda p: next(seen, access.has_grad(p)))

    monkeypatch.setattr(step_plan, "tensor_access", flickering)
    adam.step()
    monkeypatch.undo()
    adam.step()
    assert x.item() < 5.0
