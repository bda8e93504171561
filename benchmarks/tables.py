"""Figures and tables as Markdown."""

from collections.abc import Sequence
from math import floor, log10


def number(value: float) -> str:
    """Three digits that count, thousands apart: 48 200, 4.07, 0.013."""
    if value == 0:
        return "0"
    digits = 2 - floor(log10(abs(value)))
    return f"{round(value, digits):,.{max(0, digits)}f}".replace(",", " ")


def ratio(value: float) -> str:
    """How many times as much."""
    return f"{value:.2f} ×" if value < 10 else f"{value:.0f} ×"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column text and the others numbers."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
