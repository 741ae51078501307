"""Text that people type or send, made fit for a column. In: any text. Out: text without personal data."""

from collections.abc import Iterable

from data.preparation import prepare_text
from data.redaction.spans import PiiSpan
from data.taxonomy import default_taxonomy

CREDENTIAL = "credential"


def redacted(text: str) -> str:
    """Notes and reasons, redacted like complaints."""
    return storable(prepare_text(text.strip(), default_taxonomy()).redacted_text)


def storable(text: str) -> str:
    """What PostgreSQL and UTF-8 refuse (U+0000, lone surrogates), replaced one for one so that offsets stay."""
    return text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_credentials(original: str, pii: Iterable[PiiSpan]) -> str:
    """The original with passwords, codes and the like replaced by their placeholder (JR/T 0171 C3: never stored)."""
    placeholder = default_taxonomy().placeholders[CREDENTIAL]
    text = original
    for span in sorted(pii, key=lambda span: -span.start):
        if span.kind == CREDENTIAL:
            text = text[: span.start] + placeholder + text[span.end :]
    return text
