"""LAYERS: one row for each way of building each layer. `test_nn_layers.py` holds what every row must pass.

A row's ``build(nn, tensor)`` makes the layer from either library: `tinygrad_lite.nn` or `torch.nn`. Further rows are in
`layers_rows_*.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from importlib import import_module
from pathlib import Path

from layers_cases import Row, constant, distributions, inside, labels, logs, normal

FAMILIES = [import_module(path.stem) for path in sorted(Path(__file__).parent.glob("layers_rows_*.py"))]

LAYERS = [
    Row("Identity", lambda nn, t: nn.Identity(), (normal(3, 4),)),
    Row("Identity", lambda nn, t: nn.Identity(54, unused=True), (normal(3),)),
    Row("Linear", lambda nn, t: nn.Linear(5, 3), (normal(4, 5),), refused=((4, 6),)),
    Row("Linear", lambda nn, t: nn.Linear(5, 3, bias=False), (normal(5),), refused=((3,),)),
    Row("Linear", lambda nn, t: nn.Linear(5, 1), (normal(2, 3, 5),), refused=((2, 5, 3),)),
    Row("Linear", lambda nn, t: nn.Linear(5, 3), (normal(0, 5),)),
    Row("Flatten", lambda nn, t: nn.Flatten(), (normal(2, 3, 4),)),
    Row("Flatten", lambda nn, t: nn.Flatten(0, 1), (normal(2, 3, 4),)),
    Row("Flatten", lambda nn, t: nn.Flatten(start_dim=-2), (normal(2, 3, 4),), refused=((3,),)),
    Row("Unflatten", lambda nn, t: nn.Unflatten(1, (2, 3)), (normal(4, 6),), refused=((4, 5),)),
    Row("Unflatten", lambda nn, t: nn.Unflatten(-2, [3, -1]), (normal(6, 2),), refused=((7, 2),)),
    Row(
        "Sequential",
        lambda nn, t: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2)),
        (normal(5, 4),),
        refused=((5, 3),),
        flat=("0.bias",),  # the normalization takes it away again
    ),
    Row(
        "Sequential",
        lambda nn, t: nn.Sequential(OrderedDict(hidden=nn.Linear(4, 6), act=nn.SiLU(), head=nn.Linear(6, 2))),
        (normal(5, 4),),
    ),
    Row("Sequential", lambda nn, t: nn.Sequential(), (normal(2),)),
    Row(
        "Sequential",
        lambda nn, t: nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(6, 3), nn.ELU()), nn.Softmax(dim=1)),
        (normal(4, 2, 3),),
    ),
    Row(
        "ModuleList",
        lambda nn, t: nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3)]),
    ),
    Row("ModuleList", lambda nn, t: nn.ModuleList()),
    Row(
        "ModuleDict",
        lambda nn, t: nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ModuleList([nn.ReLU(), nn.ReLU()])}),
    ),
    Row("ModuleDict", lambda nn, t: nn.ModuleDict()),
    # --- activations
    Row("ReLU", lambda nn, t: nn.ReLU(), (normal(4, 5),)),
    Row("ReLU", lambda nn, t: nn.Sequential(nn.Linear(5, 5), nn.ReLU(inplace=True)), (normal(4, 5),)),
    Row("LeakyReLU", lambda nn, t: nn.LeakyReLU(), (normal(4, 5),)),
    Row(
        "LeakyReLU",
        lambda nn, t: nn.Sequential(nn.Linear(5, 5), nn.LeakyReLU(0.3, inplace=True)),
        (normal(4, 5),),
    ),
    Row("ELU", lambda nn, t: nn.ELU(), (normal(4, 5),)),
    Row("ELU", lambda nn, t: nn.Sequential(nn.Linear(5, 5), nn.ELU(0.5, inplace=True)), (normal(4, 5),)),
    Row("SiLU", lambda nn, t: nn.SiLU(), (normal(4, 5),)),
    Row("SiLU", lambda nn, t: nn.Sequential(nn.Linear(5, 5), nn.SiLU(inplace=True)), (normal(4, 5),)),
    Row("GELU", lambda nn, t: nn.GELU(), (normal(4, 5),)),
    Row("GELU", lambda nn, t: nn.GELU(approximate="tanh"), (normal(4, 5),)),
    Row("Sigmoid", lambda nn, t: nn.Sigmoid(), (normal(4, 5),)),
    Row("LogSigmoid", lambda nn, t: nn.LogSigmoid(), (normal(4, 5),)),
    Row("Tanh", lambda nn, t: nn.Tanh(), (normal(4, 5),)),
    Row("Softplus", lambda nn, t: nn.Softplus(), (normal(4, 5),)),
    Row("Softplus", lambda nn, t: nn.Softplus(beta=2.0, threshold=1.0), (normal(4, 5),)),
    Row("Softmax", lambda nn, t: nn.Softmax(dim=-1), (normal(4, 5),)),
    Row("Softmax", lambda nn, t: nn.Softmax(dim=0), (normal(4, 2, 3),)),
    Row("LogSoftmax", lambda nn, t: nn.LogSoftmax(dim=1), (normal(4, 5),), refused=((4,),)),
    # --- dropout
    Row("Dropout", lambda nn, t: nn.Dropout(), (normal(8, 5),), random=True),
    Row("Dropout", lambda nn, t: nn.Dropout(0.0), (normal(4, 5),)),
    Row("Dropout", lambda nn, t: nn.Dropout(1.0), (normal(4, 5),), random=True, flat=True),
    Row(
        "Dropout",
        lambda nn, t: nn.Sequential(nn.Linear(5, 5), nn.Dropout(0.3, inplace=True)),
        (normal(8, 5),),
        random=True,
    ),
    Row("Dropout", lambda nn, t: nn.Dropout(0.3, mode="vanilla"), (normal(8, 5),), in_torch=False, random=True),
    # --- normalization
    Row("BatchNorm1d", lambda nn, t: nn.BatchNorm1d(3), (normal(6, 3),), refused=((6, 4),)),
    Row("BatchNorm1d", lambda nn, t: nn.BatchNorm1d(3), (normal(4, 3, 5),), refused=((4, 3, 2, 2),)),
    Row("BatchNorm1d", lambda nn, t: nn.BatchNorm1d(3, momentum=None), (normal(6, 3),), refused=((3,),)),
    Row("BatchNorm1d", lambda nn, t: nn.BatchNorm1d(3, eps=0.1, momentum=0.5, affine=False), (normal(6, 3),)),
    Row(
        "BatchNorm1d",
        lambda nn, t: nn.BatchNorm1d(3, track_running_stats=False),
        (normal(6, 3),),
        refused=((1, 3),),
    ),
    Row("BatchNorm1d", lambda nn, t: nn.BatchNorm1d(3, bias=False), (normal(6, 3),)),
    Row("BatchNorm2d", lambda nn, t: nn.BatchNorm2d(3), (normal(2, 3, 4, 5),), refused=((2, 3, 4),)),
    Row("BatchNorm2d", lambda nn, t: nn.BatchNorm2d(2, momentum=None, affine=False), (normal(3, 2, 2, 2),)),
    # --- losses
    Row("L1Loss", lambda nn, t: nn.L1Loss(), (normal(4, 5), normal(4, 5))),
    Row("L1Loss", lambda nn, t: nn.L1Loss(reduction="none"), (normal(4, 5), normal(4, 5))),
    Row("MSELoss", lambda nn, t: nn.MSELoss(), (normal(4, 5), normal(4, 5))),
    Row("MSELoss", lambda nn, t: nn.MSELoss(reduction="sum"), (normal(4, 5), normal(4, 5))),
    Row(
        "MSELoss",
        lambda nn, t: nn.MSELoss(reduction="none"),
        (normal(4, 5), normal(4, 5)),
        refused=((4, 5), (3, 5)),
    ),
    Row(
        "SmoothL1Loss",
        lambda nn, t: nn.SmoothL1Loss(),
        (normal(4, 5), normal(4, 5)),
        refused=((4, 5), (3, 5)),
    ),
    Row("SmoothL1Loss", lambda nn, t: nn.SmoothL1Loss(reduction="sum", beta=0.3), (normal(4, 5), normal(4, 5))),
    Row("SmoothL1Loss", lambda nn, t: nn.SmoothL1Loss(beta=0.0), (normal(4, 5), normal(4, 5))),
    Row("HuberLoss", lambda nn, t: nn.HuberLoss(), (normal(4, 5), normal(4, 5)), refused=((4, 5), (3, 5))),
    Row("HuberLoss", lambda nn, t: nn.HuberLoss(reduction="none", delta=0.4), (normal(4, 5), normal(4, 5))),
    Row(
        "NLLLoss",
        lambda nn, t: nn.NLLLoss(),
        (logs(distributions(6, 4)), labels(4, 6)),
        refused=((6, 4), (5,)),
    ),
    Row("NLLLoss", lambda nn, t: nn.NLLLoss(ignore_index=1, reduction="sum"), (normal(6, 4), labels(4, 6))),
    Row("NLLLoss", lambda nn, t: nn.NLLLoss(t([0.5, 2.0, 1.0])), (normal(2, 3, 4), labels(3, 2, 4))),
    Row(
        "CrossEntropyLoss",
        lambda nn, t: nn.CrossEntropyLoss(),
        (normal(6, 4), labels(4, 6)),
        refused=((6, 4), (5,)),
    ),
    Row(
        "CrossEntropyLoss",
        lambda nn, t: nn.CrossEntropyLoss(reduction="none"),
        (normal(2, 3, 4), labels(3, 2, 4)),
    ),
    Row(
        "CrossEntropyLoss",
        lambda nn, t: nn.CrossEntropyLoss(t([0.5, 2.0, 1.0, 0.1]), ignore_index=1, label_smoothing=0.2),
        (normal(6, 4), labels(4, 6)),
    ),
    Row("CrossEntropyLoss", lambda nn, t: nn.CrossEntropyLoss(reduction="sum"), (normal(4), labels(4))),
    Row("CrossEntropyLoss", lambda nn, t: nn.CrossEntropyLoss(), (normal(6, 4), constant(distributions(6, 4)))),
    Row(
        "CrossEntropyLoss",
        lambda nn, t: nn.CrossEntropyLoss(t([0.5, 2.0, 1.0, 0.1]), label_smoothing=0.1),
        (normal(6, 4), constant(distributions(6, 4))),
    ),
    Row("LinearCrossEntropyLoss", lambda nn, t: nn.LinearCrossEntropyLoss(4, 3), (normal(6, 4), labels(3, 6))),
    Row(
        "LinearCrossEntropyLoss",
        lambda nn, t: nn.LinearCrossEntropyLoss(
            4, 3, out_features=(2,), bias=True, weight=t([0.5, 2.0, 1.0]), reduction="sum", ignore_index=1
        ),
        (normal(5, 4), labels(3, 5, 2)),
    ),
    Row("BCELoss", lambda nn, t: nn.BCELoss(), (inside(4, 5), inside(4, 5)), refused=((4, 5), (3, 5))),
    Row("BCELoss", lambda nn, t: nn.BCELoss(t([1.0, 2.0]), reduction="none"), (inside(4, 2), inside(4, 2))),
    Row(
        "BCEWithLogitsLoss",
        lambda nn, t: nn.BCEWithLogitsLoss(),
        (normal(4, 5), inside(4, 5)),
        refused=((4, 5), (3, 5)),
    ),
    Row(
        "BCEWithLogitsLoss",
        lambda nn, t: nn.BCEWithLogitsLoss(t([1.0, 2.0]), reduction="sum", pos_weight=t([3.0, 0.5])),
        (normal(4, 2), inside(4, 2)),
    ),
    Row(
        "KLDivLoss",
        lambda nn, t: nn.KLDivLoss(reduction="batchmean"),
        (logs(distributions(3, 4)), distributions(3, 4)),
    ),
    Row(
        "KLDivLoss",
        lambda nn, t: nn.KLDivLoss(reduction="sum"),
        (logs(distributions(3, 4)), distributions(3, 4)),
    ),
    Row(
        "KLDivLoss",
        lambda nn, t: nn.KLDivLoss(reduction="none", log_target=True),
        (logs(distributions(3, 4)), logs(distributions(3, 4))),
    ),
    *(row for family in FAMILIES for row in family.ROWS),
]
