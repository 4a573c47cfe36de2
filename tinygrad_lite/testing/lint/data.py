"""`Batches`: what the inputs of a model show over several steps."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ... import rules
from ...transforms import pytree
from .mistakes import LintReport


class Batches:
    """The inputs of the model in training, step by step.

    Parameters
    ----------
    report : LintReport
    """

    def __init__(self, report: LintReport) -> None:
        self.report, self.seen, self.step = report, list[bytes](), -1

    def look(self, args: Any, line: str, step: int) -> None:
        """Look at the arguments of a call in training."""
        arrays = [t._data for t in pytree.leaves(args) if isinstance(t, rules.Tensor) and t._data.size]
        if not arrays or step == self.step:
            return  # the first call for each step: some call twice with the same
        self.step = step
        digest = hashlib.blake2b(digest_size=8)
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        self.seen.append(digest.digest())
        self._order(line, step)
        x = arrays[0]
        if x.dtype.kind != "f":
            return
        if not np.isfinite(x).all():
            self.report.add("inputs that are not finite", "the model is given infinities or NaN", line, step)
        elif float(np.abs(x).mean()) > 50:
            text = f"the model is given numbers of {np.abs(x).mean():.3g} in the mean"
            self.report.add("inputs of large scale", text, line, step)
        if x.ndim > 1 and len(x) >= 8 and x[0].size >= 4:
            distinct = len(np.unique(x.reshape(len(x), -1), axis=0))
            if distinct <= len(x) // 2:
                text = f"of {len(x)} samples in a batch {distinct} are different"
                self.report.add("repeated samples", text, line, step)

    def _order(self, line: str, step: int) -> None:
        seen = self.seen
        for period in range(3, len(seen) // 2 + 1):
            if seen[-period:] == seen[-2 * period : -period] and len(set(seen[-period:])) == period:
                text = f"the last {period} batches are the {period} before them, in the same order"
                self.report.add("batches in the same order", text, line, step)
        pairs = list(zip(seen[::2], seen[1::2]))
        if len(pairs) >= 3 and len(set(seen)) == len(pairs) and all(a == b for a, b in pairs):
            self.report.add("the same batch again", "each batch comes twice, one after the other", line, step)
