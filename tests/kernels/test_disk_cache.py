"""What survives of kernels on disk, and who is trusted with it."""

from __future__ import annotations

import importlib
import os
import pickle
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from fresh_process import ROOT, run

numba = pytest.importorskip("numba", reason="kernels are compiled by numba")
compiling = importlib.import_module("tinygrad_lite.kernels.native.compile")
disk_cache = importlib.import_module("tinygrad_lite.kernels.native.by_numba.disk_cache")
disk_folder = importlib.import_module("tinygrad_lite.kernels.native.disk_folder")
turns = importlib.import_module("tinygrad_lite.kernels.native.turns")

SOURCE = "from tinygrad_lite.kernels.native.compile import jit\n\n\n@jit\ndef double(x):\n    return x + x\n"
PROGRAM = f"""
import sys
from tinygrad_lite.kernels.native.compile import build
double = build("double", {SOURCE!r})["double"]
assert (double(2), double(0.25)) == (4, 0.5)
print(sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def fresh():
    """Forgets which folder there is, and that it has warned."""

    def forget():
        disk_folder.folder.cache_clear()
        disk_folder._warned.clear()

    forget()
    yield forget
    forget()


@pytest.fixture
def folder(tmp_path, monkeypatch, fresh) -> Path:
    where = tmp_path / "above" / "kernels"
    monkeypatch.setenv("TINYGRAD_LITE_CACHE", str(where))
    return where


def loaded() -> bool:
    """Whether the kernel is found by what stands for a new process; it is right in any case."""
    compiling._built.clear()
    double = compiling.build("double", SOURCE)["double"]
    assert double(2) == 4
    return sum(double.stats.cache_hits.values()) == 1


def kept(folder: Path) -> Path:
    (found,) = folder.glob("double_*.nbc")
    return found


# Kept, by whom


def test_what_is_kept_is_the_users_alone(folder, monkeypatch):
    mask = os.umask(0)
    try:
        assert not loaded()
    finally:
        os.umask(mask)
    assert loaded()
    assert os.listdir(folder) == [kept(folder).name]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, kept(folder))]
    if os.name == "posix":
        assert modes == [0o700, 0o700, 0o600]


def test_processes_race(tmp_path):
    """Each gets its result, compiled by one of them, and the next finds what they leave."""
    environment = {**os.environ, "TINYGRAD_LITE_CACHE": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) for _ in range(3)]
    hits = []
    for racer in racers:
        out, error = racer.communicate(timeout=240)
        assert racer.returncode == 0, error
        hits.append(int(out))
    if os.name == "posix":
        assert sum(hits) == 2 * 2  # two kernels, which two of three have found
    assert int(run(PROGRAM, TINYGRAD_LITE_CACHE=str(tmp_path))) == 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="locks of files are POSIX's")
def test_a_process_that_was_stopped_stops_no_other(folder, monkeypatch):
    import fcntl

    loaded()
    name = kept(folder).name
    kept(folder).unlink()
    handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    monkeypatch.setattr(turns, "LONGEST", 0.1)
    assert not loaded()
    os.close(handle)
    assert kept(folder).name == name
    assert loaded()


def test_a_kernel_that_cannot_be_compiled_keeps_nobody_waiting(folder):
    wrong = compiling.build("wrong", SOURCE.replace("x + x", "x.no_such_thing"))["double"]
    for _ in range(2):
        with pytest.raises(compiling.CompilationError):
            wrong(2)
    assert not turns._held
    assert not list(folder.iterdir())


def test_versions_are_part_of_the_name(monkeypatch):
    names = []
    for version in ("0.60.0", "0.61.0"):
        monkeypatch.setattr(compiling.numba, "__version__", version)
        compiling.versions.cache_clear()
        names.append(compiling.build("probe", "x = 1\n")["__name__"])
    compiling.versions.cache_clear()
    assert names[0] != names[1]


def test_each_signature_has_its_own_code(folder):
    double = compiling.build("double", SOURCE + "# signatures\n")["double"]
    assert (double(2), double(0.25)) == (4, 0.5)
    one, two = folder.iterdir()
    swapped = one.read_bytes(), two.read_bytes()
    two.write_bytes(swapped[0]), one.write_bytes(swapped[1])
    compiling._built.clear()
    double = compiling.build("double", SOURCE + "# signatures\n")["double"]
    assert (double(3), double(0.5)) == (6, 1.0)
    assert not double.stats.cache_hits


# Damaged


DAMAGE = {
    "truncated": lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
    "emptied": lambda p: p.write_bytes(b""),
    "garbage": lambda p: p.write_bytes(b"#\0\xff!"),
    "removed": Path.unlink,
    "flipped": lambda p: p.write_bytes(flipped(p.read_bytes(), 30_000)),
}


def flipped(content: bytes, bit: int) -> bytes:
    return (int.from_bytes(content, "little") ^ (1 << bit)).to_bytes(len(content), "little")


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_made_anew(damage, folder):
    loaded()
    whole = kept(folder).stat().st_size
    DAMAGE[damage](kept(folder))
    assert not loaded()
    assert abs(kept(folder).stat().st_size - whole) < 100  # numba numbers what it compiles, in a digit or more
    assert loaded()


def test_no_flipped_bit_passes(folder):
    disk_folder.write("probe", b"key", b"payload")
    path = folder / "probe"
    content = path.read_bytes()
    assert disk_folder.read("probe", b"key") == b"payload"
    assert disk_folder.read("probe", b"another") is None
    for bit in range(8 * len(content)):
        path.write_bytes(flipped(content, bit))
        assert disk_folder.read("probe", b"key") is None


# Foreign


def another_user(me=getattr(os, "getuid", int)()):  # noqa: B008  before it is replaced by this
    return me + 1


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("how", ["writable", "another user's", "a link"])
def test_what_others_may_have_written_is_not_loaded(how, folder, tmp_path, monkeypatch):
    loaded()
    path, mark = kept(folder), tmp_path / "executed"
    seen = []
    monkeypatch.setattr(disk_folder, "_checksum", lambda key, payload: seen.append(key) or b"\0" * 32)
    path.write_bytes(b"\0" * 32 + pickle.dumps(Evil(mark)))  # with a checksum that is right
    if how == "writable":
        path.chmod(0o620)
    elif how == "a link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        monkeypatch.setattr(os, "getuid", another_user)
    assert not loaded()
    assert not mark.exists()
    assert seen  # of what was written
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_no_one_else_can_write_it_is(folder, tmp_path, monkeypatch):
    """The twin of the last test: it would notice."""
    loaded()
    monkeypatch.setattr(disk_folder, "_checksum", lambda key, payload: b"\0" * 32)
    kept(folder).write_bytes(b"\0" * 32 + pickle.dumps(Evil(tmp_path / "executed")))
    loaded()
    assert (tmp_path / "executed").exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("how", ["writable", "another user's", "a link", "a file"])
def test_an_unusable_folder_is_named_once(how, tmp_path, monkeypatch, fresh):
    where = tmp_path / "given"
    if how == "a file":
        where.write_text("")
    else:
        where.mkdir()
    if how == "writable":
        where.chmod(0o770)
    elif how == "a link":
        where.rename(tmp_path / "elsewhere")
        where.symlink_to(tmp_path / "elsewhere")
    elif how == "another user's":
        monkeypatch.setattr(os, "getuid", another_user)
    monkeypatch.setenv("TINYGRAD_LITE_CACHE", str(where))
    with pytest.warns(RuntimeWarning, match=f"compiled kernels cannot be kept in {where} ") as record:
        assert [loaded(), loaded()] == [False, False]
    assert len(record) == 1
    assert how == "a file" or not list(where.iterdir())


def test_a_full_disk_is_named_once(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    assert disk_folder.folder() == folder
    monkeypatch.setattr(disk_cache, "dumps", lambda _: b"")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.warns(RuntimeWarning, match="No space left on device") as record:
            assert [loaded(), loaded()] == [False, False]
    assert len(record) == 1
    assert not list(folder.iterdir())


def test_numbas_own_folder_is_not_used(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    loaded()
    assert kept(folder)
    assert not (tmp_path / "numba").exists()


# Where


@pytest.mark.parametrize("where", ["home", "no home", "home is a file", "nowhere at all"])
def test_without_a_writable_home(where, tmp_path, monkeypatch, fresh):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    temporary.mkdir()
    if where != "home":
        home.write_text("")  # a folder cannot be made below a file, not even by root
    monkeypatch.delenv("TINYGRAD_LITE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(disk_folder.tempfile, "tempdir", str(temporary))

    def nobody():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nobody if where == "no home" else lambda: home)
    if where == "nowhere at all":
        temporary.rmdir()
        temporary.write_text("")
        with pytest.warns(RuntimeWarning, match=f"cannot be kept in {home}.*, {temporary}"):
            assert disk_folder.folder() is None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = disk_folder.folder()
    assert found is not None
    assert found.is_relative_to(home if where == "home" else temporary)


# How long it takes


def test_long_compilation_is_announced_once(tmp_path):
    """On stderr, when a second of it has passed, and not where the variable forbids it."""
    code = """
import sys
from tinygrad_lite.kernels.native import patience
patience.LIMIT = 0.0
import numba
numba.njit(lambda x: x)(1)  # not one of the library's
print(end="first ", file=sys.stderr)
"""
    command = [sys.executable, "-c", code + PROGRAM]
    for quiet in ("", "1"):
        environment = {**os.environ, "TINYGRAD_LITE_CACHE": str(tmp_path / quiet), "TINYGRAD_LITE_QUIET": quiet}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith("first ")
        assert done.stderr.count("tinygrad_lite: compiling kernels for the first time") == (0 if quiet else 1)


def test_what_only_kernels_call_is_not_for_python():
    def part(x):
        return x + 1

    with pytest.raises(TypeError, match="part: only compiled code can call this"):
        compiling.inner(part)(1)
