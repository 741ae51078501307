"""Lines of JSONL files end at line feeds alone."""

from pathlib import Path

import pytest

from data.json_lines import read_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\nb\n", ["a", "b"]),
        ("a\n\nb\n", ["a", "", "b"]),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n", ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"]),
    ],
)
def test_lines(tmp_path: Path, content: str, lines: list[str]) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(content.encode())
    assert read_lines(file) == lines
