"""How public functions meet arguments that do not fit, and ``out=``."""

from __future__ import annotations

import inspect
import math
import operator
import re

import numpy as np
import pytest
from called import SPACES, calls, public
from layers_contract import CALLED

import tinygrad_lite as tg
from tinygrad_lite.engine import blame, door
from tinygrad_lite.engine.errors import DtypeError, InputError, RangeError

WRONG = [None, "wrong", object(), ["wrong"], {}, 2.5, 3]  # of which the numbers fit in many places
ELSEWHERE = {  # files and global state, or functions that run the user's own
    "save", "load", "read_metadata", "set_default_dtype", "set_default_tensor_type", "draw_graph",
    "set_rng_state", "set_printoptions", "fork_rng", "checkpoint", "checkpoint_sequential",
    "triplet_margin_with_distance_loss",
}  # fmt: skip


def names(function):
    return [*inspect.signature(function).parameters]


@pytest.mark.parametrize("space", SPACES)
def test_arguments_of_a_wrong_type_are_refused_by_name(space):
    """An error from inside, an AttributeError or one of NumPy's, says nothing about the call."""
    faults = []
    for name, known in calls().items():
        if name.partition(".")[0] != space or name.partition(".")[2] in ELSEWHERE:
            continue
        function = getattr(SPACES[space], name.partition(".")[2])
        args, kwargs = known[0]
        for slot in [*range(len(args)), *kwargs]:
            for wrong in WRONG:
                given = [wrong if i == slot else a for i, a in enumerate(args)]
                options = {k: wrong if k == slot else v for k, v in kwargs.items()}
                try:
                    with np.errstate(all="ignore"):  # numbers are NumPy's, beyond a function's range as well
                        function(*given, **options)
                except (TypeError, ValueError, RuntimeError, IndexError) as error:
                    if blame._origin(error) == "inside" and not hasattr(error, "blamed"):
                        faults.append((name, slot, wrong, repr(error)))
                    elif function.__name__ not in str(error):
                        faults.append((name, slot, wrong, f"does not name it: {error}"))
                except UserWarning as error:
                    assert "dim should be given" in str(error)  # noqa: PT017 softmax warns of None, as PyTorch does
                except Exception as error:
                    faults.append((name, slot, wrong, repr(error)))
    assert not faults, faults[:10]


def test_every_public_function_is_called():
    assert len(calls()) > 500
    functions = {function for _, _, function in public()}
    called = {getattr(SPACES[name.partition(".")[0]], name.partition(".")[2]) for name in calls()}
    silent = set("digits fft rfftfreq isreal get_default_dtype is_grad_enabled load read_metadata save vmap".split())
    silent |= {"is_anomaly_enabled", "is_anomaly_check_nan_enabled", "is_storage"}  # which ask
    switches = tuple(f"tinygrad_lite.{room}" for room in ("torch_modules", "sparse", "amp", "compiler", "kernels"))
    left = {f.__name__ for f in functions - called if not f.__module__.startswith(switches)}
    left -= {f.__name__ for f in called}
    assert {name for name in left if not name.endswith("_")} <= silent


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: tg.softmax([1, 2], 0),
            TypeError,
            "softmax: input must be a Tensor, floating, unless",
        ),
        (lambda x: tg.softmax(x, "a"), TypeError, "softmax: dim must be an integer, got 'a'"),
        (lambda x: tg.stack(3), TypeError, "stack: tensors must be a sequence of Tensor, of equal shapes, got 3"),
        (lambda x: tg.roll(x, 1.5), TypeError, "roll: shifts must be an int or sequence of int, got 1.5"),
        (lambda x: tg.exp(None), TypeError, "exp: operands must be Tensors, arrays or numbers, got NoneType"),
        (lambda x: x.add_("a"), TypeError, "add: operands must be Tensors, arrays or numbers, got str"),
        (lambda x: tg.sum(x, 0, keepdim="a"), TypeError, "sum: keepdim must be a bool, got 'a'"),
        (lambda x: x.sum(0, keepdims=[1]), TypeError, "sum: keepdim must be a bool, got list"),
        (lambda x: tg.nn.functional.leaky_relu(x, 1j), TypeError, "negative_slope must be a real number, got 1j"),
        (lambda x: x.sum(7), IndexError, "sum: dim must be in [-2, 1], got 7"),
        (lambda x: x.sum((0, 7)), IndexError, "sum: dim must be in [-2, 1], got 7"),
        (
            lambda x: x & x,
            DtypeError,
            "bitwise_and: must be given dtypes for which it is defined, got input: Tensor of",
        ),
        (
            lambda x: tg.where(x > 0, x, "a"),
            TypeError,
            "where: input and other must be Tensors, arrays or numbers, got",
        ),
        (lambda x: tg.zeros({}), TypeError, "zeros: sizes must be integers, got"),
        (lambda x: tg.addmv(x[0], x[0], x[0]), RuntimeError, "addmv: mv: expected 2 dimensions, got shape (3,)"),
        (lambda x: tg.amax(None), TypeError, "amax: input must be a Tensor, got None"),
    ],
)
def test_words(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(tg.ones(2, 3))


def test_errors_of_the_users_code_are_the_users():
    class Mine(Exception):
        pass

    def faulty(x):
        raise Mine("mine")

    def careless(x):
        return x.nothing

    with pytest.raises(Mine, match="^mine$"):
        tg.func.vmap(faulty)(tg.ones(2))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        tg.checkpoint(careless, tg.ones(2, requires_grad=True))


def test_errors_are_what_both_libraries_raise():
    with pytest.raises(RuntimeError) as caught:
        tg.ones(2, 3) + tg.ones(2, 4)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, InputError)
    with pytest.raises(IndexError) as caught:
        tg.nn.functional.embedding(tg.tensor([7]), tg.ones(2, 3))
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, RangeError)
    with pytest.raises(NotImplementedError) as caught:
        tg.ones(2) << 1
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, RuntimeError)


# --- out= -------------------------------------------------------------------------------------------------------------


def arrays(result):
    return [np.asarray(tg.rules.unwrap(r)) for r in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("space", ["tg", "linalg", "fft", "special"])
def test_out(space):
    """Every function of these spaces that returns Tensors writes them to ``out=``, and says so to backward passes."""
    tried = 0
    for name, known in calls().items():
        function = getattr(SPACES[space], name.partition(".")[2], None)
        if (
            name.partition(".")[0] not in (space, "F")
            or function is None
            or "empty" in name
            or name.partition(".")[2] in ELSEWHERE
        ):
            continue
        args, kwargs = known[0]
        if "generator" in kwargs or any(type(a) is np.ndarray or getattr(a, "requires_grad", 0) for a in args):
            continue
        tg.manual_seed(0)
        expected = function(*args, **kwargs)
        parts = expected if isinstance(expected, tuple) else (expected,)
        if (
            not parts
            or not all(isinstance(p, tg.Tensor) for p in parts)
            or getattr(function, "__name__", "")[-1] == "_"
        ):
            continue
        targets = tuple(tg.zeros(p.shape, dtype=p.dtype) for p in parts)
        before = tg.graph.last_write.clock
        tg.manual_seed(0)
        got = function(*args, **kwargs, out=targets if isinstance(expected, tuple) else targets[0])
        assert type(got) is type(expected), name
        for target, part in zip(targets, parts):
            np.testing.assert_array_equal(target.numpy(), part.numpy(), err_msg=name, strict=True)
        assert [id(t) for t in (got if isinstance(got, tuple) else (got,))] == [id(t) for t in targets], name
        assert tg.graph.last_write.clock > before, name
        tried += 1
    assert tried > {"tg": 200, "linalg": 25, "fft": 15, "special": 20}[space]


def test_out_of_an_empty_tensor_becomes_of_the_results_shape():
    out = tg.empty(0, dtype=tg.float64)
    assert tg.add(tg.ones(2, 3), 1, out=out) is out
    assert out.shape == (2, 3)
    assert out.dtype == tg.float64
    assert out.sum().item() == 12


def test_out_of_another_shape_gets_the_results():
    out = tg.zeros(3)
    with pytest.warns(UserWarning, match=r"exp: out has shape \(3,\) and becomes \(2,\)"):
        tg.exp(tg.zeros(2), out=out)
    assert out.tolist() == [1.0, 1.0]


def test_a_view_of_another_shape_gets_memory_of_its_own():
    base = tg.zeros(3)
    out = base[:1]
    with pytest.warns(UserWarning, match=r"exp: out has shape \(1,\) and becomes \(2,\).* in memory of its own"):
        tg.exp(tg.zeros(2), out=out)
    assert out.tolist() == [1.0, 1.0]
    out.add_(1.0)
    assert base.tolist() == [0.0, 0.0, 0.0]
    assert not out._is_view()


@pytest.mark.parametrize("name", "neg floor mm tril amax msort logcumsumexp nan_to_num linalg.inv sort".split())
def test_out_has_the_results_own_dtype_where_pytorch_asks_for_it(name):
    x = tg.tensor([[1.0, 2.0], [3.0, 5.0]])
    args = {"mm": (x, x), "amax": (x, 0), "logcumsumexp": (x, 0)}.get(name, (x,))
    dtypes = (tg.float64, tg.int64)[: 2 if name == "sort" else 1]
    out = tuple(tg.empty(0, dtype=dtype) for dtype in dtypes)
    with pytest.raises(RuntimeError, match="expected scalar_type Float but found Double"):
        operator.attrgetter(name)(tg)(*args, out=out if len(out) > 1 else out[0])
    for call in (tg.abs, tg.cholesky, lambda x, out: tg.cumsum(x, 0, out=out), lambda x, out: tg.inner(x, x, out=out)):
        assert call(tg.eye(2), out=tg.empty(0, dtype=tg.float64)).dtype == tg.float64  # which PyTorch casts


def test_places_go_to_integers_beside_values_too():
    x = tg.tensor([[1.0, 3.0]])
    for name, args in (("max", (1,)), ("min", (1,)), ("median", (1,)), ("topk", (1,)), ("cummax", (1,))):
        out = tg.empty(0), tg.empty(0, dtype=tg.float64)
        with pytest.raises(RuntimeError, match=f"{name}: out must be of int64, as the result is, got float64"):
            getattr(tg, name)(x, *args, out=out)


def test_out_may_be_an_argument():
    x = tg.tensor([1.0, 2.0])
    tg.mul(x, x, out=x)
    assert x.tolist() == [1.0, 4.0]
    values, indices = tg.empty(0), tg.empty(0, dtype=tg.int64)
    tg.max(tg.tensor([[1.0, 3.0]]), 1, out=(values, indices))
    assert values.tolist() == [3.0]
    assert indices.tolist() == [1]


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (lambda: tg.zeros(2, dtype=tg.int64), RuntimeError, "exp: out must have a dtype that holds float32, got int64"),
        (
            lambda: tg.zeros(2, requires_grad=True),
            RuntimeError,
            "exp: out= must not be used where an argument requires",
        ),
        (
            lambda: np.zeros(2),
            TypeError,
            "exp: out must be a Tensor, or a tuple of them for several results, got ndarray",
        ),
        (lambda: (tg.zeros(2), tg.zeros(2)), TypeError, "exp: out must hold a Tensor for each of 1 results, got 2"),
        (lambda: tg.zeros(1).expand(2), RuntimeError, "exp: the tensor is expanded"),
    ],
)
def test_out_is_refused(out, error, message):
    with pytest.raises(error, match=re.escape(message)):
        tg.exp(tg.ones(2), out=out())


def test_out_where_a_gradient_is_needed():
    x = tg.ones(2, requires_grad=True)
    for call in (lambda o: tg.exp(x, out=o), lambda o: tg.sum(x, 0, out=o), lambda o: tg.stack([x, x], out=o)):
        with pytest.raises(RuntimeError, match="out= must not be used where an argument requires grad"):
            call(tg.empty(0))
    with tg.no_grad():
        assert tg.exp(x, out=tg.empty(0)).shape == (2,)


def test_a_value_that_out_overwrites_is_missed_by_the_backward_pass():
    x = tg.ones(2, requires_grad=True)
    y = tg.ones(2)
    z = (x * y).sum()
    tg.exp(y, out=y)
    with pytest.raises(RuntimeError, match="out="):
        z.backward()


def test_out_wherever_pytorch_has_it():
    torch = pytest.importorskip("torch")
    theirs = {}
    for function, testing in torch.overrides.get_testing_overrides().items():
        if "out" in inspect.signature(testing).parameters:
            theirs[getattr(function, "__name__", "")] = function
    missing = []
    for space, module in (("tg", torch), ("linalg", torch.linalg), ("fft", torch.fft), ("special", torch.special)):
        for name in SPACES[space].__all__:
            function = getattr(SPACES[space], name)
            if getattr(module, name, None) in theirs.values() and inspect.isroutine(function):
                try:
                    function(out=tg.empty(0))
                except TypeError as error:
                    if "unexpected keyword" in str(error):
                        missing.append(f"{space}.{name}")
    assert not missing


# --- values that would work silently ----------------------------------------------------------------------------------

X, W = tg.tensor([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0]]), tg.nn.Parameter(tg.ones(2))
F, CLASSES, IMAGE = tg.nn.functional, tg.tensor([0, 1]), tg.ones(1, 1, 4, 4)


def _hooks():
    layer, leaf = tg.nn.ReLU(), tg.ones(1, requires_grad=True)
    optimizer = tg.optim.SGD([leaf], 0.1)
    node = (leaf * 2).grad_fn
    for owner in (layer, leaf, node, optimizer, tg.nn):
        yield from (getattr(owner, name) for name in dir(owner) if name.startswith("register_") and "hook" in name)


def test_hooks_are_callable():
    """Those on modules, all modules, tensors, nodes and optimizers."""
    assert len([*_hooks()]) > 20
    for register in _hooks():
        for hook in (None, 3, "a"):
            with pytest.raises(TypeError, match=rf"^{register.__name__}: hook must be a callable, got {hook!r}"):
                register(hook)


@pytest.mark.each(
    ("call", "error", "message"),
    [
        (lambda: X.reshape(-2), RuntimeError, "reshape: sizes must be at least 0, or -1 for whatever is left, got"),
        (lambda: X.view(-2, 3), RuntimeError, "view: reshape: sizes must be at least 0"),
        (lambda: tg.fft.fft(X, n=-1), RuntimeError, "fft: n must be positive, got -1"),
        (lambda: tg.randint(0, 2.5, (3,)), TypeError, "randint: high must be an integer, got 2.5"),
        (lambda: tg.randint(2.5, (3,)), TypeError, "randint: high must be an integer, got 2.5"),
        (lambda: tg.randint_like(X, 0, 2.5), TypeError, "randint_like: high must be an int, got 2.5"),
        (lambda: tg.ones(1).requires_grad_("a"), TypeError, "requires_grad_: requires_grad must be a bool, got 'a'"),
        (lambda: F.gumbel_softmax(X, tau=0), ValueError, "gumbel_softmax: tau must be positive, got 0"),
        (lambda: F.gumbel_softmax(X, tau=math.nan), ValueError, "gumbel_softmax: tau must be positive, got nan"),
        (lambda: F.batch_norm(X, None, None, None, None, True, 0.1, -1.0), ValueError, "batch_norm: eps must be"),
        (lambda: F.cosine_similarity(X, X, eps=-1.0), ValueError, "cosine_similarity: eps must not be"),
        (lambda: F.instance_norm(IMAGE, eps=math.nan), ValueError, "instance_norm: eps must be a number, got nan"),
        (lambda: F.normalize(X, eps=math.nan), ValueError, "normalize: eps must be a number, got nan"),
        (lambda: F.rms_norm(X, (3,), eps="a"), TypeError, "rms_norm: eps must be a number, got 'a'"),
        (lambda: F.embedding(CLASSES, X, max_norm=-1), ValueError, "embedding: max_norm must be a number >= 0, got -1"),
        (lambda: tg.nn.utils.clip_grad_norm_([W], -1), ValueError, "clip_grad_norm_: max_norm must be a number >= 0"),
        (lambda: tg.nn.utils.clip_grad_norm_([W], math.nan), ValueError, "clip_grad_norm_: max_norm must be a number"),
        (lambda: tg.nn.utils.clip_grad_value_([W], "a"), TypeError, "clip_grad_value_: clip_value must be a number"),
        (lambda: F.cross_entropy(X, CLASSES, ignore_index=None), TypeError, "cross_entropy: ignore_index must be an"),
        (lambda: F.nll_loss(X, CLASSES, ignore_index=2.5), TypeError, "nll_loss: ignore_index must be an integer"),
        (lambda: F.one_hot(CLASSES, 2.5), TypeError, "one_hot: num_classes must be an integer, got 2.5"),
        (lambda: F.dropout(None, training=False), TypeError, "dropout: input must be a Tensor"),
        (lambda: F.interpolate(IMAGE, 2, None, "bilinear", "a"), TypeError, "interpolate: align_corners must be"),
        (lambda: tg.put(X, CLASSES, X[0, :2], "a"), TypeError, "put: accumulate must be a bool, got 'a'"),
        (lambda: tg.index_put(X, (CLASSES,), X, "a"), TypeError, "index_put: accumulate must be a bool, got 'a'"),
        (lambda: tg.stft(X[0], 2, onesided="a"), TypeError, "stft: onesided must be a bool"),
        (lambda: tg.argmax("a"), TypeError, "argmax: input must be a Tensor, got 'a'"),
        (lambda: tg.argwhere(None), TypeError, "argwhere: input must be a Tensor, got None"),
        (lambda: tg.nonzero(object()), TypeError, "nonzero: input must be a Tensor, got object"),
        (lambda: tg.isin(None, None), TypeError, "isin: elements must be"),
        (lambda: tg.equal(X, "a"), TypeError, "equal: other must be a Tensor, got 'a'"),
        (lambda: tg.is_nonzero(None), TypeError, "is_nonzero: input must be a Tensor"),
        (lambda: tg.count_nonzero("a"), TypeError, "count_nonzero: input must be a Tensor, got 'a'"),
        (lambda: tg.squeeze(X, {}), TypeError, "squeeze: sizes must be integers, got ({},)"),
        (lambda: tg.flip(X, {}), TypeError, "flip: sizes must be integers, got ({},)"),
    ],
)  # fmt: skip
def test_values_that_would_work_silently_are_refused(call, error, message):
    W.grad = tg.ones(2)
    with pytest.raises(error, match=re.escape(message)):
        call()
    assert W.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
@pytest.mark.each(
    "name",
    ["elu", "selu", "celu", "leaky_relu", "glu", "gelu", "softplus", "silu", "mish", "dropout", "smooth_l1_loss",
     "huber_loss", "kl_div", "soft_margin_loss", "hinge_embedding_loss", "binary_cross_entropy_with_logits", "relu"],
)  # fmt: skip
def test_integers_are_refused_where_pytorch_refuses_them(name, dtype):
    """The docstring says what must be floating, and the door holds it."""
    torch = pytest.importorskip("torch")
    outcomes = []
    for m in (tg, torch):
        x = m.tensor([1, 0, 3, 1]).to(getattr(m, dtype))
        function = getattr(m.nn.functional, name)
        try:
            options = {"reduction": "sum"} if name == "kl_div" else {}
            outcomes.append(function(x, x, **options) if name.endswith(("loss", "div", "logits")) else function(x))
        except (TypeError, RuntimeError) as error:
            outcomes.append(error)
    ours, theirs = outcomes
    assert isinstance(ours, Exception) == isinstance(theirs, Exception) or (name, dtype) == ("relu", "bool"), outcomes
    if isinstance(theirs, Exception) and isinstance(ours, Exception):
        assert isinstance(ours, RuntimeError)
        assert name in str(ours)


def test_what_is_declared_floating_is_documented_so_and_the_reverse():
    documented, declared = set(), set()
    for function in set(door._DOORS.values()):
        behind = inspect.unwrap(function)
        code, described = behind.__code__, door.kinds(function)
        for name in code.co_varnames[: code.co_argcount - len(behind.__defaults__ or ())]:
            kind = described.get(name, "")
            if kind.startswith("Tensor") and re.search(r"\bfloating\b(?! or int|, unless)", kind):
                documented.add((behind.__qualname__, name))
            if behind.__annotations__.get(name) in door.FLOATING:
                declared.add((behind.__qualname__, name))
    assert documented == declared
    assert len(declared) > 60


def test_methods_refuse_arguments_of_a_wrong_type_by_name():
    """Those with a function by their arguments there, in place as well; all others by one argument."""
    cases = {}
    for name, known in calls().items():
        args, kwargs = known[0]
        if args and isinstance(args[0], tg.Tensor):
            for method in (name.partition(".")[2], name.partition(".")[2] + "_"):
                cases[method] = args, kwargs
    users = {"map_", "map2_", "apply_", "backward", "module_load", "numpy", "register_hook", "set_", "share_memory_"}
    faults = []
    for name in (n for n in dir(tg.Tensor) if not n.startswith("_") and n not in users):
        if not inspect.isfunction(inspect.getattr_static(tg.Tensor, name)):
            continue
        args, kwargs = cases.get(name, ((tg.ones(2, 3), None), {}))
        for slot in [*range(1, len(args)), *kwargs]:
            for wrong in WRONG[1:3]:
                method = getattr(args[0].detach().clone(), name)
                given = [wrong if i == slot else a for i, a in enumerate(args)][1:]
                try:
                    method(*given, **{k: wrong if k == slot else v for k, v in kwargs.items()})
                except (TypeError, ValueError, RuntimeError, IndexError) as error:
                    if blame._origin(error) == "inside" and not hasattr(error, "blamed"):
                        faults.append((name, slot, wrong, repr(error)))
                    elif method.__name__.rstrip("_") not in str(error) and name not in ("new", "to_dense", "to_device"):
                        faults.append((name, slot, wrong, f"does not name it: {error}"))
                except UserWarning:  # of what PyTorch does in another way
                    continue
                except Exception as error:
                    faults.append((name, slot, wrong, repr(error)))
    assert not faults, faults[:10]


def test_no_layer_is_slowed_by_reading_what_its_arguments_are_to_be(monkeypatch):
    """A door knows Parameters, and whatever else is a Tensor, without a look into the docstring's words."""
    read = []
    monkeypatch.setattr(door, "fits", lambda kind, value: read.append((kind, type(value))) or True)
    rng = np.random.default_rng(0)
    for row in CALLED:
        module = row.build(tg.nn, tg.tensor)
        arrays = [given.draw(rng) for given in row.inputs]
        module(*(tg.tensor(a.astype(np.float32) if a.dtype.kind == "f" else a) for a in arrays))
        assert not read, (row.layer, read)


def test_numbers_are_no_tensors_with_dimensions():
    x, several = tg.ones(2), tg.tensor([5.0, 6.0])
    calls = {
        "add: alpha must be a number": lambda v: tg.add(x, x, alpha=v),
        "sub: alpha must be a number": lambda v: x.sub(x, alpha=v),
        "addcmul: value must be a number": lambda v: tg.addcmul(x, x, x, value=v),
        "fill_: value must be a number": lambda v: tg.ones(2).fill_(v),
        "threshold: value must be a number": lambda v: tg.nn.functional.threshold(x, 1.0, v),
        "nan_to_num: nan must be a number": lambda v: tg.nan_to_num(x, v),
        "leaky_relu: negative_slope must be a real number": lambda v: tg.nn.functional.leaky_relu(x, v),
    }
    for message, call in calls.items():
        for caught in (TypeError, RuntimeError):
            with pytest.raises(caught, match=rf"{message}, got Tensor of float32 and shape \(2,\)"):
                call(several)
        assert call(several[0]).shape == (2,)


def test_kinds_of_arguments_are_read_as_they_are_written():
    assert blame.fits("Tensor, integer", tg.ones(2))
    assert not blame.fits("Tensor, integer", 3)
    assert not blame.fits("Tensor, integer", None)
    assert blame.fits("Tensor, the tensor's shape, optional", None)
    assert not blame.fits("Tensor, the tensor's shape, optional", "x")
    assert blame.fits("Tensor or float", 3.0)
