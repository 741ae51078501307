"""Bring text into one form for redaction and the model. In: any text. Out: `NormalizedText` with offsets back.

Steps, each keeping for every character the half-open span of the original that it came from: controls and invisible
characters dropped, white space folded, NFKC (width, ligatures, keycaps), OpenCC traditional → simplified, then the
terms of `terms.yaml` that OpenCC leaves alone (身分证 → 身份证).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import opencc

from data.yaml_files import read_yaml

TERMS_PATH = Path(__file__).with_name("terms.yaml")
# Dropped: control, format (zero-width, bidi), lone surrogates, private use, and the keycap frame of 1️⃣.
DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me"})
VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
# Characters met so far that fold to themselves wherever they stand; it fills as texts come.
_PLAIN: set[str] = set()


@dataclass(frozen=True, kw_only=True)
class NormalizedText:
    """Text in normal form; character `i` came from `original[starts[i]:ends[i]]` (code points)."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original behind the non-empty span `start:end` of the normal form."""
        return self.starts[start], self.ends[end - 1]


def normalize_text(original: str) -> NormalizedText:
    """Normal form of a text, with offsets. Never raises; an empty or invisible text gives an empty one."""
    return _replace_terms(_to_simplified(_fold_characters(original)))


def _fold_characters(original: str) -> NormalizedText:
    text = original
    for character in set(original) - _PLAIN:
        form = _fold_character(character)
        if len(form) != 1 or unicodedata.combining(character):
            return _fold_clusters(original)
        if form == character:
            _PLAIN.add(character)
        else:
            text = text.replace(character, form)  # a form folds to itself, so the order of these does not matter
    if text.startswith(" ") or "  " in text:
        return _fold_clusters(original)
    return NormalizedText(text=text, starts=range(len(text)), ends=range(1, len(text) + 1))


def _fold_clusters(original: str) -> NormalizedText:
    """The long way: marks join their base, forms grow or vanish, runs of space become one."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(original):
        form = _fold_cluster(original[start:end])
        if form == " " and (not characters or characters[-1] == " "):
            if characters:
                ends[-1] = end
            continue
        characters += form
        starts += [start] * len(form)
        ends += [end] * len(form)
    return NormalizedText(text="".join(characters), starts=starts, ends=ends)


@cache
def _fold_character(character: str) -> str:
    if character.isspace():
        return " "
    if character in VARIATION_SELECTORS or unicodedata.category(character) in DROPPED_CATEGORIES:
        return ""
    # Some compatibility forms open with a space (´ → space + accent) or hold one; a space inside would be no word gap.
    return unicodedata.normalize("NFKC", character).replace(" ", "")


def _fold_cluster(cluster: str) -> str:
    if len(cluster) == 1:
        return _fold_character(cluster)
    visible = "".join(character for character in cluster if _fold_character(character))
    return unicodedata.normalize("NFKC", visible).replace(" ", "")


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Spans of a base character with the combining marks that follow it, so that NFKC can compose them."""
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or unicodedata.category(text[position]) not in ("Mn", "Me"):
            yield start, position
            start = position


@cache
def _opencc() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _to_simplified(source: NormalizedText) -> NormalizedText:
    if source.text.isascii():
        return source
    simplified = _opencc().convert(source.text)
    if len(simplified) != len(source.text):
        # A phrase changed length, which would shift offsets: convert character by character, 1:1.
        simplified = "".join(_simplify_character(character) for character in source.text)
    return NormalizedText(text=simplified, starts=source.starts, ends=source.ends)


@cache
def _simplify_character(character: str) -> str:
    converted = _opencc().convert(character)
    return converted if len(converted) == 1 else character


@cache
def _terms() -> tuple[re.Pattern[str], dict[str, str]]:
    table: dict[str, str] = read_yaml(TERMS_PATH)
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), table


def _replace_terms(source: NormalizedText) -> NormalizedText:
    pattern, table = _terms()
    if not pattern.search(source.text):
        return source
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for match in [*pattern.finditer(source.text), None]:
        start = match.start() if match else len(source.text)
        characters += source.text[position:start]
        starts += source.starts[position:start]
        ends += source.ends[position:start]
        if match is None:
            break
        term = table[match.group()]
        span = source.to_original(match.start(), match.end())
        same_length = len(term) == len(match.group())
        characters += term
        starts += source.starts[start : match.end()] if same_length else [span[0]] * len(term)
        ends += source.ends[start : match.end()] if same_length else [span[1]] * len(term)
        position = match.end()
    return NormalizedText(text="".join(characters), starts=starts, ends=ends)
