"""A bank's conventions and headings, on single complaints."""

import pytest

from data.quarter import Quarter
from data.store.report_figures import MatterCount
from data.taxonomy import default_taxonomy
from serving.reports.figures import leaf_of
from serving.reports.headings import ReportFiles

SWITCHED = {
    "collections_as_category": False,
    "credit_record_follows_product": False,
    "staff_private_sale_category": "B10",
    "debit_card_limits_category": "B05",
}


@pytest.mark.parametrize(
    ("leaf", "subcause", "switched"),
    [
        ("B12.01", "C12.1", "B03B.99"),
        ("B12.02", "C12.1", "B02.99"),
        ("B03B.07", "C03.5", "B09.03"),
        ("B99.04", "C10.3", "B10.99"),
        ("B99.04", "C01.1", "B99.04"),
        ("B03A.01", "C03.1", "B05.01"),
        ("B03A.01", "C03.2", "B03A.01"),
    ],
)
def test_conventions_of_the_taxonomy_are_followed(leaf: str, subcause: str, switched: str) -> None:
    count = MatterCount(
        unit_id="east", category=leaf.split(".")[0], leaf=leaf, cause=subcause[:3], subcause=subcause, cases=1
    )
    own = default_taxonomy().conventions
    assert leaf_of(count, own) == (leaf.split(".")[0], leaf)
    other = own.model_copy(update=SWITCHED)
    assert leaf_of(count, other) == (switched.split(".")[0], switched)
    assert switched in default_taxonomy().entries


def test_the_most_exact_heading_wins(files: ReportFiles) -> None:
    assert files.business("B09", "B09.04") == "个人金融信息的收集与使用类"
    assert files.business("B09", "B09.01") == "个人信用信息类"
    assert files.cause("C01", "C01.2") == "业务操作与效率"
    assert files.cause("C01", "C01.3") == "服务态度"


def test_quarters_over_the_turn_of_the_year() -> None:
    first = Quarter.parse("2026q1")
    assert (str(first.before), str(first.year_ago)) == ("2025Q4", "2025Q1")
    assert (first.first_month, first.last_month, first.name) == ("2026-01", "2026-03", "2026年第一季度")
