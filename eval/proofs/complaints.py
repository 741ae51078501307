"""Complaints to send: texts of the corpus that hold no personal data. In: a count. Out: requests, each with its text.

What is kept of them must equal what was sent, so texts of which the store drops credentials are left out.
"""

import itertools
from collections.abc import Iterator
from functools import cache

from data.dataset import read_corpus
from data.preparation import prepare_text
from data.taxonomy import default_taxonomy
from eval.proofs.calls import Request

MOST_TEXTS = 2_000


@cache
def texts() -> tuple[str, ...]:
    taxonomy = default_taxonomy()
    found = (text.text for text in read_corpus(taxonomy) if not prepare_text(text.text, taxonomy).pii)
    return tuple(itertools.islice(found, MOST_TEXTS))


def text_of(number: int) -> str:
    """The complaint of this number; no two are equal."""
    found = texts()
    return f"第{number}位来电客户反映：{found[number % len(found)]}"


def to_keep(prefix: str) -> Iterator[Request]:
    """Endless different complaints to be stored, each with an `external_id` of its own."""
    texts()  # read now, not when the first client asks
    return (Request.of(text_of(number), external_id=f"{prefix}-{number}", store=True) for number in itertools.count())


def to_answer() -> Iterator[Request]:
    """Endless complaints to be triaged without being stored."""
    return map(Request.of, itertools.cycle(texts()))


def text_sent(external_id: str) -> str:
    """What was sent under an `external_id` of `to_keep`."""
    return text_of(int(external_id.rpartition("-")[2]))
