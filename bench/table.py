"""What a benchmark reports: one row a measurement, the peer's beside it, and whether the goal is reached."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Args:
        work: what was done.
        ours: our figure.
        unit: of both figures.
        goal: the figure to reach; None: told, not judged.
        higher: whether more is better.
        peer: the peer's figure in the same run, if there is one.
        peer_name: who that is.
    """

    work: str
    ours: float
    unit: str
    goal: float | None = None
    higher: bool = False
    peer: float | None = None
    peer_name: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer we are; below 1 is worse."""
        if self.peer is None or not self.ours or not self.peer:
            return None
        return self.ours / self.peer if self.higher else self.peer / self.ours

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.goal is None:
            return None
        return self.ours >= self.goal if self.higher else self.ours <= self.goal


def show(rows: Iterable[Row], *, to: Path) -> None:
    """Print the rows as a table and keep them as JSON."""
    rows = list(rows)
    table = Table("work", "ours", "goal", "peer", "times better", "reached", title="Camward, measured")
    for row in rows:
        limit = "" if row.goal is None else f"{'>=' if row.higher else '<='} {row.goal:g}"
        peer = "" if row.peer is None else f"{row.peer:.3g} ({row.peer_name})"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        verdict = {None: "", True: "yes", False: "NO"}[row.reached]
        table.add_row(row.work, f"{row.ours:.3g} {row.unit}", limit, peer, ratio, verdict)
    Console(width=190).print(table)
    to.parent.mkdir(parents=True, exist_ok=True)
    kept = [{**asdict(row), "ratio": row.ratio, "reached": row.reached} for row in rows]
    to.write_text(json.dumps({"schema": "camward-bench-1", "rows": kept}, indent=1))
