"""The command line: files in, files out, bad rows skipped and reported, exit codes."""

import csv
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from models.bundle import Bundle
from serving.cli import COMMANDS, main
from tests.data.policy.test_book import version, write_policy

TEXTS = ["卡里少了钱", "帳戶被凍結，電話13800138000", "你好"]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _predict(bundle: Bundle, file: Path) -> tuple[Result, list[dict[str, object]]]:
    output = file.with_name("out.jsonl")
    result = _run("predict", "--input", str(file), "--output", str(output), "--bundle", str(bundle.folder))
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()] if output.exists() else []
    return result, rows


def test_jsonl_in_order_with_ids_and_extra_columns(tiny_bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(json.dumps({"id": f"n{i}", "text": text, "x": 1}) for i, text in enumerate(TEXTS)))
    result, rows = _predict(tiny_bundle, file)
    assert result.exit_code == 0
    assert [row["id"] for row in rows] == ["n0", "n1", "n2"]
    assert "13800138000" not in json.dumps(rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_the_encodings_of_spreadsheets(tiny_bundle: Bundle, tmp_path: Path, encoding: str) -> None:
    with (tmp_path / "in.csv").open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, ["branch", "text"])
        writer.writeheader()
        writer.writerows({"branch": "南门", "text": f"{text}\n第二行"} for text in TEXTS)
    result, rows = _predict(tiny_bundle, tmp_path / "in.csv")
    assert result.exit_code == 0
    assert str(rows[0]["redacted_text"]).startswith("卡里少了钱")


def test_xlsx(tiny_bundle: Bundle, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["id", "text"], [7, TEXTS[0]], [None, None], [8, TEXTS[1]]):
        sheet.append(row)
    book.save(tmp_path / "in.xlsx")
    result, rows = _predict(tiny_bundle, tmp_path / "in.xlsx")
    assert result.exit_code == 0
    assert [row["id"] for row in rows] == ["7", "8"]


def test_columns_by_their_chinese_names_below_a_title(tiny_bundle: Bundle, tmp_path: Path) -> None:
    lines = ["投诉明细;;", "工单号;受理时间;投诉内容", f"H1;2026-11-23;{TEXTS[0]}", f"H2;;{TEXTS[1]}"]
    (tmp_path / "in.csv").write_text("\n".join(lines), encoding="gb18030")
    result, rows = _predict(tiny_bundle, tmp_path / "in.csv")
    assert result.exit_code == 0
    assert [row["id"] for row in rows] == ["H1", "H2"]


def test_bad_rows_are_reported_with_their_line_and_the_rest_is_done(tiny_bundle: Bundle, tmp_path: Path) -> None:
    lines = [b'{"text": "' + TEXTS[0].encode() + b'"}', b"{broken", b'{"text": 5}', b'{"no": 1}', b'{"text": " "}',
             b'{"text": "\xff"}', b"", b'{"text": "ok"}']  # fmt: skip
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    result, rows = _predict(tiny_bundle, tmp_path / "in.jsonl")
    assert result.exit_code == 1
    assert len(rows) == 2
    for line in (2, 3, 4, 5, 6):
        assert f"line {line}:" in result.stderr
    assert "2 texts triaged, 5 skipped" in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.txt", b"x", "expected .jsonl, .csv, .xlsx or .parquet"),
        ("in.csv", b"a,b\n1,2\n", "no column named text among its 2 columns"),
        ("in.xlsx", b"not a workbook", "cannot be read as XLSX"),
        ("in.csv", b"text\n\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_unreadable_file_is_one_line_and_exit_1(
    tiny_bundle: Bundle, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result, _ = _predict(tiny_bundle, tmp_path / name)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out.jsonl").exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_complaint_in_place_of_a_header_is_not_repeated(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("我被骗了三千块\n", encoding="utf-8")
    result, _ = _predict(tiny_bundle, tmp_path / "in.csv")
    assert result.exit_code == 1
    assert "被骗" not in result.output


def test_missing_output_folder_is_one_line(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "好"}')
    output = str(tmp_path / "nowhere" / "out.jsonl")
    result = _run(
        "predict", "--input", str(tmp_path / "in.jsonl"), "--output", output, "--bundle", str(tiny_bundle.folder)
    )
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


def test_xlsx_with_a_wrong_extent_loses_no_row(tiny_bundle: Bundle, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for value in ("text", *TEXTS):
        sheet.append([value])
    book.save(tmp_path / "plain.xlsx")
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain, zipfile.ZipFile(tmp_path / "in.xlsx", "w") as wrong:
        for name in plain.namelist():
            content = plain.read(name)
            wrong.writestr(name, content.replace(b'<dimension ref="A1:A4"', b'<dimension ref="A1"'))
    _, rows = _predict(tiny_bundle, tmp_path / "in.xlsx")
    assert len(rows) == len(TEXTS)


def _xlsx(file: Path, replaced: dict[str, bytes]) -> None:
    """A workbook with some parts replaced."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for value in ("text", *TEXTS):
        sheet.append([value])
    book.save(file.with_name("plain.xlsx"))
    with zipfile.ZipFile(file.with_name("plain.xlsx")) as plain, zipfile.ZipFile(file, "w") as changed:
        for name in plain.namelist():
            changed.writestr(name, replaced.get(name, plain.read(name)))


WORKBOOK_WITHOUT_SHEETS = (
    b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets></sheets></workbook>'
)


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"xl/workbook.xml": WORKBOOK_WITHOUT_SHEETS}, "has no sheet of cells"),
        ({"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row><c r='A1'"}, "cannot be read as XLSX"),
    ],
)
def test_a_damaged_workbook_is_one_line(
    tiny_bundle: Bundle, tmp_path: Path, replaced: dict[str, bytes], said: str
) -> None:
    _xlsx(tmp_path / "in.xlsx", replaced)
    result, _ = _predict(tiny_bundle, tmp_path / "in.xlsx")
    assert result.exit_code == 1
    assert said in result.stderr
    assert "in.xlsx" in result.stderr


def test_a_workbook_with_broken_compression_is_one_line(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise zlib.error("Error -3 while decompressing data")

    _xlsx(tmp_path / "in.xlsx", {})
    monkeypatch.setattr("openpyxl.worksheet._read_only.WorkSheetParser.parse", fail)
    result, _ = _predict(tiny_bundle, tmp_path / "in.xlsx")
    assert result.exit_code == 1
    assert "in.xlsx cannot be read as XLSX: error; save it again" in result.stderr


def test_odd_ids_fall_back_to_the_line(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(
        '{"id": null, "text": "好"}\n{"id": {"a": 1}, "text": "好"}\n{"id": 7, "text": "好"}\n'
        '{"id": "\\ud83d", "text": "好"}'
    )
    _, rows = _predict(tiny_bundle, tmp_path / "in.jsonl")
    assert [row["id"] for row in rows] == ["1", "2", "7", "4"]


def test_lines_of_a_csv_are_those_a_person_sees(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('branch,text\na,好\n\n\na,好\na\na,"好\n好"\na,好\n', encoding="utf-8")
    result, rows = _predict(tiny_bundle, tmp_path / "in.csv")
    assert [row["id"] for row in rows] == ["2", "5", "7", "9"]
    assert "line 6: no value for text" in result.stderr


def test_the_input_is_not_replaced_by_its_answers(tiny_bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"text": "好"}', encoding="utf-8")
    result = _run("predict", "--input", str(file), "--output", str(file), "--bundle", str(tiny_bundle.folder))
    assert result.exit_code == 1
    assert "in.jsonl is the input itself" in result.stderr
    assert file.read_text(encoding="utf-8") == '{"text": "好"}'


def test_a_failing_text_is_exit_1_and_never_quoted(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quote(*_: object) -> None:
        raise ValueError("坏的秘密")

    monkeypatch.setattr("models.predictor.Predictor.answer", quote)
    (tmp_path / "in.jsonl").write_text('{"text": "坏的秘密"}', encoding="utf-8")
    result, rows = _predict(tiny_bundle, tmp_path / "in.jsonl")
    assert (result.exit_code, rows) == (1, [])
    assert "line 1: internal_error: unexpected ValueError" in result.stderr
    assert "0 texts triaged, 1 skipped" in result.stderr
    assert "秘密" not in result.output


def test_an_unexpected_error_is_one_line_without_the_complaint(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quote(*_: object) -> None:
        raise ValueError("坏的秘密")

    monkeypatch.setattr("models.predictor.Predictor.infer", quote)
    result = _run("triage", "坏的秘密", "--bundle", str(tiny_bundle.folder))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: unexpected ValueError at ")
    assert result.stderr.count("\n") == 1
    assert "秘密" not in result.output


def test_wrong_usage_is_exit_2() -> None:
    assert _run("predict").exit_code == 2
    assert _run("nothing").exit_code == 2


def test_triage_is_readable(tiny_bundle: Bundle) -> None:
    result = _run("triage", TEXTS[1], "--bundle", str(tiny_bundle.folder))
    assert result.exit_code == 0
    for heading in ("工单类型", "业务类别", "投诉原因", "业务渠道", "处置", "脱敏文本"):
        assert heading in result.output
    assert "13800138000" not in result.output


def test_triage_refuses_nothing_to_read(tiny_bundle: Bundle) -> None:
    result = _run("triage", " ", "--bundle", str(tiny_bundle.folder))
    assert result.exit_code == 1
    assert "the text is empty" in result.stderr


def test_bundle_show(tiny_bundle: Bundle) -> None:
    result = _run("bundle", "show", str(tiny_bundle.folder))
    assert "all hashes match" in result.output
    assert "81 leaves" in result.output


def test_every_command_is_there() -> None:
    output = _run("--help").output
    for command in ("bundle", "corpus", "evaluate", "predict", "serve", "train", "triage"):
        assert f"  {command} " in output


def test_a_banks_policy_decides_in_files_too(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_policy(tmp_path, change=version("3.0.0"))
    monkeypatch.setenv("XIAOBAO_POLICY_FOLDER", str(tmp_path))
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps({"text": TEXTS[0]}))
    _, [row] = _predict(tiny_bundle, file)
    assert row["versions"]["policy"] == "3.0.0"  # type: ignore[index]


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_store_is_loaded_by_commands_on_it_alone(option: str) -> None:
    """It would double the start of every other command."""
    code = f"import sys, serving.cli; serving.cli.main([{option!r}], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert {"alembic", "numpy", "pydantic", "sqlalchemy"} & set(done.stdout.split()) == set()


def test_help_lists_every_command_with_what_it_does() -> None:
    listed = {
        line.split()[0]: line.split()[1:] for line in _run("--help").output.split("Commands:")[1].splitlines() if line
    }
    assert {*COMMANDS, "bundle", "evaluate", "predict", "serve", "train", "triage"} <= set(listed)
    assert all(listed.values())
