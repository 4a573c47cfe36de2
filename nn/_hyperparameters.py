"""What the hyperparameters of layers must be: one rule for each name, or else for each annotation."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tinygrad_lite import Generator, Tensor
from tinygrad_lite.engine.arguments import (
    ABOVE_ZERO,
    COUNT,
    FLAG,
    INTEGER,
    NOT_NEGATIVE,
    POSITIVE,
    REAL,
    SHARE,
    Rule,
    check,
    several,
    whole,
)

from .hooks import Hooked

_BY_ANNOTATION = {
    "bool": FLAG,
    "int": INTEGER,
    "float": REAL,
    "str": Rule("a str", lambda v: isinstance(v, str)),
    "Tensor": Rule("a Tensor", lambda v: isinstance(v, Tensor)),
    "Generator": Rule("a Generator", lambda v: isinstance(v, Generator)),
    "Sequence[int]": Rule("a sequence of integers", lambda v: not whole(v) and several(INTEGER).kind(v)),
    "Module": Rule("a Module", lambda v: isinstance(v, Hooked)),
    "Callable[[Tensor, Tensor], Tensor]": Rule("a callable", callable),
    "_Activation": Rule("a name or a function", lambda v: isinstance(v, str) or callable(v)),
}


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_BY_NAME = {
    **_named("in_features out_features in2_features num_features in_channels out_channels", COUNT),
    **_named("num_channels num_embeddings embedding_dim num_parameters proj_size blank dim_feedforward", COUNT),
    **_named("groups num_groups num_layers num_encoder_layers num_decoder_layers num_heads nhead d_model", POSITIVE),
    **_named("in1_features embed_dim kdim vdim input_size hidden_size num_chunks n_classes", POSITIVE),
    **_named("RNNCellBase.hidden_size", COUNT),
    **_named("upscale_factor downscale_factor LocalResponseNorm.size", POSITIVE),
    **_named("kernel_size stride dilation size", several(POSITIVE)),
    **_named("padding output_padding normalized_shape", several(COUNT)),
    **_named("scale_factor output_ratio", several(ABOVE_ZERO)),
    **_named("eps layer_norm_eps max_norm Softshrink.lambd SmoothL1Loss.beta", NOT_NEGATIVE),
    **_named("div_value HuberLoss.delta TripletMarginLoss.margin", ABOVE_ZERO),
    **_named("TripletMarginWithDistanceLoss.margin", ABOVE_ZERO),
    **_named("p dropout momentum label_smoothing", SHARE),
    **_named("PairwiseDistance.p TripletMarginLoss.p", REAL),
    "MultiMarginLoss.p": INTEGER,
    "LinearCrossEntropyLoss.out_features": _BY_ANNOTATION["Sequence[int]"],
    **_named("RNNBase.bias RNNBase.batch_first", Rule("a bool", lambda v: isinstance(v, bool))),
    "_Pad.padding": several(INTEGER),  # negative ones crop
    "output_size": several(COUNT, none=True),
}


def checked(cls: type, init: Callable[..., None]) -> Callable[..., None]:
    """A layer's ``__init__`` that checks its arguments first.

    Parameters
    ----------
    cls : type
        Whose it is.
    init : function

    Returns
    -------
    function
    """

    @functools.lru_cache(maxsize=1)
    def plan() -> tuple[inspect.Signature, list[tuple[str, Rule, bool, bool]]]:
        signature = inspect.signature(init)
        return signature, [(p.name, *rule) for p in signature.parameters.values() if (rule := _rule(cls, p))]

    @functools.wraps(init)
    def opened(self: Any, *args: Any, **kwargs: Any) -> None:
        signature, rules = plan()
        try:
            given = signature.bind(self, *args, **kwargs).arguments
        except TypeError:
            given = {}  # the call says what is wrong
        for name, rule, none, text in rules:
            value = given.get(name, rule)
            if value is not rule and not (none and value is None) and not (text and isinstance(value, str)):
                check(type(self).__name__, name, value, rule)
        init(self, *args, **kwargs)

    return opened


def _rule(cls: type, parameter: inspect.Parameter) -> tuple[Rule, bool, bool] | None:
    """The rule of a parameter, whether it may be None, and whether it may be a name such as "same"."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return None
    annotation = str(parameter.annotation)
    kinds = [kind for kind in annotation.split(" | ") if kind != "None"]
    names = [*(f"{base.__name__}.{parameter.name}" for base in cls.__mro__), parameter.name]
    rule = next((_BY_NAME[name] for name in names if name in _BY_NAME), None)
    if rule is None and len(kinds) == 1:
        rule = _BY_ANNOTATION.get(kinds[0])
    if rule is None:
        return None
    return rule, "None" in annotation or parameter.name == "bias", "str" in kinds
