"""``torch.utils.model_zoo``: `load_url`, an older name of `tinygrad_lite.hub.load_state_dict_from_url`; `tqdm`."""

from __future__ import annotations

from typing import Any

from ..torch_modules import hub
from ..torch_modules.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return hub.tqdm
