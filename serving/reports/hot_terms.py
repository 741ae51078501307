"""Words that complaints use more often than in the quarter before. In: redacted texts. Out: words with their counts.

Counted is in how many complaints a word stands. At most SAMPLE texts a quarter are read, spread evenly over it; the
report says how many. A word must stand in LEAST_TEXTS of them, so that no single complaint shows; names of people,
numbers and placeholders of redaction never do. Needs jieba, from the extra `reports`.
"""

import importlib
import importlib.util
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from data.quarter import Quarter
from data.store.unit_of_work import UnitOfWork

SAMPLE = 3000
LEAST_TEXTS = 5
LEAST_SCORE = 1.64
"""Of the difference of two shares: one in twenty words that did not change would rise so far by chance."""
MOST_TERMS = 20
_PLACEHOLDER = re.compile(r"〔[^〔〕]*〕")
_WORD = re.compile(r"[\u4e00-\u9fff]{2,8}|[A-Za-z]{2,12}")
_PERSON = ("nr",)


@dataclass(frozen=True, kw_only=True)
class HotTerm:
    word: str
    now: int
    before: int
    score: float


@dataclass(frozen=True, kw_only=True)
class HotTerms:
    terms: Sequence[HotTerm]
    texts_now: int
    texts_before: int


def hot_terms(work: UnitOfWork, quarter: Quarter, *, within: str) -> HotTerms | None:
    """The words that rose most; None without jieba."""
    if importlib.util.find_spec("jieba") is None:
        return None
    now = work.reports.sample_texts(quarter, within=within, limit=SAMPLE)
    before = work.reports.sample_texts(quarter.before, within=within, limit=SAMPLE)
    return HotTerms(terms=rising(now, before), texts_now=len(now), texts_before=len(before))


def rising(now: Sequence[str], before: Sequence[str]) -> Sequence[HotTerm]:
    """Words in more of the texts than before, the most striking first."""
    counts, earlier = _texts_with(now), _texts_with(before)
    found = [
        HotTerm(word=word, now=count, before=earlier[word], score=score)
        for word, count in counts.items()
        if count >= LEAST_TEXTS
        and (score := _score(count, len(now), earlier[word], len(before))) >= LEAST_SCORE
        and not _is_person(word)
    ]
    return sorted(found, key=lambda term: (-term.score, term.word))[:MOST_TERMS]


def _texts_with(texts: Iterable[str]) -> Counter[str]:
    jieba = _jieba()
    counts: Counter[str] = Counter()
    for text in texts:
        words = set(jieba.lcut(_PLACEHOLDER.sub(" ", text), HMM=False))
        counts.update(word for word in words if _WORD.fullmatch(word))
    return counts


def _score(now: int, texts_now: int, before: int, texts_before: int) -> float:
    """How many standard errors the share lies above that of the quarter before; 0 without texts to compare."""
    if not texts_now or not texts_before:
        return 0.0
    pooled = (now + before) / (texts_now + texts_before)
    error = sqrt(pooled * (1 - pooled) * (1 / texts_now + 1 / texts_before))
    return (now / texts_now - before / texts_before) / error if error else 0.0


def _is_person(word: str) -> bool:
    tags = importlib.import_module("jieba.posseg").dt.word_tag_tab
    return bool(tags.get(word, "").startswith(_PERSON))


def _jieba() -> Any:
    """Not loaded with the service: it takes 70 MB, and only reports need it."""
    jieba = importlib.import_module("jieba")
    jieba.setLogLevel(logging.WARNING)
    return jieba
