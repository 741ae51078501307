"""A unit's short paragraph. In: its figures. Out: one paragraph in Chinese, every number from them.

    2026年第三季度，东城支行共受理消费投诉7件，均为营业现场渠道。按业务类别分：储蓄类3件，贷款业务类1件……

In a report that is sent out small numbers are left out here as everywhere.
"""

from collections.abc import Sequence
from datetime import date

from data.taxonomy import Taxonomy
from serving.reports.figures import ALL, Mark, Number, QuarterFigures
from serving.reports.headings import Heading, ReportFiles


def paragraph(figures: QuarterFigures, *, name: str, open_cases: Number, files: ReportFiles, today: date) -> str:
    """What happened in the quarter, in four sentences."""
    total = figures.number(ALL)
    head = f"{figures.quarter.name}，{name}"
    if total == 0:
        return f"{head}未受理消费投诉。"
    if isinstance(total, Mark):
        return f"{head}受理的消费投诉件数较少，为避免识别到个人，不列明细。"
    return (
        f"{head}共受理消费投诉{total}件，{_channels(figures, files.taxonomy)}。"
        f"按业务类别分：{_listed(figures, 'business', files.headings.business)}。"
        f"按投诉原因分：{_listed(figures, 'reason', files.headings.causes)}。"
        f"{_open(open_cases, today)}"
    )


def _channels(figures: QuarterFigures, taxonomy: Taxonomy) -> str:
    named = [(entry.name, figures.number(("channel", entry.code))) for entry in taxonomy.channels]
    used = [(name, count) for name, count in named if count != 0]
    if len(used) == 1:
        return f"均为{used[0][0]}渠道"
    return "按渠道分：" + _joined(used)


def _listed(figures: QuarterFigures, kind: str, headings: Sequence[Heading]) -> str:
    order = {heading.heading: i for i, heading in enumerate(headings)}
    names = sorted(figures.codes(kind), key=lambda name: (order.get(name, len(order)), name))
    return _joined([(name, figures.number((kind, name))) for name in names])


def _joined(counts: Sequence[tuple[str, Number]]) -> str:
    printed = [f"{name}{count}件" for name, count in counts if not isinstance(count, Mark)]
    hidden = [name for name, count in counts if isinstance(count, Mark)]
    if hidden:
        printed.append(f"{'、'.join(hidden)}件数较少不单列")
    return "，".join(printed)


def _open(open_cases: Number, today: date) -> str:
    on = f"截至{today.year}年{today.month}月{today.day}日"
    if isinstance(open_cases, Mark):
        return f"{on}，在办件数较少不单列。"
    return f"{on}，{'无未办结投诉' if open_cases == 0 else f'未办结{open_cases}件'}。"
