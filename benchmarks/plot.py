"""A plot as SVG: lines with their names at their ends, both axes logarithmic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from .tables import number

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 80, 640, 46, 430
#: Names keep at least this distance.
LINE_HEIGHT = 16
COLOURS = ("#8a8f98", "#7a6a58", "#5b7c8d", "#8a6a8f", "#6b8a6a", "#a07850", "#707070", "#4f6d9a")
STRONG = "#d9480f"


@dataclass(frozen=True)
class Line:
    """One named line."""

    name: str
    points: Sequence[tuple[float, float]]
    strong: bool = False


def svg(lines: Sequence[Line], *, title: str, x_name: str) -> str:
    """The plot."""
    lines = [line for line in lines if line.points]
    xs = sorted({x for line in lines for x, _ in line.points})
    ys = [y for line in lines for _, y in line.points]
    x_scale = _Scale(log10(xs[0]), log10(xs[-1]), LEFT, RIGHT)
    y_scale = _Scale(floor(log10(min(ys))), ceil(log10(max(ys))), BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" '
        f'font-size="13" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
        f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_name)}</text>',
    ]
    parts += _grid(xs, x_scale, y_scale)
    names = _apart([(y_scale(line.points[-1][1]), line) for line in lines])
    for place, (y, line) in enumerate(names):
        colour = STRONG if line.strong else COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x_scale(x):.1f},{y_scale(y_value):.1f}" for x, y_value in line.points)
        width = 3.5 if line.strong else 1.8
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts += [
            f'<circle cx="{x_scale(x):.1f}" cy="{y_scale(v):.1f}" r="{width + 0.7}" fill="{colour}"/>'
            for x, v in line.points
        ]
        weight = ' font-weight="bold"' if line.strong else ""
        end = y_scale(line.points[-1][1])
        parts.append(f'<path d="M{RIGHT + 6} {end:.1f}L{RIGHT + 22} {y:.1f}" stroke="{colour}" fill="none"/>')
        parts.append(f'<text x="{RIGHT + 27}" y="{y + 4:.1f}" fill="{colour}"{weight}>{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high if high > low else low + 1, start, end

    def __call__(self, value: float) -> float:
        return self.start + (log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)


def _grid(xs: Sequence[float], x_scale: _Scale, y_scale: _Scale) -> list[str]:
    parts = []
    for power in range(int(y_scale.low), int(y_scale.high) + 1):
        y = y_scale(10**power)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:,}</text>'.replace(",", " "))
    for x in xs:
        parts.append(f'<path d="M{x_scale(x):.1f} {TOP}V{BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{x_scale(x):.1f}" y="{BOTTOM + 18}" text-anchor="middle">{number(x)}</text>')
    return parts


def _apart(names: list[tuple[float, Line]]) -> list[tuple[float, Line]]:
    """From the top down, each at least a line below the one before."""
    placed: list[tuple[float, Line]] = []
    for y, line in sorted(names, key=lambda item: item[0]):
        placed.append((max(y, placed[-1][0] + LINE_HEIGHT) if placed else y, line))
    return placed
