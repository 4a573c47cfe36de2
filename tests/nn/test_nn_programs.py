"""Programs of layers and of their functions, which PyTorch's own tests ask for: both libraries do the same."""

from __future__ import annotations

import warnings

import pytest
from oracle import agree


def padding_makes_no_view(mode):
    def program(m):
        found = []
        for shape, widths in (((1, 3, 4, 4), (0, 0, 0, 0)), ((1, 3, 4, 4), (0, 0, -1, -1)), ((2, 4), (0, 0)),
                              ((2, 4), (-1, 0)), ((1, 4), (-1, 0))):  # fmt: skip
            x = m.ones(*shape)
            m.nn.functional.pad(x, widths, mode=mode).fill_(4)
            found.append(x)
        return found

    return program


def grid_sample_without_channels(m):
    return m.nn.functional.grid_sample(m.zeros(2, 0, 3, 3), m.zeros(2, 4, 5, 2), align_corners=False)


def affine_grid_of_one_pixel(m):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for size in ((1, 1, 2, 1), (1, 1, 2, 2)):
            grid = m.nn.functional.affine_grid(m.ones(1, 2, 3), size, align_corners=True)
    return len(caught), "See the documentation of affine_grid for details." in str(caught[0].message), grid


def cells_without_hidden_units(m):
    return [getattr(m.nn, name)(3, 0)(m.ones(2, 3), m.ones(2, 0)) for name in ("RNNCell", "GRUCell")]


def parameter_lists_of_older_programs(m):
    parts = m.nn.ParameterList([m.nn.Parameter(m.ones(1))])
    del parts._forward_pre_hooks, parts._state_dict_hooks, parts._load_state_dict_pre_hooks
    del parts._non_persistent_buffers_set
    return list(parts)


PROGRAMS = [*map(padding_makes_no_view, ("constant", "reflect", "replicate", "circular")), grid_sample_without_channels,
            affine_grid_of_one_pixel, cells_without_hidden_units, parameter_lists_of_older_programs]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__qualname__)
def test_programs(program):
    agree(program, rtol=1e-6)
