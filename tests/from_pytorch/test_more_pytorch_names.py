"""Names around the tensors: storages, futures, operators of one's own, lists of tensors, state dicts by hand."""

import importlib
import itertools
import threading
import weakref
from types import ModuleType
from typing import Any

import fresh_process
import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.torch_imports.refused_modules import refused_name

# --- programs that do the same in both libraries ----------------------------------------------------------------------


def _state_dict_by_hand(m: Any) -> Any:
    class Renamed(m.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.w = m.nn.Parameter(m.zeros(2))
            self.register_buffer("b", m.zeros(1))

        def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "extra"] = m.ones(1)

        def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
            state_dict[prefix + "w"] = state_dict.pop(prefix + "old")
            super()._load_from_state_dict(state_dict, prefix, *rest)

    class Doubled(m.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.w = m.nn.Parameter(m.zeros(2))

        def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
            self.w.data.copy_(2 * state_dict[prefix + "w"])

    model = m.nn.Sequential(Renamed(), Doubled())
    saved = list(model.state_dict())
    model.load_state_dict({"0.old": m.ones(2), "0.b": m.ones(1), "1.w": m.ones(2)})
    model._apply(lambda t: t + 1)
    return [saved, model[0].w, model[0].b, model[1].w]


def _missing_key(m: Any) -> Any:
    class Silent(m.nn.Module):  # type: ignore[misc, name-defined]
        def _load_from_state_dict(self, *args: Any) -> None:
            super()._load_from_state_dict(*args)

    model = Silent()
    model.w = m.nn.Parameter(m.ones(1))
    model.load_state_dict({})


def _hooks_of_state_dicts(m: Any) -> Any:
    model = m.nn.Linear(1, 1)
    model._register_state_dict_hook(lambda module, state, prefix, metadata: {"w": state["weight"]})
    model._register_load_state_dict_pre_hook(lambda state, prefix, *rest: state.setdefault("weight", state.pop("w")))
    saved = model.state_dict()
    model.load_state_dict({"w": m.full((1, 1), 5.0), "bias": m.zeros(1)})
    return [list(saved), model.weight]


def _replaced_members(m: Any) -> Any:
    model = m.nn.Sequential(m.nn.Linear(1, 1), m.nn.ReLU())
    names = [name for name, _ in reversed(model._modules.items())]
    model._modules = {"only": model[1]}
    model[0]._parameters  # noqa: B018  # of a module without any
    return [names, [name for name, _ in model.named_modules()], model(m.tensor([-1.0]))]


def _foreach(m: Any) -> Any:
    xs = [m.tensor([1.0, -2.0]), m.tensor([[3.0]])]
    ys = [m.tensor([2.0, 4.0]), m.tensor([[8.0]])]
    m._foreach_add_(xs, ys, alpha=0.5)
    m._foreach_mul_(xs, [2.0, 3.0])
    m._foreach_lerp_(xs, ys, 0.25)
    m._foreach_addcmul_(xs, ys, ys, 0.5)
    m._foreach_addcdiv_(xs, ys, ys, m.tensor([1.0, 2.0]))
    m._foreach_sub_(xs, 1.0)
    m._foreach_maximum_(xs, [m.zeros(2), m.ones(1, 1)])
    m._foreach_minimum_(xs, 40.0)
    return [
        m._foreach_norm(ys, ord=1),
        xs,
        m._foreach_norm(ys),
        m._foreach_sqrt(ys),
        m._foreach_neg(xs),
        m._foreach_maximum(xs, ys),
    ]


def _storages(m: Any) -> Any:
    made = m.FloatStorage([1, 2, 3])
    x = m.zeros(2, 3)
    return [
        isinstance(x.storage(), m.FloatStorage), isinstance(x.storage(), m.LongStorage), m.is_storage(made),
        made.tolist(), len(m.LongStorage(4)), m.DoubleStorage([1.5]).tolist(), m.is_storage(x),
    ]  # fmt: skip


def _future(m: Any) -> Any:
    first, second = m.futures.Future(), m.futures.Future()
    chained = first.then(lambda done: done.value() + 1).then(lambda done: 2 * done.wait())
    whole = m.futures.collect_all([first, second])
    threading.Timer(0.01, first.set_result, [20]).start()
    found = chained.wait()
    before = whole.done()
    second.set_result("x")
    return [found, before, [part.value() for part in whole.wait()], m.futures.wait_all([first, second])]


def _failed_future(m: Any) -> Any:
    future = m.futures.Future()
    future.set_exception(ZeroDivisionError("no"))
    return future.wait()


def _several_gradients(m: Any, mode: str) -> Any:
    x, y = m.ones(1, requires_grad=True), m.ones(1, requires_grad=True)
    seen: list[Any] = []
    handle = m.autograd.graph.register_multi_grad_hook((x, y), lambda g: seen.append(plain(g)), mode=mode)
    (2 * x + 3 * y).sum().backward()
    (4 * x + 5 * y).sum().backward()
    handle.remove()
    (x + y).sum().backward()
    return [len(seen), sorted(map(str, seen[0])) if mode == "all" else None]


def plain(g: Any) -> Any:
    return [v.tolist() for v in g] if isinstance(g, list) else g.tolist()


def _mutated(m: Any) -> Any:
    x = m.ones(2, requires_grad=True)
    with m.autograd.graph.allow_mutation_on_saved_tensors(), m.autograd.graph.save_on_cpu():
        y = x * 2
        z = (y * y).sum()
    z.backward()
    return [x.grad]


def _hooks_switched_off(m: Any) -> Any:
    graph = m.autograd.graph
    with graph.disable_saved_tensors_hooks("not now"), graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        pass


def _prefixes(m: Any) -> Any:
    state = {"module.a": 1, "b": 2}
    utils = importlib.import_module(f"{m.__name__}.nn.modules.utils")
    utils.consume_prefix_in_state_dict_if_present(state, "module.")
    return [sorted(state), utils._reverse_repeat_tuple((1, 2), 2), utils._list_with_default([None, 3], [5, 6, 7])]


def _trees(m: Any) -> Any:
    tree = importlib.import_module(f"{m.__name__}.utils._pytree")
    value = {"a": [1, 2.0], "b": ("x",)}
    return [tree.tree_map_only(int, lambda v: v + 1, value), tree.tree_any(lambda v: v == "x", value),
            tree.tree_all(lambda v: v == "x", value)]  # fmt: skip


def _powers(m: Any) -> Any:
    x = m.tensor([0.5, -2.0, 0.0, 3.0], dtype=m.float64, requires_grad=True)
    out = [x**3.0, x**4, x**4.0, x**-2, (x.abs() + 1) ** -0.5, (x + 4) ** -2.0]
    (g,) = m.autograd.grad(sum(o[m.tensor([0, 1, 3])].sum() for o in out), x, create_graph=True)
    (h,) = m.autograd.grad(g[m.tensor([0, 1, 3])].sum(), x)
    return [out, g[m.tensor([0, 1, 3])], h[m.tensor([0, 1, 3])]]


def _inference(m: Any) -> Any:
    seen = []

    def tell() -> None:
        seen.append([m.is_inference_mode_enabled(), m.is_grad_enabled()])

    @m.inference_mode(False)
    def told() -> None:
        tell()

    @m.inference_mode
    def steps() -> Any:
        tell()
        yield 1
        tell()

    tell()
    with m.inference_mode():
        tell()
        with m.enable_grad():
            tell()
        with m.inference_mode(False), m.no_grad():
            tell()
            told()
        tell()
    for _ in steps():
        tell()
    tell()
    return seen


def _notes_of_a_node(m: Any) -> Any:
    class Note:
        pass

    y = m.ones(2, requires_grad=True).exp()
    note = y.grad_fn.metadata["note"] = Note()
    kept = weakref.ref(note)
    del note
    alive = [kept() is y.grad_fn.metadata["note"], y.sum().grad_fn.metadata]
    del y
    return [alive, kept() is None]


def _sizes(m: Any) -> Any:
    x, sizes = m.ones(2), [(m.Size([]),), ((),), (), (0,), (m.Size([2]),), ([],), (m.Size([2, 0]),)]
    return [[list(each.shape) for each in (x.new(*size), m.Tensor(*size))] for size in sizes]


def _truths_of_no_dimension(m: Any) -> Any:
    x = m.tensor([[1.0, 0.0], [2.0, 3.0]])
    calls = itertools.product((m.any, m.all), (x, x.to(m.uint8)), ([], (), (0, 1)), (False, True))
    return [function(each, dim=dim, keepdim=keep) for function, each, dim, keep in calls]


def _identities(m: Any) -> Any:
    masked = importlib.import_module(f"{m.__name__}.masked")
    names = "sum prod cumsum cumprod amax amin argmax argmin mean std var norm median logsumexp".split()
    inputs = [m.ones(2, dtype=d) for d in (m.float32, m.float64, m.int8, m.uint8, m.int64)]
    found = [masked._reduction_identity(f"masked.{name}", x) for name in names for x in inputs]
    return [*found, masked._reduction_identity("norm", inputs[0], float("-inf"))]


def _bytes_and_negative_numbers(m: Any) -> Any:
    x, y = (m.tensor([250, 3, 0], dtype=m.uint8) for _ in range(2))
    by_operators = [x + -3, -3 + x, x - -3, -3 - x, x * -1, x & -2, x | -2, x ^ -1, x + m.tensor(-3)]
    by_name = [m.add(x, -3), m.sub(x, -1, alpha=2), m.rsub(x, -5), m.bitwise_and(x, -4), y.add_(-3), y.mul_(-2)]
    return [*by_operators, *by_name, (x + -3).dtype.itemsize]


PROGRAMS: dict[str, Any] = {
    "bytes and negative numbers": _bytes_and_negative_numbers,
    "truths of no dimension": _truths_of_no_dimension, "identities of reductions": _identities,
    "sizes of none": _sizes,
    "inference mode": _inference, "notes of a node": _notes_of_a_node,
    "state dicts by hand": _state_dict_by_hand, "a missing key": _missing_key, "their hooks": _hooks_of_state_dicts,
    "members replaced": _replaced_members, "foreach": _foreach, "storages": _storages, "future": _future,
    "a failed future": _failed_future, "prefixes": _prefixes, "trees": _trees, "powers": _powers,
    "gradients of several": lambda m: _several_gradients(m, "all"),
    "the first gradient of several": lambda m: _several_gradients(m, "any"), "saved tensors overwritten": _mutated,
    "hooks switched off": _hooks_switched_off, "clamp of few": lambda m: m.clamp(m.tensor([m.nan, -1.0, 5.0]), 2, 1),
    "stack from the end": lambda m: [m.stack([m.ones(2, 3)] * 2, d) for d in (-1, -2, 1)],
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_pytorch(name):
    agree(PROGRAMS[name], rtol=1e-6)


def test_operator_of_ones_own():
    calls = []

    @tg.library.custom_op("mine::sine", mutates_args=())
    def sine(x: Any, k: float) -> Any:
        calls.append(k)
        return tg.from_numpy(np.sin(k * x.numpy()))

    def keep(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.k = inputs[1]

    x = tg.tensor([0.3, -1.0], dtype=tg.float64, requires_grad=True)
    assert sine.register_fake(len) is len
    np.testing.assert_allclose(sine(x.detach(), k=1.0), np.sin([0.3, -1.0]))
    sine.register_autograd(lambda ctx, g: (g * ctx.k * tg.cos(ctx.k * ctx.saved_tensors[0]), None), setup_context=keep)
    y = sine(x, 2.0)
    np.testing.assert_allclose(y.detach(), np.sin([0.6, -2.0]))
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 2 * np.cos([0.6, -2.0]))
    assert calls == [1.0, 2.0]
    with pytest.raises(TypeError, match="by position"):
        sine(x, k=1.0)


# --- what has another form here ---------------------------------------------------------------------------------------


def test_sobol_points_are_pytorchs():
    pytest.importorskip("scipy")
    engine = tg.quasirandom.SobolEngine(3)
    points = tg.cat([engine.draw(3), engine.draw(2)])
    assert points[:3].tolist() == [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25]]
    torch = pytest.importorskip("torch")
    theirs = torch.quasirandom.SobolEngine(3).draw(5).numpy()
    np.testing.assert_array_equal(points, theirs)
    with pytest.raises(ValueError, match="power of 2"):
        engine.draw_base2(3)
    scrambled = tg.quasirandom.SobolEngine(2, scramble=True, seed=5)
    first = scrambled.draw(4)
    assert (scrambled.reset().draw(4) == first).all()
    assert first.min() >= 0
    assert first.max() < 1
    with pytest.raises(ValueError, match="dimension"):
        tg.quasirandom.SobolEngine(0)


def test_parts_of_a_batch():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).eval()
    x = tg.randn(5, 2)
    copies = nn.parallel.replicate(model, ["cpu"] * 2)
    parts, options = nn.parallel.scatter_kwargs((x,), {}, ["cpu"] * 2)
    out = nn.parallel.gather(nn.parallel.parallel_apply(copies, parts, options), "cpu")
    np.testing.assert_allclose(out.detach(), model(x).detach(), rtol=1e-6)
    out.sum().backward()
    assert model[0].weight.grad is not None
    assert nn.parallel.scatter([x, 7], ["cpu"] * 2)[1][1] == 7
    assert nn.parallel.gather([{"a": tg.ones(())}, {"a": tg.zeros(())}], "cpu")["a"].tolist() == [1.0, 0.0]
    for call in (lambda: nn.parallel.scatter(x, [0, 1]), lambda: nn.parallel.replicate(model, ["cuda:0"])):
        with pytest.raises(ValueError, match="CPU"):
            call()


def test_timer():
    from tinygrad_lite.utils import benchmark

    counts = []
    timer = benchmark.Timer("seen.append(x.sum())", globals={"x": tg.ones(3), "seen": counts}, label="sum")
    assert timer.timeit(50).number_per_run == 50
    assert len(counts) == 52
    blocks = timer.blocked_autorange(min_run_time=0.01)
    assert len(blocks.times) >= 1
    assert blocks.median > 0
    assert "sum" in repr(blocks)
    found = benchmark.Measurement(2, [2.0, 4.0, 6.0])
    assert (found.median, found.mean, found.iqr, found.times) == (2.0, 2.0, 1.0, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"C\+\+"):
        benchmark.Timer("x;", language="c++")


def test_cross_map_lrn_is_the_papers():
    x = tg.arange(10.0).reshape(1, 10, 1, 1)
    layer = nn.CrossMapLRN2d(3, alpha=0.5, beta=0.5, k=2.0)
    np.testing.assert_array_equal(layer(x), nn.LocalResponseNorm(3, 0.5, 0.5, 2.0)(x))


def test_sparse_adam_leaves_rows_without_gradient_alone():
    e = nn.Embedding(5, 3, sparse=True)
    before = e.weight.detach().clone()
    optimizer = optim.SparseAdam(e.parameters(), lr=0.1)
    for rows in ([0, 1], [1], [1, 3]):
        optimizer.zero_grad()
        e(tg.tensor(rows)).pow(2).sum().backward()
        optimizer.step()
    moved = (e.weight.detach() != before).any(1).tolist()
    assert moved == [True, True, False, True, False]


def test_optimizer_by_hand_with_a_method_called_update():
    class Mine(optim.Optimizer):
        def __init__(self, params: Any, lr: float = 0.1) -> None:
            super().__init__(params, {"lr": lr})

        def update(self, p: Any, lr: float) -> None:
            p.data.sub_(lr * p.grad)

        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    self.update(p, group["lr"])

    w = nn.Parameter(tg.ones(1))
    optimizer = Mine([w])
    (2 * w).sum().backward()
    optimizer.step()
    assert w.item() == pytest.approx(0.8)


def test_what_is_refused_says_why():
    for name in ("float8_e4m3fn", "quantize_per_tensor", "sparse_csr_tensor", "cudnn_convolution", "ScriptFunction"):
        stands = refused_name(name)
        with pytest.raises(RuntimeError, match=f"torch.{name}: "):
            stands()
        assert not isinstance(1, stands)
    with pytest.raises(TypeError, match="at least 8 bits"):
        tg.ones(1).to(refused_name("float8_e5m2"))
    assert refused_name("no_such_name") is None
    with pytest.raises(OSError, match="compiled for PyTorch"):
        tg.ops.load_library("lib.so")
    with pytest.raises(NotImplementedError, match="must define"), tg.overrides.TorchFunctionMode():
        tg.ones(1)
    with pytest.raises(RuntimeError, match="custom_op"):
        tg.library.Library("a", "DEF").define("f(Tensor x) -> Tensor")


MODULES = """
import torch, torch.cpu, torch.futures, torch.overrides, torch.quasirandom, torch.utils.hooks, torch.utils.benchmark
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _pair, _reverse_repeat_tuple, _ConvTransposeNd
from torch.nn.modules.pooling import _MaxPoolNd, _AvgPoolNd, _AdaptiveAvgPoolNd
from torch.nn.parameter import is_lazy
from torch.distributions.utils import _standard_normal, _sum_rightmost
from torch.hub import _get_torch_home, HASH_REGEX, tqdm
from torch.distributed import nn as dist_nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.onnx.symbolic_helper import parse_args
from torch.utils._foreach_utils import _group_tensors_by_device_and_dtype as group
from torch.jit.annotations import BroadcastingList2, List
import torch.fx

def annotated(x: "torch.fx.node.Target") -> BroadcastingList2[int]: ...
annotated.__annotations__ = {"x": torch.fx.node.Target}

@record
@parse_args("v")
def f(x): return x

assert f(3) == 3
assert isinstance(torch.nn.Dropout2d(), _DropoutNd) and isinstance(torch.nn.BatchNorm1d(1), _NormBase)
assert isinstance(torch.nn.MaxPool2d(2), _MaxPoolNd) and _pair(1) == (1, 1)
assert torch.cpu.is_available() and torch.cpu.current_device() == "cpu"
keys = torch._C.DispatchKeySet(torch._C.DispatchKey.A) | torch._C.DispatchKeySet(torch._C.DispatchKey.B)
assert len(keys) == 2
assert len(group([[torch.ones(1), torch.ones(1).double(), torch.ones(2)]], with_indices=True)) == 2
torch._assert(True, "never")
try:
    torch._assert(False, "said")
except AssertionError as error:
    assert "said" in str(error)
assert not torch.is_anomaly_enabled()
with torch.cpu.stream(torch.cpu.Stream()):
    pass
print("fine")
"""


def test_modules_as_programs_import_them():
    assert _as_torch(MODULES) == "fine\n"


def _as_torch(code: str) -> str:
    return fresh_process.run(f"import tinygrad_lite.as_torch\n{code}", TINYGRAD_LITE_AS_TORCH="instead")


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")
def test_torchvision_is_imported_as_it_is():
    code = "import torch, torchvision\nprint(torchvision.models.resnet18().eval()(torch.zeros(1, 3, 32, 32)).shape[1])"
    assert _as_torch(code) == "1000\n"


def test_modules_are_modules():
    for name in ("cpu", "futures", "library", "overrides", "quasirandom"):
        assert isinstance(getattr(tg, name), ModuleType)


def sizes_of_other_whole_numbers(m):
    found = m.Size((m.tensor(3), True, 2))
    return list(found), [type(size).__name__ for size in found[::2]], m.ones(*found[::2]), m.Size([]).numel()


def a_size_of_fractions(m):
    return m.Size((2.0,))


@pytest.mark.parametrize("program", [sizes_of_other_whole_numbers, a_size_of_fractions])
def test_sizes(program):
    agree(program)
