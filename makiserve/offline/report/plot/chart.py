"""A plot: axes and marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from makiserve.offline.report.plot.scale import Scale, scale

LEFT, RIGHT, TOP, BOTTOM = 50.0, 12.0, 26.0, 34.0
MAX_POINTS = 2000
"""Maximum number of points that are drawn one by one; more are drawn as cells."""


@dataclass
class Chart:
    """A plot under construction; marks are drawn in the order in which they are added.

    Colours are CSS classes that the page's style defines: `model`, `actual`, `other`, `bad`.

    Attributes:
        width: of the whole plot in units of its view box, each about a pixel on a screen.
        height: of the whole plot, in the same units.
        x: the horizontal scale.
        y: the vertical scale.
        title: what the plot shows, for screen readers.
    """

    width: float
    height: float
    x: Scale
    y: Scale
    title: str
    x_title: str = ""
    y_title: str = ""
    _marks: list[str] = field(default_factory=list)

    def line(self, xs: Iterable[float], ys: Iterable[float], colour: str, *, is_dashed: bool = False) -> None:
        """Draw a line through points, interrupted at nan."""
        pieces, is_down = [], False
        for x, y in zip(xs, ys, strict=True):
            if x != x or y != y:
                is_down = False
                continue
            pieces.append(f"{'L' if is_down else 'M'}{self.x(x):.1f} {self.y(y):.1f}")
            is_down = True
        kind = "line dashed" if is_dashed else "line"
        self._marks.append(f'<path class="{kind} {colour}" d="{"".join(pieces)}"/>')

    def band(self, xs: Iterable[float], low: Iterable[float], high: Iterable[float], colour: str) -> None:
        """Draw the area between two lines."""
        sides = [(self.x(x), self.y(y), self.y(z)) for x, y, z in zip(xs, low, high, strict=True) if y == y]
        up = [f"{x:.1f} {top:.1f}" for x, _, top in sides]
        down = [f"{x:.1f} {bottom:.1f}" for x, bottom, _ in sides]
        if up:
            self._marks.append(f'<path class="band {colour}" d="M{"L".join([*up, *reversed(down)])}Z"/>')

    def points(self, xs: Iterable[float], ys: Iterable[float], colour: str) -> None:
        """Draw a dot for each point."""
        dots = (f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="2.2"/>' for x, y in zip(xs, ys, strict=True))
        self._marks.append(f'<g class="dots {colour}">{"".join(dots)}</g>')

    def bar(self, left: float, right: float, low: float, high: float, colour: str, tooltip: str = "") -> None:
        """Draw a rectangle between values; `tooltip` is its tooltip."""
        x, y = sorted((self.x(left), self.x(right))), sorted((self.y(low), self.y(high)))
        hint = f"<title>{escape(tooltip)}</title>" if tooltip else ""
        self._marks.append(
            f'<rect class="bar {colour}" x="{x[0]:.1f}" y="{y[0]:.1f}" width="{max(x[1] - x[0], 0.5):.1f}" '
            f'height="{max(y[1] - y[0], 0):.1f}">{hint}</rect>'
        )

    def cell(self, left: float, right: float, low: float, high: float, strength: float, tooltip: str) -> None:
        """Draw a rectangle whose colour has a strength from 0 to 1."""
        x, y = sorted((self.x(left), self.x(right))), sorted((self.y(low), self.y(high)))
        self._marks.append(
            f'<rect class="cell model" x="{x[0]:.1f}" y="{y[0]:.1f}" width="{x[1] - x[0] + 0.3:.1f}" '
            f'height="{y[1] - y[0] + 0.3:.1f}" fill-opacity="{strength:.2f}"><title>{escape(tooltip)}</title></rect>'
        )

    def text(self, x: float, y: float, text: str, kind: str, *, dx: float = 0, dy: float = 4) -> None:
        """Draw text at a value, moved by `dx` and `dy` units; `kind` is a class that anchors and colours the text."""
        place = f'x="{self.x(x) + dx:.1f}" y="{self.y(y) + dy:.1f}"'
        self._marks.append(f'<text class="{kind}" {place}>{escape(text)}</text>')

    def svg(self, *, x_ticks: int | None = None, y_ticks: int | None = None) -> Markup:
        """Return the plot as SVG; the number of ticks depends on its size unless given."""
        across = self.x.ticks(int(self.width / 80) if x_ticks is None else x_ticks) if x_ticks != 0 else ()
        up = self.y.ticks(int(self.height / 48) if y_ticks is None else y_ticks) if y_ticks != 0 else ()
        bottom, left, right = self.y.start, self.x.start, self.x.end
        parts = [
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-label="{escape(self.title)}">',
            *(
                f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{self.y(value):.1f}" y2="{self.y(value):.1f}"/>'
                f'<text class="tick left" x="{left - 6:g}" y="{self.y(value) + 3.5:.1f}">{escape(label)}</text>'
                for value, label in up
            ),
            *(
                f'<line class="notch" x1="{self.x(value):.1f}" x2="{self.x(value):.1f}" y1="{bottom:g}" '
                f'y2="{bottom + 4:g}"/><text class="tick below" x="{self.x(value):.1f}" y="{bottom + 16:g}">'
                f"{escape(label)}</text>"
                for value, label in across
            ),
            f'<line class="axis" x1="{left:g}" x2="{right:g}" y1="{bottom:g}" y2="{bottom:g}"/>',
            *self._marks,
            f'<text class="name" x="4" y="12">{escape(self.y_title)}</text>',
            f'<text class="name right" x="{right:g}" y="{self.height - 3:g}">{escape(self.x_title)}</text>',
            "</svg>",
        ]
        return Markup("".join(parts))  # noqa: S704  every text in it is escaped


def chart(
    size: tuple[float, float],
    across: tuple[float, float],
    up: tuple[float, float],
    title: str,
    *,
    names: tuple[str, str] = ("", ""),
    left: float = LEFT,
    margins: tuple[float, float] = (0.0, 0.04),
    is_time: bool = False,
) -> Chart:
    """Return an empty plot.

    Args:
        size: width and height.
        across: minimum and maximum of the horizontal values.
        up: minimum and maximum of the vertical values.
        title: what the plot shows, for screen readers.
        names: of the axes.
        left: room for the labels of the vertical axis.
        margins: the margins of the scales beyond the values, as fractions of their range.
        is_time: whether the horizontal values are seconds since 1970.
    """
    width, height = size
    x = scale(*across, left, width - RIGHT, margin=margins[0], is_time=is_time)
    y = scale(*up, height - BOTTOM, TOP, margin=margins[1])
    return Chart(width, height, x, y, title, *names)
