"""Programs of tensors, which PyTorch's own tests ask for: both libraries do the same."""

from __future__ import annotations

import itertools
import math

import pytest
from oracle import agree

PLACES = [complex(a, b) for a in (-math.inf, math.inf, math.nan, 1.0, -2.0) for b in (0.0, 1.0, -2.0, math.inf)]
PAIRS = [*itertools.product(PLACES, PLACES)]


def logaddexp_at_the_ends(m):
    x, y = m.tensor(PAIRS, dtype=m.complex128).T.contiguous()
    out = m.logaddexp(x, y)
    return out.isnan(), m.where(out.isnan(), 0, out)


def logcumsumexp_at_the_ends(m):
    x = m.tensor([[*pair, 1.0 + 0j] for pair in PAIRS], dtype=m.complex128)
    out = m.logcumsumexp(x, 1)[:, 1:]
    return out.isnan(), m.where(out.isnan(), 0, out)


def complex_spacing(m):
    return m.gradient(m.tensor([1 + 1j, 2, 4]), spacing=2 + 1j)


def mapped_with_two(m):
    return m.zeros(2, 3).map2_(m.ones(3), m.arange(2.0)[:, None], lambda a, b, c: a + b * c)


def mapped_with_what_requires_grad(m):
    return m.zeros(2).map2_(m.ones(2), m.ones(2, requires_grad=True), lambda a, b, c: a)


def new_of_memory(m):
    y = m.ones(2, 2)
    made = y.new(y.untyped_storage())
    made[0] = 5
    return y, made, m.FloatTensor(y.untyped_storage())


def random_states(m):
    """They are tensors of bytes, which can be copied, compared and put back."""
    state, generator = m.get_rng_state(), m.Generator().manual_seed(3)
    first, copied = m.rand(3), state.clone()
    m.set_rng_state(copied)
    held = generator.get_state()
    draws = [m.rand(3, generator=generator) for _ in range(2)]
    generator.set_state(held.cpu())
    again = m.rand(3, generator=generator)
    found = [
        m.equal(first, m.rand(3)),
        m.equal(state, copied),
        m.equal(state, m.get_rng_state()),
        state.dtype == m.uint8,
    ]
    return found, m.equal(draws[0], again), m.equal(draws[1], again), m.equal(held, generator.get_state())


def random_state_of_another_size(m):
    m.set_rng_state(m.zeros(3, dtype=m.uint8))


PROGRAMS = [logaddexp_at_the_ends, logcumsumexp_at_the_ends, complex_spacing, mapped_with_two,
            mapped_with_what_requires_grad, new_of_memory, random_states, random_state_of_another_size]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_programs(program):
    agree(program, rtol=1e-6)
