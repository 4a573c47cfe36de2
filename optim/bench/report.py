"""What was measured, as tables and as a figure."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import numpy as np

from .contestants import OURS, THEIRS
from .measure import Results
from .work import SHAPES

PEERS = (*OURS, *THEIRS)


def short(number: float | None, digits: int = 3) -> str:
    """So many digits, or all before the point; a dash for none."""
    if number is None:
        return "-"
    return f"{number:.{max(0, digits - len(str(int(number))))}f}"


def columns(peers: Sequence[str], threads: int) -> list[str]:
    """The names of a table's columns after the first."""
    ratios = [f"x {peer}" for peer in peers if peer in THEIRS]
    return [*(OURS.get(peer, peer).format(threads) for peer in peers), "GB/s", "of stream", *ratios]


def table_line(first: str, names: Sequence[str], cells: Sequence[str]) -> str:
    """Cells below their columns' names."""
    return f"{first:<18}" + "".join(f"{cell:>{max(8, len(name) + 1)}}" for name, cell in zip(names, cells))


def head(shape: str, names: Sequence[str], threads: int) -> str:
    """The lines above the rows of one shape."""
    counts = [int(np.prod(s)) for s in SHAPES[shape]()]
    title = f"{shape}: {len(counts):,} tensors, {sum(counts):,} elements; microseconds of a step, {threads} thread"
    return f"\n{title}{'s' * (threads > 1)}\n" + table_line("", names, names)


def line(name: str, row: Results, peers: Sequence[str], names: Sequence[str]) -> str:
    """One optimizer's times, its rate, and its ratios to PyTorch's."""
    seconds = row["seconds"]
    best = next((peer for peer in ("parallel", "serial", "plain") if peer in seconds), None)
    cells = [short(seconds[p] * 1e6 if p in seconds else None) for p in peers]
    copied = row.get("of stream", {}).get(best)
    cells += [short(row["rate"][best] / 1e9 if best else None), f"{copied:.0%}" if copied else "-"]
    theirs = [seconds.get(peer) for peer in peers if peer in THEIRS]
    cells += [short(other / seconds[best] if best and other else None) for other in theirs]
    return table_line(name, names, cells)


def print_between(found: Results) -> None:
    print("\na step between small matrix products, mlp: microseconds alone, between, and their ratio")
    for name, row in found.items():
        cells = [f"{p:>8} {short(t['alone'] * 1e6):>6} {short(t['between'] * 1e6):>6} {t['ratio']:5.2f}"
                 for p, t in row.items()]  # fmt: skip
        print(f"{name:<18}" + "   ".join(cells), flush=True)


def print_first(found: Results) -> None:
    print("\nthe first step in a second process, mlp, Adam: seconds from the interpreter's start")
    for library, row in found.items():
        print(f"{library:<18}imported after {row['import']:.2f}, stepped after {row['first step']:.2f}", flush=True)


def plot(results: Results, path: str) -> None:
    """Draw a panel for each shape: bars for each optimizer and contestant, logarithmic."""
    importlib.import_module("matplotlib").use("Agg")
    plt = importlib.import_module("matplotlib.pyplot")
    found, threads = {shape: rows for shape, rows in results["steps"].items() if rows}, results["threads"]
    peers = [p for p in PEERS if any(p in row["seconds"] for rows in found.values() for row in rows.values())]
    names = list(dict.fromkeys(name for rows in found.values() for name in rows))
    width = max(8.0, 1.0 + 0.2 * len(names) * (len(peers) + 1))
    figure, axes = plt.subplots(
        len(found), 1, figsize=(width, 3.2 * len(found) + 0.6), squeeze=False, dpi=120, layout="constrained"
    )
    for ax, (shape, rows) in zip(axes[:, 0], found.items()):
        for k, peer in enumerate(peers):
            at = [i for i, name in enumerate(names) if name in rows and peer in rows[name]["seconds"]]
            heights = [rows[names[i]]["seconds"][peer] * 1e6 for i in at]
            label = OURS.get(peer, f"PyTorch {peer}".replace("PyTorch torch", "PyTorch default")).format(threads)
            color = ("0.75", "0.55", "tab:cyan", "tab:blue", "tab:red", "tab:orange", "tab:pink")[PEERS.index(peer)]
            ax.bar([i + (k + 0.5) / (len(peers) + 1) - 0.5 for i in at], heights, 1 / (len(peers) + 1), label=label,
                   color=color)  # fmt: skip
        ax.set(yscale="log", ylabel="microseconds of a step", xticks=range(len(names)), xticklabels=names, title=shape)
        ax.grid(axis="y", alpha=0.3)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        lowest = min(seconds for row in rows.values() for seconds in row["seconds"].values())
        ax.set(ylim=(lowest * 5e5, None), xlim=(-0.6, len(names) - 0.4))
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    across = min(len(peers), int(width / 1.5))
    figure.legend(handles, labels, ncols=across, fontsize=8, frameon=False, loc="outside upper center")
    figure.savefig(path)
    plt.close(figure)
    print(f"wrote {path}")
