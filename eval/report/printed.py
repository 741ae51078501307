"""Figures for a terminal. In: figures of `eval.metrics`. Out: lines."""

from collections.abc import Mapping, Sequence
from typing import Any


def figure_lines(scores: Mapping[str, Any]) -> list[str]:
    """Facets, flag groups, flag codes, secondary causes and evidence of one set."""
    facets = [
        f"{facet:11s} accuracy {interval(entry['accuracy'])}  macro-F1 {interval(entry['macro_f1'])}  n {entry['n']}"
        for facet, entry in scores["facets"].items()
        if entry["n"]
    ]
    groups = [
        f"flags {group}     precision {interval(entry['precision'])}, {entry['hits']} of {entry['raised']}  "
        f"recall {interval(entry['recall'])}, {entry['hits']} of {entry['n']}"
        for group, entry in scores["flag_groups"].items()
    ]
    second, evidence = scores["causes2"], scores["evidence"]
    shown = [f"evidence    overlap {evidence['iou']:.3f}  median share shown {evidence['median_shown']:.3f}  "
             f"n {evidence['n']}"] if evidence["n"] else []  # fmt: skip
    return [
        *facets,
        *groups,
        f"flag codes  macro-F1 {interval(scores['flags']['macro_f1'])}",
        f"causes2     micro-F1 {second['f1']:.3f}  n {second['n']}",
        *shown,
    ]


def figure(value: float | None) -> str:
    """A share or score with three digits."""
    return "–" if value is None else f"{value:.3f}"


def interval(values: Sequence[float] | None) -> str:
    """A figure with its interval."""
    if values is None:
        return "–"
    value, low, high = values
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def lead(difference: Mapping[str, Any]) -> str:
    """By how much the model leads, with its interval."""
    return f"{difference['difference']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"
