"""The README's figures. In: the figures of `report.json`. Out: README.md and README.zh-CN.md with a new block.

Only what stands between the two markers is replaced; the prose around it is written by hand.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import InputFileError
from eval.report.page import environment
from models.bundle import CURRENT_POINTER

BEGIN = "<!-- report:begin -->"
END = "<!-- report:end -->"
ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = {"README.md": "readme.md", "README.zh-CN.md": "readme.zh-CN.md"}


def rewrite_readmes(report: Mapping[str, Any], folder: Path = ROOT) -> None:
    """Put the report's tables into both READMEs. Raises InputFileError if one has no place for them."""
    contents = {
        name: replace_block(_read(folder / name), render_block(report, template), name=name)
        for name, template in TEMPLATES.items()
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")


def render_block(report: Mapping[str, Any], template: str) -> str:
    """The tables as Markdown."""
    sets = report["sets"]
    methods: Mapping[str, Any] = next(iter(report.get("baselines", {}).values()), {})
    return (
        environment(autoescape=False)
        .get_template(template)
        .render(
            report=report,
            command=re.sub(r"--report \S+", "--report FOLDER", report["provenance"]["command"]),
            main_name="test" if "test" in sets else next(iter(sets)),
            current=CURRENT_POINTER.read_text(encoding="utf-8").strip(),
            has_contrastive=any("SetFit" in method for method in methods),
        )
    )


def replace_block(content: str, block: str, *, name: str) -> str:
    """The content with a new block between the markers. Raises InputFileError if they are not there once each."""
    if content.count(BEGIN) != 1 or content.count(END) != 1 or content.index(BEGIN) > content.index(END):
        raise InputFileError(
            f"{name} does not hold {BEGIN} and {END} once, in this order; add them where figures stand"
        )
    before, _, rest = content.partition(BEGIN)
    return f"{before}{BEGIN}\n{block.strip()}\n{END}{rest.partition(END)[2]}"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputFileError(f"{file.name} is not in {file.parent}; run this in a checkout of the project") from error
