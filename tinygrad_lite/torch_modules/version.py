"""`tinygrad_lite.version`: which version this is, and that it was built for no GPU."""

from __future__ import annotations

import tinygrad_lite

__version__ = tinygrad_lite.__version__
cuda = hip = xpu = None
git_version = "Unknown"
debug = False
