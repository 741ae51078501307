"""The weekly letter's words. In: a digest's numbers and codes. Out: subject and text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from data.taxonomy import default_taxonomy

KINDS = MappingProxyType({"spike": "突增", "group": "群体投诉", "template": "模板投诉", "term": "新词"})


def digest_subject(payload: Mapping[str, Any]) -> str:
    open_now = f"{payload['open']} 条处理中" if payload["open"] else "无处理中预警"
    return f"消保预警周报 {payload['first']} 至 {payload['last']}：{open_now}"


def digest_lines(payload: Mapping[str, Any]) -> list[str]:
    """What rises, line by line, 重大 first."""
    return [
        f"{payload['unit']}（含下级机构），{payload['first']} 至 {payload['last']}：",
        "",
        f"受理投诉 {payload['received']} 件（上周 {payload['received_before']} 件），"
        f"当前逾期 {payload['overdue']} 件。",
        f"新增预警 {payload['raised']} 条，结束 {payload['ended']} 条；"
        f"处理中 {payload['open']} 条，其中 {payload['unseen']} 条无人确认。",
        *([""] if payload["warnings"] else []),
        *(_line(warning) for warning in payload["warnings"]),
    ]


def _line(warning: Mapping[str, Any]) -> str:
    grade = "【重大】" if warning["grade"] == "major" else ""
    usual = "" if warning["expected"] is None else f"（平常 {max(0.1, warning['expected']):.1f} 件）"
    new = "，本周新增" if warning["is_new"] else ""
    matter = _matter(warning)
    return f"· {grade}{KINDS[warning['kind']]}{matter}：{warning['window_days']} 天 {warning['count']} 件{usual}{new}"


def _matter(warning: Mapping[str, Any]) -> str:
    """Business and cause as finely as they are known."""
    entries = default_taxonomy().entries
    codes = (warning["leaf"] or warning["category"], warning["subcause"] or warning["cause"])
    names = [entries[code].name if code in entries else code for code in codes if code]
    return f" {'、'.join(names)}" if names else ""
