"""Lines of JSONL files. In: a UTF-8 file. Out: its lines.

Split at line feeds alone: a text may hold other characters that Python takes for line ends, such as U+2028 or U+0085.
"""

from pathlib import Path


def read_lines(file: Path) -> list[str]:
    """All lines, blank ones too, so that they can be numbered. Raises OSError, UnicodeDecodeError."""
    lines = file.read_bytes().decode("utf-8").split("\n")
    return lines if lines[-1] else lines[:-1]
