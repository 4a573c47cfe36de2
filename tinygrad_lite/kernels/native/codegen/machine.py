"""`compile_module`: machine code of LLVM's modules, made for this processor and kept on disk."""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from ..disk_folder import LOCK_SUFFIX, SUFFIX, folder, read, write
from ..forks import wait_before
from ..patience import compiling
from ..turns import end_turn, wait_for_turn
from .instructions import get_or_insert_function

_lock = threading.RLock()
wait_before(lambda: [_lock])  # without which LLVM is in the middle of something in a child
_modules: dict[str, tuple[int, Any]] = {}  # name -> the function's address, and what is known of it


def processor() -> str:
    """The name of the processor that is compiled for: this one, or what ``NUMBA_CPU_NAME`` says, as for numba."""
    return str(os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name())


def features() -> str:
    """What it has, as LLVM writes it; ``NUMBA_CPU_FEATURES`` may say that, too."""
    asked = os.environ.get("NUMBA_CPU_FEATURES")
    return str(llvm.get_host_cpu_features().flatten() if asked is None else asked)


@cache
def versions() -> str:
    """Everything outside its source that decides what a kernel compiles to."""
    helpers = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.parent.rglob("*.py"))]
    return "\0".join((sys.version, platform.machine(), np.__version__, llvmlite.__version__, *helpers))


@cache
def _made_by() -> str:
    found = repr((versions(), llvm.get_process_triple(), processor(), features()))
    return hashlib.sha256(found.encode()).hexdigest()


class Module(ir.Module):  # type: ignore[misc]  # llvmlite has no types for it
    """A module, and beside it one of functions that are written by hand: LLVM is to leave them much as they are.

    What it could do to them takes three times as long as to compile all the rest, and makes nothing faster. So it is
    with the functions that call them, which spend their time there.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.by_hand = ir.Module(name, context=self.context)
        self.by_hand.metadata, self.by_hand._metadatacache = self.metadata, self._metadatacache
        self.written: dict[Any, ir.Function] = {}  # what they are written for

    def move_callers(self) -> list[str]:
        """Move the functions that call those by hand, and who calls them, to the module beside.

        Returns the names of functions that are to be seen by both modules, and by nobody else.
        """
        called = {f: {c.callee for b in f.blocks for c in b.instructions if isinstance(c, ir.CallInstr)}
                  for f in self.functions if f.blocks}  # fmt: skip
        inner = {f for f in self.by_hand.functions if f.blocks} | {f for f in called if f.linkage == "internal"}
        declared = {f for f in self.functions if not f.blocks and f.name in self.by_hand.globals}
        moved: set[Any] = set()
        while more := {f for f, others in called.items() if f not in moved and others & (moved | declared)}:
            moved |= more
        for function in moved | declared:
            del self.globals[function.name]
        for function in filter(moved.__contains__, called):
            self.by_hand.globals[function.name] = function
            for other in sorted(called[function] - moved, key=lambda f: f.name):
                get_or_insert_function(self.by_hand, other.function_type, other.name)
        for function in inner:
            function.linkage = ""
        return [function.name for function in inner]


class _Machine:
    """LLVM, as it compiles for this processor, and what runs what it has compiled."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        triple = llvm.get_process_triple()
        model = "static" if triple.startswith(("x86", "i386", "i686")) else "default"
        self.target = llvm.Target.from_triple(triple).create_target_machine(
            cpu=processor(), features=features(), opt=3, reloc=model, codemodel="jitdefault", jit=True
        )
        empty = llvm.parse_assembly("", context=llvm.create_context())
        empty.triple = triple
        self.engine = llvm.create_mcjit_compiler(empty, self.target)

    def compile(self, module: Module, speed: int) -> bytes:
        """The object file of a module."""
        context = llvm.create_context()
        inner = module.move_callers() if module.by_hand.functions else []
        parsed = self._parsed(module, context)
        options = llvm.create_pipeline_tuning_options(speed)
        options.loop_vectorization, options.slp_vectorization = True, False
        options.loop_unrolling = False  # which takes a third of the time
        builder = llvm.create_pass_builder(self.target, options)
        if speed:
            builder.getModulePassManager().run(parsed, builder)
        if inner:
            parsed.link_in(self._parsed(module.by_hand, context))
            for name in inner:
                parsed.get_function(name).linkage = "internal"
            light = llvm.create_new_module_pass_manager()
            light.add_always_inliner_pass()
            light.add_sroa_pass()
            light.add_simplify_cfg_pass()
            light.add_instruction_combine_pass()
            light.add_global_dead_code_eliminate_pass()  # what was written for types that did not settle
            light.run(parsed, builder)
        return bytes(self.target.emit_object(parsed))

    def _parsed(self, module: Any, context: Any) -> Any:
        module.triple, module.data_layout = llvm.get_process_triple(), str(self.target.target_data)
        parsed = llvm.parse_assembly(str(module), context=context)
        parsed.verify()
        return parsed

    def load(self, code: bytes, name: str) -> int:
        """The address of a function of an object file."""
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()
        return int(self.engine.get_function_address(name))


_machine = cache(_Machine)


def compile_module(label: str, what: str, write_module: Callable[[Any, str], Any], speed: int = 2) -> tuple[int, Any]:
    """Compile a module, or load what it was compiled to before.

    Parameters
    ----------
    label : str
        Begins the name of the file that keeps it.
    what : str
        Says what the module does, as far as the text of `native` does not.
    write_module : callable
        ``write_module(module, name)`` writes the function of that name, and whatever it calls; what it returns is kept.
    speed : int
        What LLVM is to do for speed, from 0, nothing, to 3. With 3 a third of the time more makes nothing faster.

    Returns
    -------
    address : int
        The function's.
    known
        What `write_module` has returned.
    """
    with _lock:
        key = repr((what, speed, _made_by())).encode()
        digest = hashlib.sha256(key).hexdigest()[:20]
        name, file, where = f"tinygrad_lite_{digest}", f"{label}.{digest}{SUFFIX}", folder()
        if name not in _modules:
            kept, turn = read(file, key), where and where / (file + LOCK_SUFFIX)
            if kept is None and turn is not None and wait_for_turn(turn):
                kept = read(file, key)
            try:
                if kept is None:
                    with compiling():
                        module = Module(name)
                        known = write_module(module, name)
                        code = _machine().compile(module, speed)
                    write(file, key, pickle.dumps((code, known)))
                else:
                    code, known = pickle.loads(kept)
            finally:
                if turn is not None:
                    end_turn(turn)
            _modules[name] = _machine().load(code, name), known
        return _modules[name]
