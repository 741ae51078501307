"""Find personal data in normalised text. In: normalised text. Out: spans with a kind.

Each module beside this one recognises a family of kinds by patterns, by the words before them and by check digits.
`\\b` is nowhere used: between 汉字 and a digit there is none.
"""

from collections.abc import Callable, Iterable, Sequence

from data.redaction.addresses import find_addresses
from data.redaction.codes import find_codes
from data.redaction.companions import find_companions
from data.redaction.continued import widen
from data.redaction.credentials import find_credentials
from data.redaction.dictated import find_dictated
from data.redaction.digits import fold_digits
from data.redaction.names import find_names
from data.redaction.numbers import find_numbers
from data.redaction.spans import PiiSpan

Recognizer = Callable[[str, str], Iterable[PiiSpan]]

# Each gets the normalised text and the same text with its digits folded. In order of precedence: an earlier recognizer
# keeps characters that a later one also claims.
RECOGNIZERS: Sequence[Recognizer] = (
    find_credentials,
    find_codes,
    find_dictated,
    find_numbers,
    find_addresses,
    find_names,
)


def find_pii(text: str) -> list[PiiSpan]:
    """Spans of personal data in a normalised text, in order, without overlap."""
    folded = fold_digits(text)
    found: list[PiiSpan] = []
    taken = bytearray(len(text))
    for recognizer in RECOGNIZERS:
        _keep(recognizer(text, folded), found, taken)
    found = [_widened(span, text, folded, taken) for span in found]
    _keep(find_companions(folded, found), found, taken)
    return sorted(found, key=lambda span: span.start)


def _widened(span: PiiSpan, text: str, folded: str, taken: bytearray) -> PiiSpan:
    wider = widen(span, text, folded, taken)
    taken[wider.start : wider.end] = b"\1" * (wider.end - wider.start)
    return wider


def _keep(spans: Iterable[PiiSpan], found: list[PiiSpan], taken: bytearray) -> None:
    """Add the spans of which no character is taken yet."""
    for span in spans:
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            found.append(span)
