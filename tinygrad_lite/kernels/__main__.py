"""``python -m tinygrad_lite.kernels``, the `main` of kernels: compile them ahead, say where they are, delete them."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_lite.kernels", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    warm = commands.add_parser("warm", help="compile the kernels of layers and optimizers, for images and CI")
    warm.add_argument("--optimizers", nargs="+", metavar="NAME", help="only these (default: all)")
    warm.add_argument("--operations", nargs="+", metavar="NAME", help="only these (default: all)")
    warm.add_argument("--dtypes", nargs="+", default=["float32"], choices=["float32", "float64"])
    commands.add_parser("folder", help="print the folder that compiled kernels are kept in")
    commands.add_parser("clear", help="delete them")
    options = parser.parse_args(arguments)

    from .native.disk_folder import folder

    where = folder()
    if options.command == "folder":
        print(where or "no folder is safe and writable: kernels live in memory only")
    elif options.command == "clear":
        if where is not None:
            shutil.rmtree(where)
        print(f"deleted {where}")
    else:
        began = time.perf_counter()
        try:
            made = importlib.import_module("tinygrad_lite.optim.warm").warm(options.optimizers, options.dtypes)
            run = importlib.import_module("tinygrad_lite.command_line.warm").warm(options.operations, options.dtypes)
        except ValueError as error:
            parser.error(str(error))
        files = 0 if where is None else len(list(where.rglob("*.nbc")))
        took = time.perf_counter() - began
        print(f"{made} optimizers and {run} operations in {took:.1f} s; {files} kernels in {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
