"""All functions behind layers, apart from those over space; each file holds one family."""

from __future__ import annotations

from . import (
    activation,
    attention,
    bent,
    ctc,
    drop,
    gates,
    lookup,
    loss,
    margin_loss,
    multi_head,
    norm,
    robust_loss,
    row_norm,
    similarity,
)
from .activation import *
from .attention import *
from .bent import *
from .ctc import *
from .drop import *
from .gates import *
from .lookup import *
from .loss import *
from .margin_loss import *
from .multi_head import *
from .norm import *
from .robust_loss import *
from .row_norm import *
from .similarity import *

__all__ = [
    *activation.__all__, *attention.__all__, *bent.__all__, *ctc.__all__, *drop.__all__, *lookup.__all__,
    *gates.__all__, *loss.__all__, *margin_loss.__all__, *multi_head.__all__, *norm.__all__, *robust_loss.__all__,
    *row_norm.__all__, *similarity.__all__,
]  # fmt: skip
