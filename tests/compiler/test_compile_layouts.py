"""NumPy's own inner loops, walked over arrays that lie in every way: the bits of NumPy's calls, whatever is in them."""

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.compiler.lowering import native
from tinygrad_lite.compiler.lowering.row_text import lower
from tinygrad_lite.compiler.lowering.steps import EXACT, WITHOUT_GAPS, Place
from tinygrad_lite.kernels.native.walk import addresses

pytestmark = pytest.mark.skipif(not addresses.readable(), reason="needs objects that lie in memory as CPython's do")


@pytest.fixture(autouse=True, scope="module")
def machine():
    native.wait()


SHAPES = [(33, 16), (16, 33), (1, 40), (40, 1), (3, 5, 17), (70,)]
LAYOUTS = {
    "C": lambda a: a,
    "F": lambda a: np.asfortranarray(a),
    "gaps": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "back": lambda a: a[::-1],
    "one": lambda a: np.broadcast_to(a[..., :1], a.shape),
}


def gives(function, given):
    """Whether the steps give what NumPy gives, and None where a row is left to Python."""
    try:
        row, got = lower(function, given, lambda a: place_of(given, a))
    except Exception:  # whatever symbols cannot do: it stays a call
        return None
    return native.gives(row, dict(enumerate(given)), {got.place: function(*given)})


def place_of(given, array):
    index = next(i for i, a in enumerate(given) if a is array)
    return Place(index, 0, array.shape, array.strides, array.dtype)


def numbers(rng, shape, dtype):
    found = rng.standard_normal(shape) * 3
    special = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], shape)
    return np.where(rng.random(shape) < 0.3, special, found).astype(dtype)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.each("name", sorted(EXACT | WITHOUT_GAPS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_loops_over_arrays_that_lie_in_every_way(name, dtype):
    function, rng, wrong, walked = getattr(np, name), np.random.default_rng(0), [], 0
    for shape in SHAPES:
        for first in LAYOUTS:
            for second in LAYOUTS if function.nin == 2 else ["C"]:
                given = tuple(LAYOUTS[w](numbers(rng, shape, dtype)) for w in (first, second)[: function.nin])
                if name in ("invert", "bitwise_and", "bitwise_or"):
                    given = tuple(a > 0 for a in given)
                found = gives(function, given)
                walked += found is True
                wrong += [(shape, first, second)] * (found is False)
    assert not wrong
    assert walked > 10


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit"])
def test_questions_about_numbers_that_lie_turned(name):
    """On processors with AVX-512 NumPy 2.4's loops for these are wrong where results have gaps."""
    question = getattr(tg, name)
    rng = np.random.default_rng(1)
    compiled = tg.compile(lambda x: tg.where(question(x.t()) | (x.t() > 0), x.t(), x.t() * 0.5), fullgraph=True)
    for _ in range(5):
        x = tg.from_numpy(numbers(rng, (33, 16), np.float32))
        assert compiled(x).numpy().tobytes() == compiled.wrapped(x).numpy().tobytes()
    assert compiled.hits() == 3


def test_a_gradient_of_numbers_that_lie_turned():
    rng = np.random.default_rng(2)

    def step(x, y):
        return tg.autograd.grad(tg.fmax(y.sum(), (x * 1).t()).sum(), (x, y))

    compiled = tg.compile(step, fullgraph=True)
    for _ in range(6):
        x, y = (tg.from_numpy(rng.standard_normal(s).astype("f")).requires_grad_() for s in ((16, 33), (33,)))
        for ours, expected in zip(compiled(x, y), step(x, y)):
            np.testing.assert_array_equal(ours.numpy(), expected.numpy())
    assert compiled.hits() == 4
