"""`tinygrad_lite.amp`: mixed precision, as scripts ask for it. Everything is computed in float32 here."""

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
