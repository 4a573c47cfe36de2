"""`tg.compile`: recorded and replayed calls equal eager ones in every bit, and what cannot be replayed is refused."""

import copy
import pickle
import threading
import warnings
import zlib

import compiled_programs
import numpy as np
import ops_table
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler.lowering import native
from tinygrad_lite.transforms.pytree import leaves


@pytest.fixture(autouse=True, scope="module")
def machine():
    native.wait()  # so that replays walk over tables from the first one on


def bits(tree):
    found = leaves(tree)
    return [(v._data.shape, v._data.dtype.str, v._data.tobytes()) if isinstance(v, tg.Tensor) else v for v in found]


def state_of(net):
    named = [*net.named_parameters(), *net.named_buffers()]
    return {n: (bits(t), bits(t.grad)) for n, t in named} | {"random": repr(tg.get_rng_state())}


def run(make, steps, compiled, between=None):
    tg.manual_seed(0)
    net, step, args = make()
    call = tg.compile(step, fullgraph=True) if compiled else step
    seen = []
    for i in range(steps):
        if between is not None:
            between(i, net)
        seen.append((bits(call(*args)), state_of(net)))
    return seen, call


@pytest.mark.parametrize("name", compiled_programs.PROGRAMS)
def test_steps_equal_eager_ones(name):
    make = compiled_programs.PROGRAMS[name]
    eager, _ = run(make, 8, False)
    recorded, step = run(make, 8, True)
    assert recorded == eager
    assert step.explain().programs[0]["hits"] == 6
    _, args = make()[1:]
    step.check(*args)


def test_training_and_evaluation_loaded_states_and_frozen_layers():
    make = compiled_programs.PROGRAMS["norm_dropout_clip_and_schedule"]

    def between(i, net):
        net.train(i // 4 % 2 == 0)
        net[0].requires_grad_(i < 12)
        if i == 9:
            net.load_state_dict({k: v * 0.5 if v.dtype.kind == "f" else v for k, v in net.state_dict().items()})
        if i == 18:
            net[4].weight.data = net[4].weight.data * 2
        if i == 20:
            net[4].bias = nn.Parameter(tg.ones(4))

    eager, _ = run(make, 24, False, between)
    recorded, step = run(make, 24, True, between)
    assert recorded == eager
    found = step.explain()
    assert sum(p["hits"] for p in found.programs) >= 8
    assert any("training was True, then False" in why for why in found.reasons)


# --- rows of the table ---------------------------------------------------------------------------------------------


def tensors_of(row, seed):
    rng = np.random.default_rng(zlib.crc32(row.name.encode()) + seed)
    found = []
    for given in row.inputs:
        a = np.asarray(given.draw(rng, given.shape))
        found.append(tg.from_numpy(a.astype(np.float32) if a.dtype.kind == "f" else a))
        if given.differentiable and a.dtype.kind == "f":
            found[-1].requires_grad_()
    return found


def with_gradients(row):
    call = row.call

    def function(*args):
        outs = [o for o in leaves(call(tg, *args)) if isinstance(o, tg.Tensor)]
        losses = [(o * o).sum() for o in outs if o.dtype.kind == "f" and o.requires_grad]
        if not losses:
            return [o.detach() for o in outs]
        inputs = [t for t in args if t.requires_grad]
        return [o.detach() for o in outs], tg.autograd.grad(sum(losses), inputs, allow_unused=True)

    return function


def with_second_derivatives(row):
    """As a penalty on gradients has them."""
    call = row.call

    def function(*args):
        outs = [o for o in leaves(call(tg, *args)) if isinstance(o, tg.Tensor)]
        losses = [(o * o).sum() for o in outs if o.dtype.kind == "f" and o.requires_grad]
        inputs = [t for t in args if t.requires_grad]
        found = tg.autograd.grad(sum(losses), inputs, create_graph=True, allow_unused=True) if losses else outs
        squares = [(g * g).sum() for g in found if g is not None and g.requires_grad]
        again = tg.autograd.grad(sum(squares), inputs, allow_unused=True) if squares else ()
        return [g if g is None else g.detach() for g in found], again

    return function


ROWS = ops_table.OPS[::17]


@pytest.mark.parametrize("of", [with_gradients, with_second_derivatives])
def test_rows_equal_eager_ones_on_other_inputs_than_recorded(of):
    replayed = 0
    for row in ROWS:
        function = of(row)
        compiled = tg.compile(function)
        for seed in range(3):
            try:
                expected = bits(function(*tensors_of(row, seed)))
            except Exception:  # the row's inputs are for another dtype
                break
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                assert bits(compiled(*tensors_of(row, seed))) == expected, (row.name, seed)
        replayed += compiled.hits() > 0
    assert replayed > 0.7 * len(ROWS)


CLASSES = tg.tensor([1, 0, 8, 3])


HALVES = "exp log tanh sigmoid sqrt rsqrt erf square relu softplus gelu silu logsigmoid softsign tanhshrink".split()
PAIRS = "add mul pow atan2 hypot".split()


@pytest.mark.parametrize("size", [50, 5000])
@pytest.mark.each("name", [*HALVES, *PAIRS])
def test_float16_is_rounded_where_eager_calls_round_it(name, size):
    """Eager calls go through float32, and rules that call functions of arrays get NumPy's own float16."""
    function, rng = getattr(nn.functional, name, None) or getattr(tg, name), np.random.default_rng(size)

    def with_gradient(*args):
        out = function(*args)
        return out.detach(), tg.autograd.grad((out * out).sum(), args)

    compiled = tg.compile(with_gradient, fullgraph=True)
    for _ in range(4):
        arrays = [(rng.random(size) * 3 + 0.1).astype(np.float16) for _ in range(2 if name in PAIRS else 1)]
        given = [[tg.from_numpy(a).requires_grad_() for a in arrays] for _ in range(2)]
        native.wait()  # while anything compiles, calls run eagerly
        assert bits(compiled(*given[0])) == bits(with_gradient(*given[1]))
    assert compiled.hits() == 2


def numbers_written_where_a_mask_is(x):
    z = x * 1.0
    z[z > 0.5] = 0.5
    z[z.sum(1) > 0] = -1
    return z


def penalized_cross_entropy(x):
    x = x.detach().requires_grad_()
    (g,) = tg.autograd.grad(nn.functional.cross_entropy(x, CLASSES), x, create_graph=True)
    return tg.autograd.grad((g * g).sum(), x)[0]


def test_rows_with_places_that_depend_on_values_are_replayed():
    F, x, y = nn.functional, compiled_programs.numbers(4, 9), compiled_programs.classes(9, 4)
    where, weight = tg.tensor([[3, 0, 3], [1, 8, 2]]), tg.linspace(0.5, 2.0, 9)
    functions = [
        lambda x: tg.topk(x, 3).values,
        lambda x: tg.topk(x, 1, largest=False).indices,
        lambda x: tg.cummax(x, 1).values,
        lambda x: tg.median(x, 1),
        lambda x: tg.mode(x.round(), 0).values,
        lambda x: x.scatter_add(1, where, x[:2, :3]),
        lambda x: x.scatter(1, where, x[2:, :3], reduce="multiply"),
        lambda x: tg.put(x, where, x[:2, :3]),
        lambda x: F.cross_entropy(x, y, weight),
        lambda x: F.cross_entropy(x, x.detach().softmax(1), weight),
        lambda x: F.max_pool1d(x[None], 3, return_indices=True),
        penalized_cross_entropy,
        numbers_written_where_a_mask_is,
    ]
    for function in functions:
        compiled = tg.compile(function, fullgraph=True)
        for i in range(4):
            given = (x * (1 - i / 2)).flip(i % 2).contiguous()
            assert bits(compiled(given)) == bits(function(given))
        assert compiled.hits() == 2


# --- guards --------------------------------------------------------------------------------------------------------

scale = 2.0


def test_what_a_function_depends_on_is_guarded():
    global scale
    settings = {"power": 2}
    holder = type("Holder", (), {})()
    holder.shift = 1.0

    @tg.compile
    def function(x, factor, how="add"):
        out = x ** settings["power"] * scale * factor + holder.shift
        return out.relu() if how == "relu" else out

    def expected(x, factor, how="add"):
        out = x ** settings["power"] * scale * factor + holder.shift
        return out.relu() if how == "relu" else out

    x = tg.tensor([-1.5, 0.5, 2.0])

    def same(*args, **kwargs):
        for _ in range(3):
            assert bits(function(*args, **kwargs)) == bits(expected(*args, **kwargs))

    try:
        same(x, 1.0)
        same(x, 1)
        same(x, -0.0)
        same(x, 0.0, how="relu")
        scale = 3.0
        same(x, 1.0)
        settings["power"] = 3
        same(x, 1.0)
        holder.shift = -2.0
        same(x, 1.0)
        same(tg.ones(2, 3), 1.0)
        same(tg.ones(3, 2).t(), 1.0)
        same(x.double(), 1.0)
        same(x[:2], 1.0)
    finally:
        scale = 2.0
    hits = function.hits()
    assert hits >= 8
    assert bits(function(x.double(), 1.0)) == bits(expected(x.double(), 1.0))


counter = iter(range(100))
names = []


def reads(x):
    return x * 2 if x.sum() > 1 else x


def asks(x):
    return x * x.sum().item()


def through_numpy(x):
    return tg.tensor(np.sqrt(x.numpy()))


def private(x):
    return tg.Tensor(x._data * 2)


def prints(x):
    print("a loss")
    return x * 2


def appends(x):
    names.append("x")
    return x * 2


def draws(x):
    return x * np.random.default_rng().random()


def nexts(x):
    return x * next(counter)


def selects(x):
    return x[x > 1].sum()


def numbers_of_numpy(x):
    return x * float(np.max(TABLE))


TABLE = np.ones(3)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (reads, "bool"), (asks, "item"), (through_numpy, "numpy"), (private, "no recorded operation|values are read"),
        (prints, "print"), (appends, "changes Python's objects"), (draws, "random"), (nexts, "iterator|next"),
        (selects, "selects by values"), (numbers_of_numpy, "TABLE"),
    ],
)  # fmt: skip
def test_what_is_not_understood_runs_eagerly_and_says_so_once(function, why, capsys):
    compiled = tg.compile(function)
    x = tg.tensor([0.5, 1.5])
    with pytest.warns(RuntimeWarning, match=why) as caught:
        compiled(x)
    assert len(caught) == 1
    compiled(x)  # a warning would be an error here
    assert compiled.hits() == 0
    assert compiled.explain().refusals
    if function not in (draws, nexts):
        assert bits(compiled(x)) == bits(function(x))
    with pytest.raises(tg.compiler.CompileError, match=why):
        tg.compile(function, fullgraph=True)(x)
    names.clear()


def test_numbers_that_change_in_every_call():
    steps = [0]

    def function(x):
        return x * steps[0]

    compiled = tg.compile(function)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(16):
            steps[0] = i
            assert bits(compiled(tg.ones(2))) == bits(function(tg.ones(2)))
    assert len(caught) == 1
    assert "should be an argument" in str(caught[0].message)


def test_hooks_and_several_results_that_require_grad():
    w = tg.ones(3, requires_grad=True)
    seen = []
    compiled = tg.compile(lambda x: (w * x, w + x))
    with pytest.warns(RuntimeWarning, match="graph would be needed outside"):
        sum(y.sum() for y in compiled(tg.ones(3))).backward()
    assert w.grad.tolist() == [2.0, 2.0, 2.0]
    net = nn.Linear(3, 1)
    net.register_forward_hook(lambda *_: seen.append(1))
    looking = tg.compile(net)
    with pytest.warns(RuntimeWarning, match="hooks"), tg.no_grad():
        looking(tg.ones(3))
    with tg.no_grad():
        looking(tg.ones(3))
    assert len(seen) == 2


class Twice(nn.Module):
    """Weights that are used twice, a random mask, statistics, and an argument with a graph."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(5, 8), nn.BatchNorm1d(5)
        self.last, self.mask = nn.Linear(8, 5), nn.Dropout(0.3)

    def forward(self, x):
        h = self.norm(self.last(self.mask(nn.functional.gelu(self.first(x)))))
        return self.last(self.first(h).tanh())


@pytest.mark.parametrize("outside", [False, True])
def test_modules_in_training_are_a_node_of_the_graph(outside):
    xs = [compiled_programs.numbers(6, 5) * (i + 1) for i in range(8)]

    def trained(compiles):
        tg.manual_seed(0)
        net, w = Twice(), tg.ones(5, requires_grad=True)
        call = tg.compile(net, fullgraph=True) if compiles else net
        optimizer, found = optim.Adam(net.parameters()), []
        for i, x in enumerate(xs):
            optimizer.zero_grad()
            w.grad = None
            out = call(x * w)
            loss = out.square().mean() if i % 2 else out.sum()
            if outside:  # gradients of the same weights, before and after those of the module
                loss = sum((p * p).sum() for p in net.parameters()) + loss + net.first.weight.abs().sum()
            loss.backward(retain_graph=i == 4)
            if i == 4:
                loss.backward()
            optimizer.step()
            found.append((bits([loss.detach(), w.grad]), state_of(net)))
        assert not compiles or call.explain().programs[0]["hits"] == 6
        return found

    assert trained(True) == trained(False)


def test_what_a_compiled_module_saved_is_guarded_as_what_an_operation_saved():
    net, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), tg.ones(2, 3, requires_grad=True)
    compiled = tg.compile(net, fullgraph=True)
    for _ in range(3):
        out = compiled(x).sum()
    with tg.no_grad():
        net[2].weight.mul_(2.0)
    with pytest.raises(RuntimeError, match="overwritten"):
        out.backward()
    out = compiled(x).sum()
    out.backward()
    with pytest.raises(RuntimeError, match="second time"):
        out.backward()
    first, second = compiled(x), compiled(x * 2)  # both before either's backward pass
    expected = tg.autograd.grad(net(x).sum() + 3 * net(x * 2).sum(), x)
    assert bits(tg.autograd.grad(first.sum() + 3 * second.sum(), x)) == bits(expected)
    with pytest.raises(RuntimeError, match="without tg.compile"):
        tg.autograd.grad(compiled(x).sum(), x, create_graph=True)


def test_an_exception_in_a_recording_leaves_nothing_behind():
    fails = [True]

    def function(x):
        y = x * 2
        if fails[0]:
            raise KeyError("in the middle")
        return y + 1

    compiled = tg.compile(function)
    with pytest.raises(KeyError, match="in the middle"):
        compiled(tg.ones(2))
    assert not tg.compiler.is_compiling()
    fails[0] = False
    assert [compiled(tg.ones(2)).tolist() for _ in range(4)] == [[3.0, 3.0]] * 4
    assert compiled.hits() == 2


def test_an_exception_in_a_replay_leaves_what_eager_calls_would():
    net = nn.Linear(4, 3)
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    @tg.compile(fullgraph=True)
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, good, bad = tg.ones(2, 4), tg.tensor([0, 2]), tg.tensor([0, 3])
    for _ in range(3):
        step(x, good)
    before = bits(list(net.parameters()))
    with pytest.raises(IndexError):
        step(x, bad)
    assert bits(list(net.parameters())) == before
    step.check(x, good)


def test_aliases_and_shared_memory():
    def function(x, y):
        x.mul_(2.0)
        return x + y

    compiled = tg.compile(function)
    for _ in range(4):
        one, two = tg.ones(3), tg.ones(3)
        assert compiled(one, one).tolist() == function(two, two).tolist() == [4.0] * 3
        assert compiled(tg.ones(3), tg.ones(3)).tolist() == [3.0] * 3
    whole = tg.arange(4.0)
    with pytest.warns(RuntimeWarning, match="share memory"):
        assert compiled(whole[1:], whole[:-1]).tolist() == [2.0, 6.0, 10.0]


def test_writes_are_announced_to_graphs_outside():
    w = tg.ones(3, requires_grad=True)

    def function(x):
        with tg.no_grad():
            x.mul_(2.0)

    compiled = tg.compile(function)
    x = tg.ones(3)
    for _ in range(3):
        y = (w * x).sum()
        compiled(x)
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()


# --- the public face -----------------------------------------------------------------------------------------------


def test_modules_methods_copies_and_pickles():
    net = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))
    compiled = tg.compile(net)
    x = tg.arange(6.0).reshape(2, 3)
    assert type(compiled) is not type(net)
    assert isinstance(compiled, nn.Sequential)
    assert list(compiled.state_dict()) == list(net.state_dict())
    assert compiled[0].weight is net[0].weight
    with tg.no_grad():
        results = [bits(compiled(x)) for _ in range(4)]
        assert results == [bits(net(x))] * 4
        assert compiled.explain().programs[0]["hits"] == 2
        for other in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
            assert [bits(other(x)) for _ in range(3)] == results[:3]
            assert other[0].weight is not net[0].weight
    net.eval()
    assert not compiled.training

    class Scaled:
        def __init__(self, by):
            self.by = by

        @tg.compile
        def of(self, x):
            return x * self.by

    two, three = Scaled(2.0), Scaled(3.0)
    for _ in range(4):
        assert two.of(x).tolist() == (x * 2).tolist()
        assert three.of(x).tolist() == (x * 3).tolist()


def test_disable_and_arguments():
    compiled = tg.compile(reads_nothing)
    x = tg.ones(2)
    with tg.compiler.disable():
        assert [compiled(x).tolist() for _ in range(4)] == [[3.0, 3.0]] * 4
    assert compiled.hits() == 0
    assert compiled.misses == 0
    assert tg.compile(reads_nothing, disable=True) is reads_nothing
    assert tg.compile(reads_nothing, backend="eager") is reads_nothing
    excluded = tg.compiler.disable(reads_nothing)
    with pytest.warns(RuntimeWarning, match="excluded"):
        tg.compile(lambda x: excluded(x) * 2)(x)
    for wrong in ({"backend": "cuda"}, {"mode": "fast"}, {"options": {"trace": 1}}):
        with pytest.raises(ValueError, match="compile: "):
            tg.compile(reads_nothing, **wrong)
    with pytest.raises(TypeError, match="expected a function"):
        tg.compile(3)


def reads_nothing(x):
    return x * 2 + 1


def test_threads_share_a_program():
    compiled = tg.compile(reads_nothing)
    for _ in range(3):
        compiled(tg.ones(2))
    wrong = []

    def work(i):
        for _ in range(50):
            if compiled(tg.full((2,), float(i))).tolist() != [2.0 * i + 1] * 2:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert compiled.hits() == 201


def test_explain_tells_what_was_recorded():
    compiled = tg.compile(reads_nothing)
    for _ in range(4):
        compiled(tg.ones(2))
    text = str(compiled.explain())
    assert "1 programs, replayed 2 times; 2 recordings" in text
    assert "1 mul, 1 add" in text
    compiled.clear()
    assert compiled.hits() == 0
    assert not compiled.explain().programs


def test_gradients_of_complex_numbers():
    w = tg.tensor([1.0 + 2.0j, -0.5j, 3.0], requires_grad=True)

    def step(z):
        w.grad = None
        loss = ((w * z).real ** 2 + (w.sin() * z.conj()).imag).sum()
        loss.backward()
        return loss, tg.autograd.grad((w * w * z).abs().sum(), w)

    def asked(z, up):
        return tg.autograd.grad(w * z, w, up)

    compiled, other = tg.compile(step, fullgraph=True), tg.compile(asked, fullgraph=True)
    for i in range(5):
        z = tg.tensor([1.0 - 1.0j, 2.0 + i * 1.0j, 0.5j])
        expected = bits(step(z)), bits(w.grad)
        assert (bits(compiled(z)), bits(w.grad)) == expected
        assert bits(other(z, z + 1)) == bits(asked(z, z + 1))
    assert compiled.hits() == other.hits() == 3


def test_two_methods_may_share_what_they_close_over():
    """The second is found by its name in the first, and what both use is the same, whichever comes first."""
    F = nn.functional

    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def bent(self, x):
            return F.gelu(x)

        def forward(self, x):
            return F.relu(self.bent(self.linear(x)))

    tg.manual_seed(0)
    net, x = Halves(), tg.randn(3, 4)
    sgd = optim.SGD(net.parameters(), lr=0.1)

    def step():
        sgd.zero_grad()
        loss = net(x).sum()
        loss.backward()
        sgd.step()
        return loss

    compiled = tg.compile(step, fullgraph=True)
    losses = [compiled().item() for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 4


@pytest.mark.parametrize(
    "question",
    [
        lambda x: (x > 0).all(-1),
        lambda x: (x > 0).any(dim=0, keepdim=True),
        lambda x: x.argmax(dim=1),
        lambda x: x.isnan(),
        lambda x: tg.searchsorted(x.sort(-1)[0], x, right=True),
        lambda x: tg.searchsorted(x, x, sorter=x.argsort(-1)),
        lambda x: tg.bucketize(x, tg.tensor([0.0, 0.5])),
        lambda x: tg.count_nonzero(x > 0, dim=1),
        lambda x: x.histc(4, -1, 1),
        lambda x: x.scatter(0, x.argsort(0), 0.5),
        lambda x: (x * 1).scatter_(1, x.argsort(1), 1.0),
        lambda x: tg.index_put(x, (tg.tensor(1), tg.tensor([0, 2])), tg.tensor(1.5)),
        lambda x: tg.heaviside(x, x),
        lambda x: tg.linalg.svdvals(x),
        lambda x: tg.linalg.qr(x.t(), "complete")[1],
        lambda x: tg.isclose(x, x + 1e-9),
        lambda x: tg.isin(x.round(), tg.tensor([0.0, 1.0])),
        lambda x: x[:, tg.randperm(4)],
        lambda x: tg.multinomial(x.softmax(-1), 2),
        lambda x: nn.functional.ctc_loss(x.log_softmax(-1).unsqueeze(1), tg.tensor([[1, 2]]), (3,), (2,)),
    ],
)
def test_functions_without_a_gradient_take_keywords(question):
    def function(x):
        return question(x), (x * 2).sum()

    compiled = tg.compile(function, fullgraph=True)
    for seed in range(5):
        x = tg.tensor(np.random.default_rng(seed).standard_normal((3, 4)).astype("f"))
        results = [(tg.manual_seed(seed), f(x))[1] for f in (compiled, function)]
        for ours, expected in zip(*results):
            assert ours.dtype == expected.dtype
            np.testing.assert_array_equal(ours.numpy(), expected.numpy())
    assert compiled.hits() == 3
