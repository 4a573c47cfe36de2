"""`half`, `view`, `bare`, `word`, `claim`: arrays and numbers by address: one compiled launch walks over many.

What they are in kernels stands in `codegen.language.functions`, for numba in `by_numba.memory_functions`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .codegen.language.functions import bare_array, claimed, viewed, word_at
from .codegen.language.only_compiled import only_compiled

# the integer, or the address, that stands at an address
word: Any = only_compiled(__name__, "word", word_at)
# cursor[0], to which 1 is added in one go: the next piece of work, for one thread
claim: Any = only_compiled(__name__, "claim", claimed)
# (address, shape, dtype): the array in C order that starts there
view: Any = only_compiled(__name__, "view", viewed)
# an array without gaps that is not counted: numba's are, atomically, so that threads wait for each other
bare: Any = only_compiled(__name__, "bare", bare_array)


def half(address: int) -> Any:
    """The integer of 32 bits at an address."""
    return view(address, 1, np.int32)[0]
