"""Find personal data in normalised text. In: normalised text. Out: spans with a kind.

Each module beside this one recognises a family of kinds by patterns, by the words before them and by check digits;
numbers that no pattern describes, names and addresses are scored by what was learned from hand-written cases.
`\\b` is nowhere used: between 汉字 and a digit there is none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from data.redaction.addresses import find_addresses
from data.redaction.codes import find_codes
from data.redaction.companions import find_companions
from data.redaction.continued import widen
from data.redaction.credentials import find_credentials
from data.redaction.dictated import find_dictated
from data.redaction.digits import fold_digits
from data.redaction.names import find_names
from data.redaction.number_scorer import default_scorer, taken_by
from data.redaction.numbers import find_numbers
from data.redaction.spans import PiiSpan

Recognizer = Callable[[str, str], Iterable[PiiSpan]]

# Each gets the normalised text and the same text with its digits folded. In order of precedence: an earlier recognizer
# keeps characters that a later one also claims.
OF_NUMBERS: Sequence[Recognizer] = (find_credentials, find_codes, find_dictated, find_numbers)
OF_WORDS: Sequence[Recognizer] = (find_addresses, find_names)
SCORED_KINDS = frozenset({"id_card", "bank_card", "account", "mobile", "landline", "permit", "qq"})
"""Of which a pattern may have found a part."""


def find_pii(text: str) -> list[PiiSpan]:
    """Spans of personal data in a normalised text, in order, without overlap."""
    folded = fold_digits(text)
    found = find_by_patterns(text, folded)
    _keep(find_companions(folded, found), found, taken_by(found, len(text)))
    for span in default_scorer().find(text, folded, found):
        found = _united(span, found)
    taken = taken_by(found, len(text))
    for recognizer in OF_WORDS:
        _keep((_left(span, taken) for span in recognizer(text, folded)), found, taken)
    _keep(find_companions(folded, found), found, taken)
    return sorted(found, key=lambda span: span.start)


def find_by_patterns(text: str, folded: str) -> list[PiiSpan]:
    """Spans of secrets, codes and numbers that a pattern describes, without overlap, in no order."""
    found: list[PiiSpan] = []
    taken = bytearray(len(text))
    for recognizer in OF_NUMBERS:
        _keep(recognizer(text, folded), found, taken)
    return [_widened(span, text, folded, taken) for span in found]


def _take(span: PiiSpan, taken: bytearray) -> None:
    taken[span.start : span.end] = b"\1" * (span.end - span.start)


def _left(span: PiiSpan, taken: bytearray) -> PiiSpan:
    """What a number in it leaves at its beginning: 滨江路 of 滨江路1288 3 1502."""
    end = taken.find(b"\1", span.start, span.end)
    return replace(span, end=end) if span.kind == "address" and end > span.start + 1 else span


def _united(span: PiiSpan, found: list[PiiSpan]) -> list[PiiSpan]:
    """With a further number; one that a pattern has found in part is told by that pattern's kind."""
    parts = [other for other in found if other.overlaps(span)]
    if not SCORED_KINDS.issuperset(part.kind for part in parts):
        return found
    kind = parts[0].kind if parts else span.kind
    start, end = min(part.start for part in (*parts, span)), max(part.end for part in (*parts, span))
    return [*(other for other in found if other not in parts), PiiSpan(kind=kind, start=start, end=end)]


def _widened(span: PiiSpan, text: str, folded: str, taken: bytearray) -> PiiSpan:
    wider = widen(span, text, folded, taken)
    _take(wider, taken)
    return wider


def _keep(spans: Iterable[PiiSpan], found: list[PiiSpan], taken: bytearray) -> None:
    """Add the spans of which no character is taken yet."""
    for span in spans:
        if not any(taken[span.start : span.end]):
            _take(span, taken)
            found.append(span)
