"""Codes as people read them. In: codes of the taxonomy, ids of units and users. Out: names in the page's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from data.taxonomy import Entry, Taxonomy, default_taxonomy
from serving.console.texts import Language


@dataclass(frozen=True)
class Names:
    """Names of labels; a code that this version does not know is shown as it is."""

    language: Language
    taxonomy: Taxonomy

    def __call__(self, code: str | None) -> str:
        entry = self.taxonomy.entries.get(code or "")
        return (code or "") if entry is None else self.of(entry)

    def of(self, entry: Entry) -> str:
        return entry.name if self.language == "zh" else entry.name_en

    def definition(self, code: str) -> str:
        """The taxonomy's own words, in Chinese."""
        entry = self.taxonomy.entries.get(code)
        return "" if entry is None else entry.definition

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Letter of a group of flags → its name."""
        groups = self.taxonomy.flag_groups
        return {group.code: group.name if self.language == "zh" else group.name_en for group in groups}


def names(language: Language) -> Names:
    return Names(language, default_taxonomy())
