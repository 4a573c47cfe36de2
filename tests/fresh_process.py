"""Code run in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

STEP = """
import numpy as np
from tinygrad_lite import kernels, optim
params = {"w": np.ones(5, np.float32)}
optim.Adam(lr=0.5).update(params, {"w": np.full(5, 3, np.float32)})
assert kernels.backend() == "numba"
np.testing.assert_allclose(params["w"], 0.5, rtol=1e-5)
"""


def run(code: str, *, home: Path | None = None, **environment: str | None) -> str:
    """Run code in a fresh interpreter, which finds the kernels of this one.

    Given a home, it does not, and has no other writable places than this and the temporary folder.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "TINYGRAD_LITE_", "NUMBA_"))}
    if home is not None:
        kept |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    else:
        kept |= {k: os.environ[k] for k in ("XDG_CACHE_HOME", "TINYGRAD_LITE_CACHE") if k in os.environ}
    for name, value in environment.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = value
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
