"""Recognise a customer again without knowing who it is. In: a reference or a text. Out: a keyed hash.

The customer's reference wins; without one it is the first complete ID or mobile number of the text. All are hashed
alike, so that a hotline that sends the mobile number as its reference meets the number written in a letter.
"""

import re
from collections.abc import Iterable

from data.normalize import normalize_text
from data.redaction.digits import fold_digits
from data.redaction.spans import PiiSpan
from data.store.crypto import keyed_hash

_MOBILE = re.compile(r"(?:86)?(1[3-9][0-9]{9})")
_ID_CARD = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")


def customer_key(key: bytes, *, reference: str | None, original: str, pii: Iterable[PiiSpan]) -> str | None:
    """Keyed hash (64 hexadecimal digits) of the customer; None if nothing tells who it is."""
    customer = _reference(reference or "") or _found_number(original, pii)
    return keyed_hash(key, customer.encode("utf-8", "replace")) if customer else None


def _reference(reference: str) -> str:
    bare = re.sub(r"[\s+-]+", "", normalize_text(reference).text).upper()
    mobile = _MOBILE.fullmatch(bare)
    return mobile[1] if mobile else bare


def _found_number(original: str, pii: Iterable[PiiSpan]) -> str | None:
    """The first ID or mobile number; one that is partly starred fits many people and is passed over."""
    for span in sorted(pii, key=lambda span: span.start):
        if span.kind not in ("id_card", "mobile"):
            continue
        folded = fold_digits(normalize_text(original[span.start : span.end]).text).upper()
        number = re.sub(r"[^0-9X]+", "", folded)
        match = (_MOBILE if span.kind == "mobile" else _ID_CARD).fullmatch(number)
        if match:
            return match[match.lastindex or 0]
    return None
