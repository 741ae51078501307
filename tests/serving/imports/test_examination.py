"""What is read of files as banks have them, and which are refused at once."""

import struct
import time
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest

from data.errors import InputFileError
from serving.imports.examination import Preview, count_rows, preview
from serving.input_files import FileFormat
from tests.serving.imports.files import (
    COMPLAINTS,
    HEADER,
    complaints,
    csv_file,
    jsonl_file,
    repacked,
    settings,
    upload,
    xlsx_file,
    zip_bomb,
)


def previewed(content: bytes, file_format: FileFormat = "csv", **changes: object) -> Preview:
    return preview(upload(content, file_format), settings(**changes))


def refused(content: bytes, file_format: FileFormat = "csv", **changes: object) -> InputFileError:
    with pytest.raises(InputFileError) as caught:
        count_rows(upload(content, file_format), settings(**changes))
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_spreadsheets_save_it(encoding: str, delimiter: str) -> None:
    rows = [HEADER, ("H1", "2026/11/23 9:30", COMPLAINTS[0] + ",；\n第二行", "王丽")]
    found = previewed(csv_file(rows, encoding=encoding, delimiter=delimiter))
    assert found.columns == {"工单号": "external_id", "受理时间": "received_at", "投诉内容（必填）": "text"}
    assert (found.unknown_columns, found.delimiter) == (["经办人"], delimiter)
    [row] = found.rows
    assert (row.row, row.external_id, row.error) == (2, "H1", None)
    assert row.received_at == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    assert row.text is not None
    assert row.text.startswith("信用卡被盗刷三千元")
    assert "13912345678" not in found.model_dump_json()


def test_names_of_columns_as_people_write_them() -> None:
    rows = [
        ["External ID ", " 投訴內容*", "受理日期：", "客户号", "網點", "地区", "来源", "办结期限"],
        ["1", "好", *[""] * 6],
    ]
    found = previewed(csv_file(rows))
    assert set(found.columns.values()) == {
        "external_id", "text", "received_at", "customer_ref", "branch", "region", "source", "due_at",
    }  # fmt: skip
    assert found.unknown_columns == []


def test_the_better_of_two_names_is_taken() -> None:
    found = previewed(csv_file([["编号", "内容", "工单号", "投诉内容"], ["7", "标题", "H1", COMPLAINTS[1]]]))
    assert found.columns == {"工单号": "external_id", "投诉内容": "text"}
    assert found.unknown_columns == ["编号", "内容"]


def test_a_title_may_stand_above_the_names() -> None:
    found = previewed(xlsx_file([["投诉工单明细表"], [], ["编号", "正文"], ["1", COMPLAINTS[0]]]), "xlsx")
    assert [(row.row, row.external_id) for row in found.rows] == [(4, "1")]


def test_xlsx_with_dates_numbers_and_formulas() -> None:
    rows = [
        ["编号", "内容", "受理时间", "办结期限", "客户号"],
        [20261123001, COMPLAINTS[0], datetime(2026, 11, 23, 9, 30), date(2026, 12, 10), 88.0],
        ["=1+1", COMPLAINTS[1], 46349.5, "20261210", None],
        [3, '="好"&"的"', None, None, None],
        [None, None, None, None, None],
        [5, "#N/A", None, None, None],
        [6, 12345, "昨天", None, None],
        [1.23456789012345678e17, COMPLAINTS[2], None, None, None],
    ]
    found = previewed(xlsx_file(rows), "xlsx")
    by_row = {row.row: row for row in found.rows}
    first, second = by_row[2], by_row[3]
    assert first.external_id == "20261123001"
    assert first.received_at == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    assert first.due_at == datetime(2026, 12, 10, 15, 59, 59, tzinfo=UTC)
    # A formula without a stored value gives none, one with it gives that: openpyxl writes none.
    assert (second.external_id, second.error) == (None, None)
    assert second.received_at == datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    codes = {row: shown.error.code for row, shown in by_row.items() if shown.error}
    assert codes == {4: "text_empty", 6: "text_empty", 7: "time_unreadable", 8: "number_rounded"}


def test_numbers_that_excel_has_rounded_are_refused_whichever_way_it_writes_them() -> None:
    numbers = [1234567890123450, 12345678901234500, 1234567890123456, 123456789012345]
    found = previewed(xlsx_file([["编号", "内容"], *([number, COMPLAINTS[0]] for number in numbers)]), "xlsx")
    assert [row.error and row.error.code for row in found.rows] == ["number_rounded", "number_rounded", None, None]
    assert [row.external_id for row in found.rows[2:]] == ["1234567890123456", "123456789012345"]
    exact = previewed(jsonl_file([{"id": 1234567890123450, "text": COMPLAINTS[0]}]), "jsonl")
    assert [row.external_id for row in exact.rows] == ["1234567890123450"]


def test_a_time_without_end_is_none() -> None:
    found = previewed(jsonl_file([{"text": COMPLAINTS[0], "received_at": float("inf")}]), "jsonl")
    assert [row.error and row.error.code for row in found.rows] == ["time_unreadable"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23", (2026, 11, 22, 16, 0, 0)),
        ("2026年11月23日9时30分", (2026, 11, 23, 1, 30, 0)),
        ("2026.11.23 09:30:15", (2026, 11, 23, 1, 30, 15)),
        ("２０２６／１１／２３　０９：３０", (2026, 11, 23, 1, 30, 0)),
        ("20261123093015", (2026, 11, 23, 1, 30, 15)),
        ("2026-11-23T09:30:00Z", (2026, 11, 23, 9, 30, 0)),
        ("2026-11-23 09:30:00.123+0100", (2026, 11, 23, 8, 30, 0)),
        ("2026-02-30", None),
        ("11/23/2026", None),
        ("2026-11-23 25:00", None),
        ("1763861400", None),
    ],
)
def test_times(written: str, meant: tuple[int, ...] | None) -> None:
    [row] = previewed(csv_file([["text", "received_at"], ["好", written]])).rows
    if meant is None:
        assert row.error is not None
        assert row.error.code == "time_unreadable"
        assert written not in row.error.message
    else:
        assert row.received_at == datetime(*meant, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("written", "meant"), [("客服热线", "hotline"), ("12378", "nfra"), (12345, "12345"), ("ＡＰＰ", "web"), ("", None)]
)
def test_sources_by_the_words_of_banks(written: object, meant: str | None) -> None:
    [row] = previewed(xlsx_file([["text", "来源"], ["好", written]]), "xlsx").rows
    assert (row.source, row.error) == (meant, None)


def test_an_unknown_source_is_told_with_what_is_expected() -> None:
    [row] = previewed(csv_file([["text", "来源"], ["好", "火星"]])).rows
    assert row.error is not None
    assert row.error.code == "source_unknown"
    assert "热线" in row.error.message_zh
    assert "火星" not in row.error.message + row.error.message_zh


def test_broken_lines_of_jsonl_are_told_and_the_rest_is_read() -> None:
    first = jsonl_file([{"id": 7, "投诉内容": COMPLAINTS[0], "x": 1}])
    lines = [first, b"{broken\n", b"\n", b'"words"\n', b'{"id": 1}\n',
             b'{"text": ["a"]}\n', b'{"text": "\xff"}\n', b'{"text": " "}\n', b'{"text": "\\ud83d"}\n',
             jsonl_file([{"text": "好", "external_id": "A", "region": None}])]  # fmt: skip
    found = previewed(b"".join(lines), "jsonl")
    errors = {row.row: row.error.code for row in found.rows if row.error}
    assert errors == {
        2: "row_unreadable", 4: "row_unreadable", 5: "row_unreadable", 6: "text_not_words", 7: "row_unreadable",
        8: "text_empty", 9: "text_not_unicode",
    }  # fmt: skip
    assert [(row.row, row.external_id) for row in found.rows if not row.error] == [(1, "7"), (10, "A")]
    assert found.unknown_columns == ["x"]


def test_a_file_without_a_text_column_is_refused_with_what_was_found() -> None:
    error = refused(csv_file([["工单号", "受理时间", "经办人"], ["H1", "", ""]]))
    assert error.code == "text_column_missing"
    assert "工单号, 受理时间, 经办人" in error.message
    assert "投诉内容" in error.message
    assert "补上表头" in error.message_zh


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "jsonl"])
def test_a_complaint_in_place_of_names_is_not_repeated(file_format: FileFormat) -> None:
    rows = [["张三丰", "我被骗了三千块"], ["李四", "钱没了"]]
    content = {
        "csv": csv_file(rows),
        "xlsx": xlsx_file(rows),
        "jsonl": jsonl_file([{"我被骗了三千块": 1}]),
    }[file_format]
    error = refused(content, file_format)
    assert error.code == "text_column_missing"
    assert "骗" not in error.message + error.message_zh
    assert "张三" not in error.message + error.message_zh


def test_names_of_unknown_columns_are_shown_without_personal_data() -> None:
    found = previewed(
        csv_file([["text", "13912345678", "我在贵行办理的信用卡被盗刷了三千元请尽快处理"], ["好", "", ""]])
    )
    assert "13912345678" not in str(found.unknown_columns)
    assert found.unknown_columns[1] == "(22 characters)"


def test_one_row_too_many_is_refused() -> None:
    content = csv_file(complaints(10_001))
    assert count_rows(upload(content), settings(import_max_rows=10_001)) == 10_001
    error = refused(content, import_max_rows=10_000)
    assert error.code == "file_too_many_rows"
    assert "more than 10000 rows; split it" in error.message


@pytest.mark.parametrize("content", [b"", b"text\n", b"text\n\n,\n"])
def test_a_file_without_rows_is_refused(content: bytes) -> None:
    assert refused(content).code in ("file_empty", "text_column_missing")


def test_a_zip_bomb_is_refused_by_what_it_states() -> None:
    bomb = zip_bomb()
    assert len(bomb) < 100_000
    assert refused(bomb, "xlsx", import_max_unpacked_bytes=10_000_000).code == "file_unpacks_too_large"


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(zip_bomb())
    stated, lie = struct.pack("<I", 50_000_000), struct.pack("<I", 1_000)
    while (place := bomb.find(stated)) >= 0:
        bomb[place : place + 4] = lie
    assert refused(bytes(bomb), "xlsx", import_max_unpacked_bytes=10_000_000).code == "file_damaged"


def test_many_small_parts_are_refused() -> None:
    file = repacked(xlsx_file([["text"], ["好"]]), {f"x{i}": b"" for i in range(1_000)})
    assert refused(file, "xlsx").code == "file_unpacks_too_large"


def test_entities_of_xml_are_not_expanded() -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 8))
    sheet = (
        f'<!DOCTYPE worksheet [<!ENTITY l0 "ha">{laughs}]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>&l7;</t></is></c></row></sheetData></worksheet>'
    )
    file = repacked(xlsx_file([["text"], ["好"]]), {"xl/worksheets/sheet1.xml": sheet.encode()})
    error = refused(file, "xlsx")
    assert error.code == "file_damaged"
    assert error.__cause__ is not None
    assert type(error.__cause__.__context__).__name__ == "EntitiesForbidden"


def test_a_line_number_beyond_excel_ends_the_reading() -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'
        '<row r="4000000000"><c r="A4000000000" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>'
    )
    file = repacked(xlsx_file([["text"], ["好"]]), {"xl/worksheets/sheet1.xml": sheet.encode()})
    assert "1048576" in refused(file, "xlsx").message


def test_files_made_to_be_slow_are_read_in_no_time() -> None:
    """Millions of empty cells, of names, of lines that are none."""
    files: list[tuple[bytes, FileFormat]] = [
        (b"," * 3_000_000 + b"\ntext\n", "csv"),
        (b"x\n" * 1_000_000, "jsonl"),
        (jsonl_file([{"text": "x", **{f"k{i}": 0 for i in range(200_000)}}]), "jsonl"),
    ]
    started = time.process_time()
    for content, file_format in files:
        with suppress(InputFileError):
            count_rows(upload(content, file_format), settings())
    assert time.process_time() - started < 5


def test_too_many_columns_are_refused() -> None:
    rows = [["text", *[f"c{i}" for i in range(30)]], ["好"]]
    assert refused(xlsx_file(rows), "xlsx", import_max_columns=20).code == "file_too_many_columns"
    assert refused(csv_file(rows), import_max_columns=20).code == "file_too_many_columns"


def test_a_truncated_workbook_is_refused() -> None:
    assert refused(xlsx_file(complaints(50))[:-200], "xlsx").code == "file_damaged"


def test_an_unclosed_quotation_mark_is_guessed() -> None:
    content = '编号,内容\n1,"客户说"\n2,"没有闭合\n'.encode() + csv_file(complaints(200)[1:])
    found = previewed(content, import_max_cell_characters=1_000)
    assert [row.error.code for row in found.rows if row.error] == ["cell_too_long"]
    assert found.rows[1].error is not None
    assert "quotation mark" in found.rows[1].error.message


def test_long_cells_fail_alone() -> None:
    rows = [["id", "text"], ["x" * 201, "好"], ["2", "长" * 20_001], ["3", "长" * 101], ["4", "好"]]
    codes = [row.error and row.error.code for row in previewed(csv_file(rows)).rows]
    assert codes == ["cell_too_long", "text_too_long", None, None]
    codes = [row.error and row.error.code for row in previewed(csv_file(rows), import_max_cell_characters=100).rows]
    assert codes == ["cell_too_long", "cell_too_long", "cell_too_long", None]
