"""`DiskCache`: what numba has compiled, kept on disk; see `disk_folder`."""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any

from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from ..disk_folder import LOCK_SUFFIX, SUFFIX, folder, read, write
from ..turns import end_turn, wait_for_turn


class DiskCache:
    """What numba's dispatchers call a cache: the compiled code of one function.

    Parameters
    ----------
    function : function
        Of a module whose name stands for its whole content; see `compile.build`.
    loading : callable
        Returns a context in which code is loaded.
    """

    def __init__(self, function: Callable[..., Any], loading: Callable[[], Any]) -> None:
        self._name, self._loading = f"{function.__module__}.{function.__name__}", loading
        self.cache_path = str(folder() or "")

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what the function compiled to for a signature, or None if that is not kept."""
        target_context.refresh()
        key = self._key(sig, target_context.codegen())
        found = self._load(sig, target_context, key)
        where = folder()
        if found is not None or where is None:
            return found
        if wait_for_turn(turn := where / (self._file(key) + LOCK_SUFFIX)):
            found = self._load(sig, target_context, key)
            if found is not None:
                end_turn(turn)
        return found

    def _load(self, sig: Any, target_context: Any, key: bytes) -> Any:
        payload = read(self._file(key), key)
        if payload is None:
            return None
        try:
            with self._loading():
                found = CompileResult._rebuild(target_context, *pickle.loads(payload))
        except Exception:  # it is what was written, and yet of no use here
            return None
        return found if tuple(found.signature.args) == tuple(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what the function compiled to for a signature, if it can be kept."""
        where, key = folder(), self._key(sig, data.codegen)
        if where is not None:
            try:
                if not data.lifted and not data.library.has_dynamic_globals:
                    write(self._file(key), key, dumps(data._reduce()))
            finally:
                end_turn(where / (self._file(key) + LOCK_SUFFIX))

    def flush(self) -> None:
        """Forget nothing: a kernel that is compiled again is written again."""

    def _key(self, sig: Any, codegen: Any) -> bytes:
        return repr((self._name, tuple(map(str, sig)), codegen.magic_tuple())).encode()

    def _file(self, key: bytes) -> str:
        return f"{self._name}.{hashlib.sha256(key).hexdigest()[:16]}{SUFFIX}"
