"""What `tg.compile` makes of rows: steps that one compiled loop walks, with the bits that NumPy's calls give."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn, optim
from tinygrad_lite.compiler.lowering import native, row_text
from tinygrad_lite.kernels.native.walk import addresses
from tinygrad_lite.transforms.interception import intercepted
from tinygrad_lite.transforms.pytree import leaves

pytestmark = pytest.mark.skipif(not addresses.readable(), reason="needs objects that lie in memory as CPython's do")


@pytest.fixture(autouse=True, scope="module")
def machine():
    native.wait()


def bits(tree):
    """All bits but those that tell one NaN from another."""
    arrays = [v._data for v in leaves(tree) if isinstance(v, tg.Tensor)]
    return [(a.shape, a.dtype.str, np.where(np.isnan(a), np.nan, a).tobytes()) for a in arrays]


def program_of(compiled):
    return next(iter(compiled._programs.values()))[0]


def test_a_chain_of_operations_is_one_table():
    a, b = (tg.linspace(0.1, 1.0, 10).requires_grad_(), tg.linspace(1.0, 2.0, 10).requires_grad_())

    def chain():
        a.grad = b.grad = None
        x = a
        for _ in range(5):
            x = tg.relu(x * b + a) - b
        loss = x.sum()
        loss.backward()
        return loss

    compiled = tg.compile(chain, fullgraph=True)
    for _ in range(4):
        expected = bits(chain()), bits(a.grad), bits(b.grad)
        assert (bits(compiled()), bits(a.grad), bits(b.grad)) == expected
    text = program_of(compiled).run.text
    assert text.count("walk(") == 1
    assert set(program_of(compiled).run.facts["python"]) == {"grad = None", "accumulate"}


def test_gradients_that_somebody_holds_stay_as_they_are():
    w = tg.ones(4, requires_grad=True)

    def step(x):
        w.grad = None
        (w * x).sum().backward()

    compiled = tg.compile(step, fullgraph=True)
    held = []
    for i in range(6):
        compiled(tg.full((4,), float(i)))
        held.append(w.grad)
    assert [g.tolist() for g in held] == [[float(i)] * 4 for i in range(6)]


@pytest.mark.parametrize("shape", [(7,), (1, 9), (9, 1), (40, 33), (3, 1, 5), (2048,), (100, 70), (1, 1), (16, 16)])
def test_sums_over_any_dimensions(shape):
    rng = np.random.default_rng(len(shape))
    dims = [None, *range(len(shape)), tuple(range(len(shape)))]
    for dtype in (np.float32, np.float64):
        for dim in dims:
            compiled = tg.compile(lambda x, dim=dim: [(x * 1.1).sum(dim), (x * 1.3).mean(dim), (x + 1).t().sum()
                                                      if x.ndim == 2 else x], fullgraph=True)  # fmt: skip
            for _ in range(4):
                x = tg.from_numpy(rng.standard_normal(shape).astype(dtype))
                assert bits(compiled(x)) == bits(compiled.wrapped(x)), (shape, dim, dtype)
            assert compiled.hits() == 2


SIZES = [(2, 2, 2), (5, 3, 4), (1, 3, 4), (5, 3, 1), (5, 1, 4), (1, 1, 1), (33, 65, 17)]


@pytest.mark.parametrize(("n", "k", "m"), SIZES)
def test_products_of_matrices_however_they_lie(n, k, m):
    rng = np.random.default_rng(n)

    def products(x, y, z):
        return x @ y, (y.t() @ x.t()), z.t() @ y, x @ x.t(), (x * 2).t() @ (x * 2), x[:, :1] @ y[:1]

    compiled = tg.compile(products, fullgraph=True)
    for _ in range(5):
        given = [tg.from_numpy(rng.standard_normal(s).astype(np.float32)) for s in ((n, k), (k, m), (k, n))]
        assert bits(compiled(*given)) == bits(products(*given))
    assert compiled.hits() == 3


UNARY = ("exp", "tanh", "sigmoid", "relu", "neg", "abs", "square", "sin", "softplus", "silu", "gelu", "floor", "sign")


def random_program(seed):
    """A program of elementwise functions, broadcasting, reductions, views, products and writes in place."""
    r = random.Random(seed)
    rows, columns = r.choice([1, 3, 9, 40]), r.choice([1, 5, 17, 64])
    kinds = ["unary", "binary", "binary", "sum", "mean", "product", "turned", "part", "number", "flat", "write",
             "where", "most", "joined", "softmax", "flip", "item"]  # fmt: skip
    plan = [(r.choice(kinds), r.random(), r.random(), r.random()) for _ in range(r.choice([5, 12, 25]))]

    def step(kind, x, y, choice, other):
        if kind == "unary":
            name = UNARY[int(choice * len(UNARY))]
            return getattr(tg, name)(x.clamp(-4, 4) if name == "exp" else x)
        if kind == "binary":
            return (x + y, x - y, x * y, x / (y.abs() + 1), tg.maximum(x, y))[int(choice * 5)]
        if kind == "number":
            return (x * 1.7 - 0.3, 2 - x, x**2, 1 / (1 + x * x), x**3, -x * 0.0)[int(choice * 6)]
        if kind == "write":
            z = x * 1.0
            return z.add_(y.sum() * 0.1) if choice > 0.5 else z.mul_(0.5)
        if kind == "where":
            return tg.where(x > 0, x, x * 0.1)
        if x.ndim == 0:
            return x + 0.5
        if kind == "item":
            z = x * 1.0
            z[0] = 2.0
            return z
        if kind == "sum":
            return x.sum(dim=int(choice * x.ndim), keepdim=other > 0.5)
        if kind == "product":
            return x @ x.t() * 0.1 if x.ndim == 2 else x * 0.5
        simple = {
            "mean": lambda: x.mean(dim=-1, keepdim=True), "turned": lambda: x.transpose(0, -1), "part": lambda: x[1:],
            "flat": lambda: x.reshape(-1), "most": lambda: x.max(dim=-1)[0], "joined": lambda: tg.cat([x, x * 2]),
            "softmax": lambda: tg.softmax(x, -1), "flip": lambda: x.flip(0),
        }  # fmt: skip
        return simple[kind]()

    def program(*given):
        pool = list(given)
        for kind, first, second, choice in plan:
            x, y = pool[int(first * len(pool))], pool[int(second * len(pool))]
            try:
                z = step(kind, x, y, choice, second)
            except (RuntimeError, ValueError, IndexError):  # shapes that do not fit
                continue
            if 0 < z.numel() < 20000:
                pool.append(z)
        loss = sum(tg.tanh(z).sum() for z in pool[-4:])
        return loss.detach(), [z.detach() for z in pool[-3:]], tg.autograd.grad(loss, given, allow_unused=True)

    return program, [(rows, columns), (1, columns), (rows, 1), (columns,)], r.choice([np.float32, np.float64])


def test_random_programs():
    for seed in range(40):
        program, shapes, dtype = random_program(seed)
        compiled, rng = tg.compile(program, fullgraph=True), np.random.default_rng(seed)
        for _ in range(4):
            arrays = [rng.standard_normal(s).astype(dtype) for s in shapes]
            if seed % 3 == 0:
                for a in arrays:
                    a[rng.random(a.shape) < 0.1] = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan])
            given = [tg.from_numpy(a).requires_grad_() for a in arrays]
            assert bits(compiled(*given)) == bits(program(*given)), seed
        assert compiled.hits() == 2


def test_every_optimizer_with_a_schedule():
    x, y = tg.randn(6, 5), tg.randn(6, 2)

    def made(cls):
        tg.manual_seed(0)
        net = nn.Sequential(nn.Linear(5, 8, bias=False), nn.Tanh(), nn.Linear(8, 2, bias=False))
        optimizer = cls(net.parameters())
        schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

        def step(x, y):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            return loss

        return net, step

    classes = [getattr(optim, name) for name in optim.__all__]
    kinds = [c for c in classes if isinstance(c, type) and issubclass(c, optim.Optimizer)]
    without = {optim.Optimizer, optim.LBFGS, optim.Lookahead, optim.SAM, getattr(optim, "SparseAdam", None)}
    without.add(optim.ZeroRedundancyOptimizer)
    for cls in kinds:
        if cls in without:  # they take another optimizer, or a closure
            continue
        (eager, step), (net, other) = made(cls), made(cls)
        compiled = tg.compile(other, fullgraph=True)
        assert [bits(compiled(x, y)) for _ in range(6)] == [bits(step(x, y)) for _ in range(6)], cls
        assert bits(list(net.parameters())) == bits(list(eager.parameters())), cls
        assert compiled.hits() == 4


def test_without_the_environment_and_without_machine_code():
    code = """
import tinygrad_lite as tg
f = tg.compile(lambda x: x * 2 + 1)
print([f(tg.ones(2)).tolist() for _ in range(4)][-1], f.hits())
"""
    for extra, hits in (("TINYGRAD_LITE_COMPILE", "0"), ("TINYGRAD_LITE_KERNELS", "numpy")):
        run = subprocess.run([sys.executable, "-c", code], env={**os.environ, extra: hits},
                             capture_output=True, text=True, check=True)  # fmt: skip
        assert run.stdout.split("] ") == ["[3.0, 3.0", "0\n" if hits == "0" else "2\n"]


def test_a_loop_that_cannot_be_compiled_is_told_once(monkeypatch):
    from tinygrad_lite.compiler.lowering import native
    from tinygrad_lite.kernels.native.walk import walker

    def broken():
        raise OSError("no room")

    monkeypatch.setattr(native, "_state", {"walk": None, "thread": None, "error": None, "told": False})
    monkeypatch.setattr(walker, "start", broken)
    assert native.possible()
    native._state["thread"].join()
    with pytest.warns(RuntimeWarning, match=r"steps run in Python, .* \(OSError: no room\)"):
        assert not native.possible()
    assert not native.possible()  # warnings are errors
    step = tg.compile(lambda x: x * 2 + 1)
    assert [step(tg.ones(2)).tolist() for _ in range(4)] == [[3.0, 3.0]] * 4
    assert step.hits() == 2


# --- kernels -------------------------------------------------------------------------------------------------------

KERNELS = {
    "layer norm, gelu and cross entropy": lambda: (
        nn.Sequential(nn.Linear(16, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 5)), tg.randn(40, 16),
        tg.randint(0, 5, (40,)), nn.functional.cross_entropy,
    ),
    "wide layers": lambda: (
        nn.Sequential(nn.Linear(200, 120), nn.Tanh(), nn.Linear(120, 110)), tg.randn(90, 200), tg.randn(90, 110),
        nn.functional.mse_loss,
    ),
    "LSTM cell": lambda: (
        nn.Sequential(nn.LSTM(6, 9, num_layers=2), Last(), nn.Linear(9, 2)), tg.randn(7, 3, 6), tg.randn(3, 2),
        nn.functional.mse_loss,
    ),
    "GRU": lambda: (
        nn.Sequential(nn.GRU(6, 9, batch_first=True), Last(), nn.Linear(9, 2)), tg.randn(3, 7, 6), tg.randn(7, 2),
        nn.functional.mse_loss,
    ),
    "encoder": lambda: (
        nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True), tg.randn(3, 5, 16), tg.randn(3, 5, 16),
        nn.functional.mse_loss,
    ),
    "convolutions": lambda: (
        nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.Conv2d(32, 32, 3, groups=32, padding=1), nn.Conv2d(32, 64, 1), nn.MaxPool2d(2),
            nn.ConvTranspose2d(64, 8, 2, 2),
        ), tg.randn(5, 3, 20, 20), tg.randn(5, 8, 10, 10), nn.functional.mse_loss,
    ),
    "convolutions of many channels": lambda: (
        nn.Sequential(
            nn.Conv2d(48, 64, 3, padding=1), nn.GroupNorm(4, 64), nn.Conv2d(64, 48, 3), nn.Conv2d(48, 48, 1, 2),
        ), tg.randn(4, 48, 14, 14), tg.randn(4, 48, 6, 6), nn.functional.mse_loss,
    ),
}  # fmt: skip


class Last(nn.Module):
    def forward(self, x):
        return x[0][-1]


@pytest.fixture(params=[1, 3])
def threads(request):
    before = kernels.get_num_threads()
    tg.set_num_threads(request.param)
    yield
    kernels.set_num_threads(before)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.usefixtures("threads")
def test_a_step_of_kernels_has_no_call_of_python_but_effects(name):
    def made():
        tg.manual_seed(0)
        net, x, y, loss_of = KERNELS[name]()
        optimizer = optim.Adam(net.parameters())

        def step(x):
            optimizer.zero_grad()
            loss = loss_of(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return net, step, x

    (eager, step, x), (net, other, _) = made(), made()
    compiled = tg.compile(other, fullgraph=True)
    for i in range(6):
        given = x * (1 - i / 7)
        assert bits(compiled(given)) == bits(step(given))
    assert bits(net.state_dict()) == bits(eager.state_dict())
    facts = program_of(compiled).run.facts
    assert set(facts["python"]) <= {"Optimizer.zero_grad", "Optimizer.step", "accumulate", "check", "store"}, facts[
        "python"
    ]
    assert facts["steps"] > 15


def test_a_kernel_that_finds_something_wrong_raises_the_rows_own_error():
    compiled = tg.compile(lambda x, y: tg.nn.functional.cross_entropy(x * 2, y) + 1, fullgraph=True)
    x, y = tg.randn(6, 4), tg.tensor([0, 1, 2, 3, 0, 1])
    for _ in range(4):
        assert bits(compiled(x, y)) == bits(compiled.wrapped(x, y))
    assert "cross_entropy" not in program_of(compiled).run.facts["python"]
    for wrong in (4, 77):
        with pytest.raises(IndexError, match=rf"class indices must be in \[0, 3\], got {wrong}"):
            compiled(x, tg.tensor([0, 1, 2, wrong, 0, 1]))
    assert bits(compiled(x, y)) == bits(compiled.wrapped(x, y))


def test_stacks_of_products_joined_and_largest_elements():
    rng = np.random.default_rng(0)

    def function(x, y):
        p = x @ y  # (2, 3, 4, 6)
        best, most = p.amax(-1), p.amin((-2, -1))
        joined = tg.cat([p.transpose(-1, -2), p.transpose(-1, -2) * 2], -2)
        return p, best, most, joined, tg.stack([best, best * 2], 1), p.clamp(-0.5, 0.5), (x[0] @ y[0, 0]).sum((0, 1))

    for dtype in (np.float32, np.float64):
        compiled = tg.compile(function, fullgraph=True)
        for _ in range(4):
            x, y = (tg.from_numpy(rng.standard_normal(s).astype(dtype)) for s in ((2, 3, 4, 5), (2, 1, 5, 6)))
            assert bits(compiled(x, y)) == bits(function(x, y))
        assert not program_of(compiled).run.facts["python"]


@pytest.mark.parametrize("largest", [tg.amax, tg.amin])
def test_ties_share_a_gradient_as_they_do_eagerly(largest):
    def gradient(a):
        return tg.autograd.grad(tg.tanh(largest(a.expand(3), 0)).sum(), a)[0].detach()

    compiled = tg.compile(gradient)
    for number in np.linspace(-2, 2, 101, dtype="f4"):
        a = tg.tensor([number]).requires_grad_()
        assert bits(compiled(a)) == bits(gradient(a))
    assert compiled.hits()


def test_running_statistics_that_a_replay_moves_are_announced():
    """A graph that keeps what they were cannot be gone back through."""
    net, x = nn.BatchNorm1d(8), tg.randn(400, 8).requires_grad_()
    compiled = tg.compile(lambda x: net(x).detach())
    net.eval()
    before = net(x)
    net.train()
    for _ in range(5):
        compiled(x)
    assert not set(program_of(compiled).run.facts["python"]) - {"store"}
    other = nn.BatchNorm1d(8)
    for _ in range(5):
        other(x)
    assert bits(net.state_dict()) == bits(other.state_dict())
    with pytest.raises(RuntimeError, match="batch_norm"):
        before.sum().backward()


def test_functions_that_ask_somebody_are_lowered_as_by_themselves(monkeypatch):
    """A class with a `__torch_function__` anywhere in the program makes all of them ask."""
    monkeypatch.setattr(row_text, "_for_symbols", {})  # nothing is known of earlier tests
    x = tg.randn(4, 5, requires_grad=True)

    @tg.compile(fullgraph=True)
    def step():
        x.grad = None
        loss = tg.relu(x).sum()
        loss.backward()
        return loss

    with intercepted(lambda function, run, args, kwargs: run(*args, **kwargs)):
        found = [step().item() for _ in range(4)]
        assert "relu'" not in program_of(step).run.facts["python"]
    assert found == [tg.relu(x).sum().item()] * 4
    assert x.grad.equal((x > 0).float())
