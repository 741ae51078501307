"""What the columns of a file mean. In: the names in its first line. Out: which column holds which field.

Names are compared without width, case, spaces, marks and remarks in brackets, traditional like simplified: `投诉内容*`,
`投訴內容（必填）` and `External ID` are all known. Where several columns could be one field, the name that stands first
in the table wins.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from data.normalize import normalize_text
from data.store.free_text import redacted

Names = Mapping[str, Sequence[str]]

TEXT = "text"
# A name that is longer is none; it may be a complaint.
LONGEST_NAME = 20
LAST_COLUMN = 1_000
"""Names behind it are not looked at: a file that is made to be slow may have millions."""

IMPORT_NAMES: Names = {
    TEXT: (
        "text", "投诉内容", "投诉正文", "工单内容", "诉求内容", "来电内容", "问题描述", "投诉描述", "诉求描述",
        "事项描述", "内容", "正文", "诉求", "描述", "complaint", "content",
    ),
    "external_id": (
        "external_id", "工单号", "工单编号", "投诉编号", "案件编号", "受理编号", "业务单号", "流水号", "单号",
        "编号", "id",
    ),
    "received_at": (
        "received_at", "受理时间", "受理日期", "投诉时间", "投诉日期", "来电时间", "接收时间", "登记时间", "登记日期",
        "收到时间", "收到日期", "创建时间",
    ),
    "branch": (
        "branch", "机构", "网点", "机构名称", "网点名称", "机构号", "机构代码", "所属机构", "被投诉机构", "被投诉网点",
        "分行", "支行",
    ),
    "region": ("region", "地区", "区域", "所在地区", "省市", "城市"),
    "customer_ref": ("customer_ref", "客户号", "客户编号", "客户代码", "客户标识", "客户id"),
    "regulator_ref": ("regulator_ref", "监管编号", "监管工单号", "转办编号", "转办单号"),
    "source": ("source", "来源", "投诉来源", "来源渠道", "受理渠道", "投诉渠道"),
    "input": ("input", "录入方式", "文本类型"),
    "due_at": (
        "due_at", "办结期限", "办结时限", "办理期限", "办理时限", "答复期限", "截止时间", "截止日期", "限办日期",
        "到期日",
    ),
}  # fmt: skip
"""The fields of a request (serving.api.requests) and what banks call them."""

PREDICT_NAMES: Names = {TEXT: IMPORT_NAMES[TEXT], "id": ("id", *IMPORT_NAMES["external_id"])}
"""What `xiaobao predict` reads."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """A first line that was read: `fields` says which field each understood place of `header` holds."""

    header: tuple[str, ...]
    fields: Mapping[int, str]

    @property
    def places(self) -> dict[str, int]:
        """Where each field stands."""
        return {field: place for place, field in self.fields.items()}

    @property
    def recognised(self) -> dict[str, str]:
        """The field of each column that is understood, in the order of the file."""
        return {shown(self.header[place]): field for place, field in sorted(self.fields.items())}

    @property
    def unknown(self) -> list[str]:
        """The names of the other columns."""
        return [shown(name) for place, name in enumerate(self.header) if name.strip() and place not in self.fields]


def recognise(header: Sequence[object], names: Names) -> Columns:
    """Find the fields among the cells of a first line."""
    cells = tuple("" if cell is None else str(cell) for cell in header[:LAST_COLUMN])
    bare: dict[str, int] = {}
    for place, name in enumerate(cells):
        bare.setdefault(_bare(name), place)
    found = {field: [bare[key] for key in map(_bare, known) if key in bare] for field, known in names.items()}
    return Columns(header=cells, fields={places[0]: field for field, places in found.items() if places})


def shown(name: str) -> str:
    """A column's name for people to read: without personal data, and never a whole text."""
    return redacted(name) if len(name.strip()) <= LONGEST_NAME else f"({len(name)} characters)"


@lru_cache(maxsize=1024)
def _bare(name: str) -> str:
    if len(name) > 4 * LONGEST_NAME:
        return name
    folded = normalize_text(name).text.casefold()
    return re.sub(r"[\s_*:：-]+", "", re.sub(r"[(（【\[].*?[)）】\]]", "", folded))
