"""From one version of the taxonomy to the next. In: a map of codes. Out: converted labels, policy and report files.

    from: 1.0.0
    to: 1.1.0
    codes:
      B03A.05: B03A.06            # renamed, or merged into another one
      B05.06: [B05.06, B05.10]    # split: a person must choose
      B05.08: null                # given up: a person must choose

Codes that the map does not name stay as they are. Nothing is changed in the store: old decisions keep the version that
they were made with. Files are written anew beside the old ones.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import TaxonomyError
from data.snapshots import LabelRow
from data.taxonomy import Taxonomy
from data.yaml_files import read_yaml

FIELDS = ("order_type", "leaf", "subcause", "channel")
LISTS = ("causes2", "flags")
Target = str | tuple[str, ...] | None


class TaxonomyMap(BaseModel):
    """The file given with --map."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    codes: Mapping[str, Target]

    @classmethod
    def read(cls, file: Path, new: Taxonomy) -> Self:
        """Raises TaxonomyError for a wrong file, another version than the new taxonomy's or codes that it lacks."""
        try:
            content = cls.model_validate(read_yaml(file))
        except (OSError, yaml.YAMLError) as error:
            raise TaxonomyError(f"{file.name} cannot be read: {type(error).__name__}") from error
        except ValidationError as error:
            places = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
            raise TaxonomyError(f"{file.name} is wrong: {places}") from error
        if content.target != new.version:
            raise TaxonomyError(f"{file.name} leads to taxonomy {content.target}, the new file is {new.version}")
        lacking = {code for targets in content.codes.values() for code in _targets(targets)} - set(new.entries)
        if lacking:
            raise TaxonomyError(f"{file.name}: taxonomy {new.version} has no {', '.join(sorted(lacking))}")
        return content

    def one(self, code: str) -> str | None:
        """The new code, None where a person must choose."""
        target = self.codes.get(code, code)
        return target if isinstance(target, str) else None


def _targets(target: Target) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else target or ()


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """A label that no rule converts."""

    id: str
    field: str
    code: str
    choices: tuple[str, ...]


def convert_rows(rows: Iterable[LabelRow], codes: TaxonomyMap, new: Taxonomy) -> tuple[list[LabelRow], list[ByHand]]:
    """Converted rows, and what keeps the others out: codes that a person must choose or that the new file lacks."""
    done, left = [], []
    for row in rows:
        problems = list(_problems(row, codes, new))
        if problems:
            left += problems
        else:
            done.append(_converted(row, codes))
    return done, left


def _problems(row: LabelRow, codes: TaxonomyMap, new: Taxonomy) -> Iterable[ByHand]:
    for field in (*FIELDS, *LISTS):
        value = getattr(row, field)
        for code in value if field in LISTS else [value] if value else []:
            if codes.one(code) not in new.entries:
                yield ByHand(id=row.id, field=field, code=code, choices=_targets(codes.codes.get(code)))


def _converted(row: LabelRow, codes: TaxonomyMap) -> LabelRow:
    """Parents follow their children; probabilities and second readings speak of the old codes and are left out."""
    leaf, subcause = (codes.one(code) if code else None for code in (row.leaf, row.subcause))
    return replace(
        row,
        order_type=str(codes.one(row.order_type)),
        leaf=leaf,
        category=leaf.split(".")[0] if leaf else None,
        subcause=subcause,
        cause=subcause.split(".")[0] if subcause else None,
        channel=str(codes.one(row.channel)),
        causes2=tuple(dict.fromkeys(str(codes.one(code)) for code in row.causes2)),
        flags=tuple(dict.fromkeys(str(codes.one(code)) for code in row.flags)),
        readings=(),
        probabilities={},
    )


def convert_policy(text: str, codes: TaxonomyMap, version: str) -> str:
    """A policy file with new codes and its own new version; comments and order stay.

    Raises TaxonomyError naming the lines that a person must decide.
    """
    lines = text.split("\n")
    hard = [code for code in codes.codes if codes.one(code) is None]
    found = [f"{n} ({code})" for n, line in enumerate(lines, 1) for code in hard if _pattern(code).search(_bare(line))]
    if found:
        raise TaxonomyError(f"the policy names codes that a person must decide, in lines {', '.join(found)}")
    renamed = {code: str(codes.one(code)) for code in codes.codes}
    if not renamed:
        converted = text
    else:
        any_of = re.compile("|".join(_pattern(code).pattern for code in sorted(renamed, key=len, reverse=True)))
        converted = any_of.sub(lambda match: renamed[match.group()], text)
    return re.sub(r"(?m)^version:.*$", f'version: "{version}"', converted, count=1)


def _pattern(code: str) -> re.Pattern[str]:
    """The code itself, not the beginning of a longer one."""
    return re.compile(rf"(?<![\w.]){re.escape(code)}(?![\w]|\.\d)")


def _bare(line: str) -> str:
    return line.split(" #")[0]


def convert_report(text: str, codes: TaxonomyMap, *, column: str) -> str:
    """A CSV file of figures by code: figures of codes that became one are added up.

    Raises TaxonomyError for a missing column and for codes that were split: counts cannot be divided.
    """
    reader = csv.DictReader(io.StringIO(text))
    names = list(reader.fieldnames or ())
    if column not in names:
        raise TaxonomyError(f"the report has no column {column}; it has {', '.join(names) or 'none'}")
    sums: dict[tuple[str, ...], dict[str, str]] = {}
    for row in reader:
        new = codes.one(row[column]) if row[column] else ""
        if new is None:
            raise TaxonomyError(f"{row[column]} was split or given up; its figures cannot be divided by rule")
        row[column] = new
        numbers = [name for name in names if name != column and _is_number(row[name])]
        key = tuple(row[name] for name in names if name not in numbers)
        sums[key] = _added(sums[key], row, numbers) if key in sums else row
    output = io.StringIO()
    writer = csv.DictWriter(output, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sums.values())
    return output.getvalue()


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+", value or "") is not None


def _added(first: Mapping[str, str], second: Mapping[str, str], numbers: Sequence[str]) -> dict[str, str]:
    return {**first, **{name: str(int(first[name]) + int(second[name])) for name in numbers}}
