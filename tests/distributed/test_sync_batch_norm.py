"""`SyncBatchNorm`: the statistics of all rows."""

from __future__ import annotations

import numpy as np
import pytest
from ranks import results

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_it_normalizes_as_one_process_does(tmp_path):
    assert results(2, "zero_programs:normalizes", tmp_path)[0] == [None, None]  # the ranks have seen it


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 6), (2, 3, 4, 5)])
def test_alone_it_is_batch_normalization(shape):
    x = tg.randn(*shape)
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)]
    ours, theirs = nn.SyncBatchNorm(3), kind(3)
    np.testing.assert_array_equal(ours(x).detach().numpy(), theirs(x).detach().numpy())
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    with pytest.raises(ValueError, match="expected at least 2D input"):
        ours(tg.ones(3))
