"""Full-text search of redacted text. In: words separated by spaces. Out: conditions; the same hits on both databases.

A text is hit if every word stands in it, letter for letter, in the normal form that the model reads (width, case and
traditional characters do not matter, nor do spaces inside the text; placeholders are no words). An index of overlapping
pairs of characters narrows the texts down, `instr` or `strpos` then decides. Usual tokenizers need three characters
or a dictionary and miss 还款.
"""

import re
from itertools import pairwise

from sqlalchemy import BigInteger, ColumnElement, Connection, TextualSelect, column, func, select, text
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.normalize import normalize_text
from data.store.engine import is_sqlite
from data.store.tables import Case, SearchText

MOST_WORDS = 8
LONGEST_WORD = 100
_PLACEHOLDER = re.compile(r"〔[^〔〕]{1,12}〕")


def search_form(redacted_text: str) -> str:
    """The normal form that is searched."""
    return normalize_text(_PLACEHOLDER.sub("〔", redacted_text)).text.lower().replace(" ", "")


def index_text(session: Session, case_id: str, redacted_text: str) -> None:
    """Make a new case's text findable."""
    row = SearchText(case_id=case_id, text=search_form(redacted_text))
    session.add(row)
    session.flush()
    grams = sorted(_grams(row.text))
    if is_sqlite(session.connection()):
        statement = text("INSERT INTO search_grams (rowid, grams) VALUES (:id, :grams)")
        session.execute(statement, {"id": row.id, "grams": " ".join(grams)})
    else:
        statement = text("INSERT INTO search_grams (id, grams) VALUES (:id, array_to_tsvector(:grams))")
        session.execute(statement, {"id": row.id, "grams": grams})


def holds_words(connection: Connection, query: str) -> ColumnElement[bool]:
    """The case's text holds every word of the query. Raises StoreError on a query without or with too many words."""
    words = normalize_text(query).text.lower().split()
    if not 1 <= len(words) <= MOST_WORDS or max(map(len, words)) > LONGEST_WORD:
        raise StoreError(
            f"a search needs 1 to {MOST_WORDS} words of at most {LONGEST_WORD} characters",
            f"请输入 1 到 {MOST_WORDS} 个词，每个不超过 {LONGEST_WORD} 字",
            code="query_invalid",
        )
    find = func.instr if is_sqlite(connection) else func.strpos
    hits = select(SearchText.case_id).where(*(find(SearchText.text, word) > 0 for word in words))
    parts = sorted({part for word in words for part in _query_parts(word)})
    if parts:
        hits = hits.where(SearchText.id.in_(_candidates(connection, parts)))
    return Case.id.in_(hits)


def _candidates(connection: Connection, parts: list[str]) -> TextualSelect:
    """Rows that hold every pair; a part that ends in `*` is one character with whatever follows."""
    if is_sqlite(connection):
        statement, query = "SELECT rowid FROM search_grams WHERE search_grams MATCH :grams", " AND ".join(parts)
    else:
        statement = "SELECT id FROM search_grams WHERE grams @@ CAST(:grams AS tsquery)"
        query = " & ".join(part.replace("*", ":*") for part in parts)
    return text(statement).bindparams(grams=query).columns(column("id", BigInteger))


def _grams(form: str) -> set[str]:
    """Every letter or digit together with the one that follows, in fixed-width hexadecimal."""
    pairs = zip(form, form[1:] + "\0", strict=True)
    return {_code(a) + _code(b if b.isalnum() else "\0") for a, b in pairs if a.isalnum()}


def _query_parts(word: str) -> set[str]:
    pairs = {_code(a) + _code(b) for a, b in pairwise(word) if a.isalnum() and b.isalnum()}
    return pairs or {f"{_code(character)}*" for character in word if character.isalnum()}


def _code(character: str) -> str:
    return f"{ord(character):05x}"
