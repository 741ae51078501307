"""The versioned labels. In: `taxonomy.yaml`. Out: a frozen, checked `Taxonomy` with look-ups by code and by index.

The order of entries in the file is the order of a model's outputs; a bundle stores it, so a file that has grown
does not silently shift an older model's labels.
"""

import os
from collections import Counter
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import TaxonomyError
from data.yaml_files import read_yaml

TAXONOMY_PATH = Path(__file__).with_name("taxonomy.yaml")


class Entry(BaseModel):
    """One label: a code that is never reused, names, a definition and the bank's own standard code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    name: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    std_code: str = ""
    retired: bool = False


class Leaf(Entry):
    code: str = Field(pattern=r"^B\d\d[A-Z]?\.\d\d$")


class Category(Entry):
    code: str = Field(pattern=r"^B\d\d[A-Z]?$")
    leaves: tuple[Leaf, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _leaves_belong_here(self) -> Self:
        strangers = [leaf.code for leaf in self.leaves if not leaf.code.startswith(self.code + ".")]
        if strangers:
            raise ValueError(f"leaves {strangers} stand under category {self.code}; their codes must start with it")
        _refuse_repeats("leaf name in " + self.code, (leaf.name for leaf in self.leaves))
        return self


class Subcause(Entry):
    code: str = Field(pattern=r"^C\d\d\.\d$")


class Cause(Entry):
    code: str = Field(pattern=r"^C\d\d$")
    subcauses: tuple[Subcause, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _subcauses_belong_here(self) -> Self:
        strangers = [sub.code for sub in self.subcauses if not sub.code.startswith(self.code + ".")]
        if strangers:
            raise ValueError(f"sub-causes {strangers} stand under cause {self.code}; their codes must start with it")
        return self


class FlagGroup(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Literal["P", "S", "E", "X"]
    name: str
    name_en: str
    slug: str


class Flag(Entry):
    code: str = Field(pattern=r"^[PSEX]\d\d$")

    @property
    def group(self) -> str:
        """The letter of the flag's group."""
        return self.code[0]


class PiiKind(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z_]+$")
    name: str
    placeholder: str = Field(pattern=r"^〔[^〔〕]+〕$")


class Conventions(BaseModel):
    """Borderline decisions a bank may report differently (label guide, "Conventions")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    collections_as_category: bool
    credit_record_follows_product: bool
    staff_private_sale_category: Literal["B99", "B10"]
    debit_card_limits_category: Literal["B03A", "B05"]


class Taxonomy(BaseModel):
    """All labels of one version. Raises pydantic's error on an inconsistent file; use `load_taxonomy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    order_types: tuple[Entry, ...]
    categories: tuple[Category, ...]
    causes: tuple[Cause, ...]
    channels: tuple[Entry, ...]
    flag_groups: tuple[FlagGroup, ...]
    flags: tuple[Flag, ...]
    pii_kinds: tuple[PiiKind, ...]
    conventions: Conventions

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _refuse_repeats("code", (entry.code for entry in self._entries()))
        _refuse_repeats("category name", (category.name for category in self.categories))
        _refuse_repeats("flag group", (group.code for group in self.flag_groups))
        _refuse_repeats("PII kind", (kind.code for kind in self.pii_kinds))
        _refuse_repeats("placeholder", (kind.placeholder for kind in self.pii_kinds))
        orphans = {flag.group for flag in self.flags} - {group.code for group in self.flag_groups}
        if orphans:
            raise ValueError(f"flags use the groups {sorted(orphans)} that flag_groups does not list")
        needed = {"complaint", "irrelevant"} - {entry.code for entry in self.order_types}
        if needed:
            raise ValueError(f"order_types lacks {sorted(needed)}, on which null category and cause depend")
        return self

    def _entries(self) -> Iterable[Entry]:
        yield from (*self.order_types, *self.channels, *self.flags)
        for category in self.categories:
            yield from (category, *category.leaves)
        for cause in self.causes:
            yield from (cause, *cause.subcauses)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Every label by its code."""
        return {entry.code: entry for entry in self._entries()}

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """All leaves in file order: the order of a model's leaf outputs."""
        return tuple(leaf for category in self.categories for leaf in category.leaves)

    @cached_property
    def subcauses(self) -> tuple[Subcause, ...]:
        """All sub-causes in file order: the order of a model's cause outputs."""
        return tuple(sub for cause in self.causes for sub in cause.subcauses)

    @cached_property
    def placeholders(self) -> dict[str, str]:
        """PII kind → the placeholder that replaces a value of that kind."""
        return {kind.code: kind.placeholder for kind in self.pii_kinds}


def _refuse_repeats(what: str, values: Iterable[str]) -> None:
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise ValueError(f"{what} given more than once: {', '.join(repeated)}")


def load_taxonomy(path: Path = TAXONOMY_PATH) -> Taxonomy:
    """Read and check a taxonomy file; raise TaxonomyError naming each wrong entry."""
    try:
        return Taxonomy.model_validate(read_yaml(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TaxonomyError(f"{path.name} cannot be read as YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()
        )
        raise TaxonomyError(f"{path.name} is inconsistent: {problems}") from error


@cache
def default_taxonomy() -> Taxonomy:
    """The bank's own taxonomy (`XIAOBAO_TAXONOMY`, a file), else the one that comes with this package."""
    own = os.environ.get("XIAOBAO_TAXONOMY")
    return load_taxonomy(Path(own) if own else TAXONOMY_PATH)
