"""A safety net of words that must not be missed. In: model text. Out: `RuleHit`s, each the clause that raised a flag.

The lexicon `rules.yaml` was written and reviewed by hand. A rule may raise a flag, never lower one. Words that are
denied, asked, imagined, quoted from the bank, printed on a notice or told of somebody else raise nothing (scopes).
An entry is tried only where one of its words stands in the text, so 100 characters cost 0.05 ms.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from data.yaml_files import read_yaml
from models.evidence import BOUNDARY

RULES_PATH = Path(__file__).with_name("rules.yaml")
SENTENCE_END = re.compile(r"[。！？!?；;…]+")
# Dictation has no marks: a clause is then cut to this many characters on both sides of the words.
CLAUSE_REACH = 30
UNLESS_REACH = 30
# Of one entry in one text; the first ones show enough.
MOST_HITS = 10
# Raised even where the text is not about a bank at all.
FLAGS_EVERYWHERE = frozenset({"E01"})
Where = Literal["before", "after", "clause", "sentence", "speaker"]
Span = tuple[int, int]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scope(_Strict):
    """Words that take a hit back when they stand `where` seen from it, at most `reach` characters away."""

    pattern: str
    where: Where
    reach: int = Field(gt=0, default=40)


class RuleEntry(_Strict):
    """`pattern` is tried where one of `words` stands; without a pattern the words themselves are meant."""

    flag: str
    words: list[str] = Field(min_length=1)
    pattern: str | None = None
    unless: str | None = None
    """Words nearby that make this entry mean something else."""
    open_to: list[str] = []
    """Scopes that do not take this entry back, because its own words deny or quote."""
    note: str


class RuleFile(_Strict):
    """The lexicon as written; `scopes_of` names the scopes of each flag."""

    scopes: dict[str, Scope]
    scopes_of: dict[str, list[str]]
    entries: list[RuleEntry]


@dataclass(frozen=True, kw_only=True)
class RuleHit:
    """`start:end` is the clause in the model text; `entry` is the place of the entry in the lexicon."""

    flag: str
    start: int
    end: int
    entry: int


@dataclass(frozen=True, kw_only=True)
class _Entry:
    flag: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    scopes: tuple[tuple[Where, int, re.Pattern[str]], ...]


@dataclass(frozen=True, kw_only=True)
class _Around:
    """A text and the edges of its clauses and sentences, found once for all hits."""

    text: str
    clauses: Sequence[int]
    sentences: Sequence[int]

    def clause(self, start: int, end: int) -> Span:
        first, last = _between(self.clauses, start, end, len(self.text))
        return max(first, start - CLAUSE_REACH), min(last, end + CLAUSE_REACH)

    def sentence(self, start: int, end: int) -> Span:
        return _between(self.sentences, start, end, len(self.text))


class Rules:
    """The compiled lexicon; safe to share between threads."""

    def __init__(self, content: RuleFile) -> None:
        self._entries = [_compile(entry, content) for entry in content.entries]
        # First character → words that start with it, each with the entry it belongs to.
        self._words: dict[str, list[tuple[str, int]]] = {}
        for index, entry in enumerate(content.entries):
            for word in entry.words:
                self._words.setdefault(word[0], []).append((word, index))
        self.flags = tuple(dict.fromkeys(entry.flag for entry in content.entries))

    def find(self, model_text: str) -> list[RuleHit]:
        """Hits in the order of the text, each clause once per flag."""
        starts = self._words.keys() & set(model_text)
        near = {i for start in starts for word, i in self._words[start] if word in model_text}
        if not near:
            return []
        around = _Around(
            text=model_text,
            clauses=[match.end() for match in BOUNDARY.finditer(model_text)],
            sentences=[match.end() for match in SENTENCE_END.finditer(model_text)],
        )
        found = (hit for i in sorted(near) for hit in islice(_hits(i, self._entries[i], around), MOST_HITS))
        hits = {(hit.flag, hit.start): hit for hit in found}
        return sorted(hits.values(), key=lambda hit: (hit.start, hit.flag))


@cache
def default_rules() -> Rules:
    """The reviewed lexicon that ships. Raises ValueError for a malformed file, which is our own bug."""
    return Rules(RuleFile.model_validate(read_yaml(RULES_PATH)))


def by_flag(hits: Sequence[RuleHit], *, is_irrelevant: bool) -> Mapping[str, list[Span]]:
    """Clauses per flag; in a text that is not about a bank only what concerns life counts."""
    result: dict[str, list[Span]] = {}
    for hit in hits:
        if not is_irrelevant or hit.flag in FLAGS_EVERYWHERE:
            result.setdefault(hit.flag, []).append((hit.start, hit.end))
    return result


def _compile(entry: RuleEntry, content: RuleFile) -> _Entry:
    names = [name for name in content.scopes_of[entry.flag] if name not in entry.open_to]
    scopes = [content.scopes[name] for name in names]
    longest_first = sorted(entry.words, key=len, reverse=True)
    return _Entry(
        flag=entry.flag,
        pattern=re.compile(entry.pattern or "|".join(map(re.escape, longest_first))),
        unless=re.compile(entry.unless) if entry.unless else None,
        scopes=tuple((scope.where, scope.reach, re.compile(scope.pattern)) for scope in scopes),
    )


def _hits(index: int, entry: _Entry, around: _Around) -> Iterator[RuleHit]:
    for match in entry.pattern.finditer(around.text):
        if not _taken_back(entry, around, match.span()):
            start, end = around.clause(*match.span())
            yield RuleHit(flag=entry.flag, start=start, end=_without_mark(around.text, start, end), entry=index)


def _taken_back(entry: _Entry, around: _Around, span: Span) -> bool:
    if entry.unless and entry.unless.search(around.text, max(0, span[0] - UNLESS_REACH), span[1] + UNLESS_REACH):
        return True
    return any(pattern.search(_part(where, reach, around, span)) for where, reach, pattern in entry.scopes)


def _part(where: Where, reach: int, around: _Around, span: Span) -> str:
    """The piece of text that a scope reads: around the hit, never beyond its sentence but for the speaker."""
    start, end = span
    if where == "speaker":
        return around.text[max(0, start - reach) : start]
    first, last = around.sentence(start, end) if where != "clause" else around.clause(start, end)
    if where == "before":
        last = start
    elif where == "after":
        first = end
    return around.text[max(first, start - reach) : min(last, end + reach)]


def _between(edges: Sequence[int], start: int, end: int, length: int) -> Span:
    """The stretch between the last edge at or before `start` and the first at or behind `end`."""
    before, behind = bisect_right(edges, start), bisect_right(edges, end - 1)
    return (edges[before - 1] if before else 0), (edges[behind] if behind < len(edges) else length)


def _without_mark(text: str, start: int, end: int) -> int:
    while end > start + 1 and BOUNDARY.match(text, end - 1):
        end -= 1
    return end
