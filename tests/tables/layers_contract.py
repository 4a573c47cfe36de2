"""What the rows of LAYERS declare to `testing.check_module`; as a program, all of them are checked.

PYTHONPATH=. python tests/tables/layers_contract.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from layers_cases import Row
from layers_table import LAYERS

import tinygrad_lite as tg
from tinygrad_lite import nn

CALLED = [row for row in LAYERS if row.inputs is not None]

# rows with an input of this shape have no dimension of samples
ONE_SAMPLE: dict[str, set[tuple[int, ...]]] = {
    "Linear": {(5,)}, "Unflatten": {(6, 2)}, "Softmax": {(4, 2, 3)}, "GLU": {(4, 6)}, "Softmax2d": {(3, 2, 2)},
    "CrossEntropyLoss": {(4,)}, "MultiLabelMarginLoss": {(4,)}, "Fold": {(12, 15)},
    "MultiheadAttention": {(4, 4)}, "RNN": {(4, 3)}, "LSTM": {(4, 3)}, "GRU": {(4, 3)},
    **{key: {(3,)} for key in ("RNNCell", "LSTMCell", "GRUCell")},
    **{key: {(4, 7)} for key in ("Conv1d", "ConvTranspose1d")},
    **{key: {(4, 5, 6)} for key in ("Conv2d", "ConvTranspose2d")},
    **{key: {(4, 3, 4, 4)} for key in ("Conv3d", "ConvTranspose3d")},
    "InstanceNorm1d": {(3, 7)}, "InstanceNorm2d": {(3, 5, 6)}, "InstanceNorm3d": {(3, 3, 4, 4)},
}  # fmt: skip
MEANT = dict.fromkeys(("AlphaDropout", "FeatureAlphaDropout"), ("training scale",))  # they keep the mean of -1.76 and 0


def batch_dim(row: Row, module: Any, inputs: list[Any]) -> int | None:
    if tuple(inputs[0].shape) in ONE_SAMPLE.get(row.layer, set()):
        return None
    if row.layer == "CTCLoss" or (row.layer == "EmbeddingBag" and len(inputs) > 1):
        return None  # samples of different lengths, one after the other
    if getattr(module, "track_running_stats", True) is False and row.layer.startswith("BatchNorm"):
        return None
    return int(any(getattr(m, "batch_first", True) is False for m in module.modules()))


def check(row: Row) -> Any:
    """The report on one row."""
    rng = np.random.default_rng(0)
    tg.manual_seed(0)
    module = row.build(nn, tg.tensor)
    arrays = [given.draw(rng) for given in row.inputs or ()]
    inputs = [tg.tensor(a.astype(np.float32) if a.dtype.kind == "f" else a) for a in arrays]
    empty = any(a.size == 0 for a in arrays)
    return tg.testing.check_module(
        module, *inputs, batch_dim=batch_dim(row, module, inputs), allow_zero=row.flat or empty,
        allow=MEANT.get(row.layer, ()), report=True,
    )  # fmt: skip


if __name__ == "__main__":
    reports = [check(row) for row in CALLED]
    print(*(str(report) for report in reports if not report), sep="\n")
    print(f"{sum(map(bool, reports))} of {len(reports)} rows of {len({row.layer for row in CALLED})} layers pass")
