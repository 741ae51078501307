"""The two files that a bank writes for its reports. In: YAML. Out: headings, education texts, checked.

`report_groups.yaml` maps labels to the bank's own headings, `education.yaml` says what a leading cause suggests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from data.errors import ReportFileError
from data.taxonomy import Taxonomy
from data.yaml_files import read_yaml
from serving.reports.small_cells import LEAST

FOLDER = Path(__file__).parent
GROUPS, EDUCATION = "report_groups.yaml", "education.yaml"
Content = TypeVar("Content")
Text = Annotated[str, Field(min_length=1)]


class Heading(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    heading: Text
    codes: tuple[str, ...] = Field(min_length=1)


class Headings(BaseModel):
    """`report_groups.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    business: tuple[Heading, ...]
    causes: tuple[Heading, ...]
    least_count: int = Field(default=LEAST, ge=1, le=100)

    @model_validator(mode="after")
    def _each_code_once(self) -> Self:
        for headings in (self.business, self.causes):
            codes = [code for heading in headings for code in heading.codes]
            repeated = sorted({code for code in codes if codes.count(code) > 1})
            if repeated:
                raise ValueError(f"{', '.join(repeated)} stands under two headings")
        return self


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    headings: Headings
    education: dict[str, str]
    taxonomy: Taxonomy

    def business(self, category: str, leaf: str | None) -> str:
        """The bank's heading for a business; by its leaf first."""
        return self._named(self.headings.business, (leaf, category))

    def cause(self, cause: str, subcause: str | None) -> str:
        return self._named(self.headings.causes, (subcause, cause))

    def advice(self, cause: str, subcause: str | None) -> str | None:
        """What a cause suggests for consumer education; None if nobody wrote it."""
        return self.education.get(subcause or "") or self.education.get(cause)

    def _named(self, headings: Sequence[Heading], codes: Sequence[str | None]) -> str:
        for code in codes:
            for heading in headings:
                if code in heading.codes:
                    return heading.heading
        entry = self.taxonomy.entries.get(codes[-1] or "")
        return entry.name if entry else codes[-1] or ""


def read_report_files(folder: Path | None, taxonomy: Taxonomy) -> ReportFiles:
    """Both files, those of the bank's folder before the shipped ones. Raises ReportFileError naming what is wrong."""
    groups = _file(folder, GROUPS)
    headings = _checked(groups, TypeAdapter(Headings))
    education = _checked(_file(folder, EDUCATION), TypeAdapter(dict[str, Text]))
    named = {code for heading in (*headings.business, *headings.causes) for code in heading.codes} | set(education)
    unknown = sorted(named - set(taxonomy.entries))
    if unknown:
        raise ReportFileError(
            f"{GROUPS} or {EDUCATION} names {', '.join(unknown)}, which the taxonomy does not have; correct the code",
            f"{GROUPS} 或 {EDUCATION} 中的代码 {'、'.join(unknown)} 不在分类表中，请更正",
        )
    return ReportFiles(headings=headings, education=education, taxonomy=taxonomy)


def _file(folder: Path | None, name: str) -> Path:
    own = folder / name if folder else None
    return own if own is not None and own.exists() else FOLDER / name


def _checked(path: Path, shape: TypeAdapter[Content]) -> Content:
    try:
        return shape.validate_python(read_yaml(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ReportFileError(
            f"{path.name} cannot be read as YAML ({type(error).__name__}); correct it or take the shipped one",
            f"无法读取 {path.name}，请更正文件或使用随软件提供的版本",
        ) from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        raise ReportFileError(
            f"{path.name} is inconsistent: {problems}; correct these places",
            f"{path.name} 内容有误，请更正以下各处：{problems}",
        ) from error
