"""Public programs of PyTorch's, run in this library and in PyTorch: a table of what came of each.

    python tests/public_programs.py LIST CHECKOUTS ... [--only WORD] [--steps N] [--tolerance T] [--seconds S]

LIST is a file of lines with tabs: repository, commit, folder in it, further folders that hold modules (with colons
between), script, arguments. CHECKOUTS are folders with checkouts named ``OWNER+NAME`` or ``OWNER/NAME``; what is not
there is told and left out. Nothing of them is in this repository.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_lite.command_line.compare import compared


class Entry(NamedTuple):
    """A line of the list."""

    repository: str
    commit: str
    folder: str
    path: tuple[str, ...]
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"{self.repository}/{self.folder}/{self.command[0]}".replace("/./", "/")


def read(file: Path) -> list[Entry]:
    """The lines of a list; those that are empty, or begin with #, say nothing."""
    entries = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            repository, commit, folder, path, *command = line.split("\t")
            entries.append(Entry(repository, commit, folder, tuple(filter(None, path.split(":"))), tuple(command)))
    return entries


def checkout(entry: Entry, folders: list[Path]) -> Path | None:
    """Where a repository is; None where it is in none of the folders."""
    names = (entry.repository, entry.repository.replace("/", "+"))
    return next((folder / name for folder in folders for name in names if (folder / name).is_dir()), None)


def main(arguments: list[str]) -> int:
    """Run the list and print the table; 0 where every program that PyTorch runs has the same losses here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("checkouts", type=Path, nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--tolerance", type=float, default=2e-4)
    parser.add_argument("--seconds", type=float, default=200.0)
    given = parser.parse_args(arguments)
    verdicts: Counter[str] = Counter()
    for entry in read(given.list):
        if given.only not in entry.name:
            continue
        where = checkout(entry, given.checkouts)
        if where is None or not (where / entry.folder / entry.command[0]).is_file():
            verdicts["not here"] += 1
            continue
        found: Any = compared(
            entry.command, given.steps, given.tolerance, given.seconds, where / entry.folder,
            [where / part for part in entry.path],
        )  # fmt: skip
        verdicts[found.verdict] += 1
        seconds = f"{found.theirs.seconds:5.1f} {found.ours.seconds:5.1f}"
        said = " ".join([entry.name, *entry.command[1:]])
        print(f"{found.verdict:16} {len(found.ours.losses):3} {found.largest:8.1e} {seconds}  {said}", flush=True)
        for library, run in (("PyTorch", found.theirs), ("tinygrad_lite", found.ours)):
            if run.failed and found.verdict != "the same":
                print(f"{'':20} {library}: {run.failed[:200]}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))
    ran = {"the same", "other losses", "fails here"}
    return 0 if not (verdicts.keys() & ran) - {"the same"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
