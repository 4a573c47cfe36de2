"""``python -m tinygrad_lite run script.py``: a program written for PyTorch, as it is, on this library."""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType

from ..torch_imports.activation import activate
from . import compare

USAGE = """usage: python -m tinygrad_lite run [--instead] SCRIPT [ARGUMENT ...]
       python -m tinygrad_lite run [--instead] -m MODULE [ARGUMENT ...]
       python -m tinygrad_lite run --compare [--double] [--steps N] SCRIPT [ARGUMENT ...]

Runs a program in which `import torch` is tinygrad_lite, as `python SCRIPT [ARGUMENT ...]` would run it. Names of
PyTorch that the program asks for and that are not here are told at its end.

  --instead   also where PyTorch is installed
  --compare   in PyTorch, too, with the same random numbers: prints the losses of both
"""


def main(arguments: list[str]) -> int:
    """Run a script or a module; what is not caught in it ends the process as Python ends."""
    if arguments[:1] == ["--compare"]:
        return compare.main(arguments[1:])
    instead = arguments[:1] == ["--instead"]
    rest = arguments[instead:]
    module = rest[:1] == ["-m"]
    rest = rest[module:]
    if not rest or (rest[0].startswith("-") and not module):
        asked = rest[:1] in (["-h"], ["--help"])
        print(USAGE, end="", file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    try:
        activate(instead)
    except ImportError as error:
        print(f"run: {error}", file=sys.stderr)
        return 2
    sys.argv[:] = rest
    if module:
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        run_file(rest[0])
    return 0


def run_file(script: str) -> None:
    """Run a file, or a folder or zip file with ``__main__.py``, as the interpreter runs its first argument."""
    path = os.path.abspath(script)
    if not os.path.isfile(path) or path.endswith((".zip", ".pyz")):
        if not os.path.exists(path):
            print(f"run: can't open file {path!r}: No such file or directory", file=sys.stderr)
            sys.exit(2)
        runpy.run_path(script, run_name="__main__")
        return
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    program = ModuleType("__main__")
    program.__dict__.update(
        __file__=path, __builtins__=builtins, __loader__=SourceFileLoader("__main__", path), __cached__=None
    )
    sys.modules["__main__"] = program
    hide_runner(path)
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, program.__dict__)


def hide_runner(path: str) -> None:
    """Have tracebacks begin in the script, as those of ``python SCRIPT`` do."""
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        while traceback is not None and traceback.tb_frame.f_code.co_filename != path:
            traceback = traceback.tb_next
        show(kind, error.with_traceback(traceback), traceback)

    sys.excepthook = hook
