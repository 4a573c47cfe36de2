"""`tinygrad_lite.random`: seeds and states of the global stream of random numbers, as in ``torch.random``."""

from __future__ import annotations

from ..ops.random.generator import default_generator as default_generator
from ..ops.random.generator import fork_rng as fork_rng
from ..ops.random.generator import get_rng_state as get_rng_state
from ..ops.random.generator import initial_seed as initial_seed
from ..ops.random.generator import manual_seed as manual_seed
from ..ops.random.generator import seed as seed
from ..ops.random.generator import set_rng_state as set_rng_state
