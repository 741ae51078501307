"""The report as a page. In: the figures of `report.json`. Out: one HTML file that loads nothing.

Jinja2 with autoescape; charts from `eval.report.charts`. Measurements made elsewhere (learning curve, latency,
behaviour) are laid out as tables whatever their keys, so that they may grow.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from data.taxonomy import Taxonomy
from eval.metrics import FACETS
from eval.report.charts import learning_chart, reliability_chart, risk_chart
from eval.report.printed import figure, interval, lead

TEMPLATES = Path(__file__).with_name("templates")
GROUP_NAMES = {"P": "privacy", "S": "mis-selling", "E": "escalation", "X": "agency hint"}
MOST_COLUMNS = 8  # of objects side by side; more become a table each
SHARE = {"count", "n", "share"}  # eval.proportions
FACET_NAMES = {
    "order_type": "order type",
    "category": "category",
    "leaf": "leaf",
    "cause": "cause",
    "subcause": "sub-cause",
    "channel": "channel",
}


def environment(*, autoescape: bool = True) -> jinja2.Environment:
    """Templates with the filters that format figures; an unknown name is an error."""
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters.update(figure=figure, interval=interval, lead=lead, cell=cell)
    result.globals.update(facets=FACETS, facet_names=FACET_NAMES, group_names=GROUP_NAMES)
    return result


def render_page(report: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    """The whole page."""
    names = {code: entry.name for code, entry in taxonomy.entries.items()}
    names |= {group.code: group.name for group in taxonomy.flag_groups}
    elsewhere = {name: tables(report[name]) for name in ("learning_curve", "latency", "behavior") if name in report}
    template = environment().get_template("report.html")
    return template.render(report=report, names=names, charts=_charts(report), elsewhere=elsewhere)


def _charts(report: Mapping[str, Any]) -> dict[str, Any]:
    """Set → its charts, and the learning curve if its points are plain numbers."""
    charts: dict[str, Any] = {}
    for name, entry in report["sets"].items():
        confidence = entry["confidence"]
        charts[name] = {
            "reliability": reliability_chart({**confidence["heads"], "flags": confidence["flags"]}, name=f"c-{name}"),
            "risk": risk_chart(confidence["risk"], name=f"r-{name}"),
        }
    points = learning_points(report.get("learning_curve"))
    return {"sets": charts, "learning": learning_chart(points, name="learning") if points else None}


def learning_points(curve: Any) -> list[dict[str, float]]:
    """The points of a learning curve: a list (or its key `points`) of objects with `texts` and figures."""
    points = curve.get("points") if isinstance(curve, Mapping) else curve
    if not isinstance(points, list) or not all(isinstance(point, Mapping) and "texts" in point for point in points):
        return []
    keys = [key for key, value in points[0].items() if isinstance(value, int | float)] if points else []
    return [{key: point[key] for key in keys} for point in points if all(key in point for key in keys)]


def tables(content: Any, title: str = "") -> list[dict[str, Any]]:
    """Nested JSON as tables {title, head, rows}: a list of records has a row for each, a few objects a column each."""
    if _is_records(content):
        head = list(dict.fromkeys(key for record in content for key in record))
        return [{"title": title, "head": head, "rows": [[record.get(key, "") for key in head] for record in content]}]
    if not _is_object(content):
        return [{"title": title, "head": ["", ""], "rows": [["", content]]}]
    plain = {key: value for key, value in content.items() if not _is_object(value) and not _is_records(value)}
    nested = {key: value for key, value in content.items() if key not in plain}
    if not plain and len(nested) <= MOST_COLUMNS and all(_is_object(value) for value in nested.values()):
        return [_joint_table(nested, title)]
    rows = [[key, value] for key, value in plain.items()]
    found = [{"title": title, "head": ["", ""], "rows": rows}] if rows else []
    for key, value in nested.items():
        found += tables(value, f"{title} {key}".strip())
    return found


def _is_object(value: Any) -> bool:
    """Whether it has parts of its own; a share with its count is one value."""
    return isinstance(value, Mapping) and set(value) != SHARE


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_object(entry) for entry in value)


def _joint_table(columns: Mapping[str, Any], title: str) -> dict[str, Any]:
    flat = {name: _flatten(value) for name, value in columns.items()}
    paths = list(dict.fromkeys(path for values in flat.values() for path in values))
    rows = [[path, *(values.get(path, "") for values in flat.values())] for path in paths]
    return {"title": title, "head": ["", *flat], "rows": rows}


def _flatten(value: Any, path: str = "") -> dict[str, Any]:
    if _is_object(value):
        return {k: v for key, inner in value.items() for k, v in _flatten(inner, f"{path} {key}".strip()).items()}
    return {path: value}


def cell(value: Any) -> str:
    """A value measured elsewhere."""
    if isinstance(value, Mapping):
        return f"{value['count']} of {value['n']}, {interval(value['share'])}"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return ", ".join(cell(entry) for entry in value) if isinstance(value, list) else str(value)
