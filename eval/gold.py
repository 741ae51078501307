"""Labelled texts from outside the corpus. In: a gold file as the label guide describes it. Out: texts and what counts.

A row has `id`, `text`, `order_type`, `category`, `leaf` (a name or a code), `cause`, `causes2`, `channel`, `flags`, and
perhaps `alt`: further answers that an expert could defend, by facet. Such files measure; nothing is trained or chosen
by them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.errors import CorpusError
from data.json_lines import read_lines
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from models.answer import TriageAnswer

FACETS_WITH_ALTERNATIVES = ("order_type", "category", "leaf", "cause", "channel")


@dataclass(frozen=True, kw_only=True)
class GoldSet:
    """`accepted[i]` holds, by facet, every code that counts as right for `texts[i]`, null among them where it does."""

    texts: Sequence[LabelledText]
    accepted: Sequence[Mapping[str, frozenset[str | None]]]


def read_gold(file: Path, taxonomy: Taxonomy) -> GoldSet:
    """Read a gold file. Raises CorpusError naming the line that is wrong."""
    texts, accepted = [], []
    for number, line in enumerate(_lines(file), 1):
        try:
            row = json.loads(line)
            texts.append(_labelled(row, taxonomy))
            accepted.append(_accepted(row, taxonomy))
            _refuse_unknown_codes(texts[-1], taxonomy)
            _refuse_unknown_alternatives(row.get("alt") or {}, taxonomy)
        except (KeyError, TypeError, ValueError) as error:
            said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise CorpusError(f"{file.name}:{number}: {said}; expected a row as the label guide describes") from error
    return GoldSet(texts=texts, accepted=accepted)


def corpus_gold(texts: Sequence[LabelledText]) -> GoldSet:
    """Texts of the corpus, where one answer alone is right."""
    accepted = [{facet: frozenset([getattr(text, facet)]) for facet in FACETS_WITH_ALTERNATIVES} for text in texts]
    return GoldSet(texts=texts, accepted=accepted)


def _lines(file: Path) -> list[str]:
    try:
        lines = read_lines(file)
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{file.name} cannot be read as UTF-8; expected JSON Lines") from error
    if not lines:
        raise CorpusError(f"{file.name} is empty; expected a labelled text on each line")
    return lines


def _refuse_unknown_codes(text: LabelledText, taxonomy: Taxonomy) -> None:
    """Raises ValueError naming the codes."""
    codes = {text.order_type, text.category, text.cause, text.channel, *text.causes2, *text.flags} - {None}
    if unknown := sorted(str(code) for code in codes if code not in taxonomy.entries):
        raise ValueError(f"the taxonomy {taxonomy.version} has no {', '.join(unknown)}")


def _refuse_unknown_alternatives(other: Mapping[str, Any], taxonomy: Taxonomy) -> None:
    """Raises ValueError naming the codes; an unknown one would never count and nobody would know."""
    known: dict[str, set[str]] = {
        "order_type": {entry.code for entry in taxonomy.order_types},
        "category": {entry.code for entry in taxonomy.categories},
        "leaf": {word for leaf in taxonomy.leaves for word in (leaf.code, leaf.name)},
        "cause": {entry.code for entry in taxonomy.causes},
        "channel": {entry.code for entry in taxonomy.channels},
    }
    for facet, words in known.items():
        given = other.get(facet) or ()
        if not isinstance(given, list | tuple):
            raise ValueError(f"alt.{facet} is {type(given).__name__}, not a list of codes")
        if unknown := sorted(str(word) for word in given if word is not None and word not in words):
            raise ValueError(f"alt.{facet}: the taxonomy {taxonomy.version} has no {', '.join(unknown)}")


def _labelled(row: dict[str, Any], taxonomy: Taxonomy) -> LabelledText:
    return LabelledText(
        id=row["id"],
        text=row["text"],
        order_type=row["order_type"],
        category=row["category"],
        leaf=_leaf_code(row["category"], row["leaf"], taxonomy),
        cause=row["cause"],
        subcause=None,
        causes2=tuple(row.get("causes2") or ()),
        channel=row["channel"],
        flags=tuple(row["flags"]),
        voice=row.get("kind", "unknown"),
        input="typed",
        names_product=False,
        scenario=row["id"],
        writer="gold",
    )


def _leaf_code(category: str | None, leaf: str | None, taxonomy: Taxonomy) -> str | None:
    if category is None or leaf is None:
        return None
    for entry in taxonomy.leaves:
        if entry.code.startswith(f"{category}.") and leaf in (entry.name, entry.code):
            return entry.code
    raise ValueError(f"leaf {leaf!r} is not a leaf of {category}")


def _accepted(row: dict[str, Any], taxonomy: Taxonomy) -> dict[str, frozenset[str | None]]:
    other = row.get("alt") or {}
    codes = {
        facet: frozenset([row[facet], *(other.get(facet) or ())])
        for facet in FACETS_WITH_ALTERNATIVES
        if facet != "leaf"
    }
    leaves = [row["leaf"], *(other.get("leaf") or ())]
    codes["leaf"] = frozenset(
        entry.code for entry in taxonomy.leaves for category in codes["category"]
        if category and entry.code.startswith(f"{category}.") and {entry.name, entry.code} & set(leaves)
    ) | (frozenset([None]) if None in leaves else frozenset())  # fmt: skip
    if any(order != "complaint" for order in codes["order_type"]):
        codes["cause"] |= {None}
    return codes


def credited(gold: GoldSet, answers: Sequence[TriageAnswer]) -> list[LabelledText]:
    """The texts with each defensible answer that was given put in place of the first one: it counts as right."""
    return [
        replace(text, **_given(accepted, answer))
        for text, accepted, answer in zip(gold.texts, gold.accepted, answers, strict=True)
    ]


def _given(accepted: Mapping[str, frozenset[str | None]], answer: TriageAnswer) -> dict[str, Any]:
    given = {facet: entry.code if (entry := getattr(answer, facet)) else None for facet in accepted}
    return {facet: code for facet, code in given.items() if code in accepted[facet]}
