"""Charts as inline SVG. In: figures of a report. Out: SVG that takes its ink from the page and loads nothing.

Drawn by matplotlib (extra `train`). Words in charts are codes and English; Chinese names stand in the tables.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from cycler import cycler
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#010203"  # replaced by the page's own text colour
LINES = ("#3b82c4", "#d97b29", "#3f9d5a", "#c2477f", "#8a6fd1", "#8a8a2e", "#2aa0a0")
COLUMNS = 4
STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=LINES),
}


def reliability_chart(calibrations: Mapping[str, Mapping[str, Any]], *, name: str) -> Markup:
    """Small multiples of share right against confidence; a head without texts is left out."""
    present = {head: entry for head, entry in calibrations.items() if entry["n"]}
    rows = -(-len(present) // COLUMNS)
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(2.3 * COLUMNS, 2.3 * rows), layout="constrained")
        for place, (head, entry) in enumerate(present.items(), 1):
            axes = figure.add_subplot(rows, COLUMNS, place)
            axes.plot([0, 1], [0, 1], color=INK, linewidth=0.6, linestyle=":")
            bins = entry["bins"]
            axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o", markersize=3)
            axes.set(xlim=(0, 1), ylim=(0, 1), title=f"{head}, ECE {entry['error']:.3f}")
        return _svg(figure)


def risk_chart(risks: Mapping[str, Mapping[str, Any]], *, name: str) -> Markup:
    """Share of wrong answers among the surest, a line for each facet."""
    curves = {facet: entry["risk"] for facet, entry in risks.items() if entry["n"]}
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        figure, axes = _single(xlabel="share of texts answered, surest first", ylabel="wrong answers among them")
        for facet, curve in curves.items():
            axes.plot([float(share) for share in curve], list(curve.values()), marker="o", markersize=3, label=facet)
        axes.set(xlim=(0, 1.02), ylim=(0, None))
        axes.legend(frameon=False)
        return _svg(figure)


def learning_chart(points: Sequence[Mapping[str, float]], *, name: str) -> Markup:
    """Figures against the number of training texts."""
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        figure, axes = _single(xlabel="training texts", ylabel="")
        for key in points[0]:
            if key != "texts":
                axes.plot([p["texts"] for p in points], [p[key] for p in points], marker="o", markersize=3, label=key)
        axes.legend(frameon=False)
        return _svg(figure)


def _single(*, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.2, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure, axes


def _svg(figure: Figure) -> Markup:
    """The drawing without what only a file of its own needs: declarations and metadata, which hold addresses."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    drawing = stream.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r' xmlns(:\w+)?="[^"]*"', "", drawing)
    return Markup(drawing.replace(INK, "currentColor").replace("<svg", '<svg role="img"', 1))
