"""Text that people type or send, made fit for a column. In: any text. Out: text without personal data."""

from collections.abc import Iterable

from data.errors import NotAllowedError
from data.preparation import prepare_text
from data.redaction.spans import PiiSpan
from data.taxonomy import default_taxonomy

CREDENTIAL = "credential"
LONGEST_NOTE = 4000
"""Characters of what a person writes into the timeline of a case."""
LEAST_REASON = 4
"""Characters of a reason; 核对身份 is one."""


def redacted(text: str) -> str:
    """Notes and reasons, redacted like complaints."""
    return storable(prepare_text(text.strip(), default_taxonomy()).redacted_text)


def checked_reason(reason: str) -> str:
    """Why somebody does what is audited, redacted. Raises NotAllowedError `reason_missing`."""
    if len(reason.strip()) < LEAST_REASON:
        raise NotAllowedError(
            f"a reason of at least {LEAST_REASON} characters is needed; it is kept in the audit log",
            f"请填写不少于 {LEAST_REASON} 个字的理由，理由将记入审计",
            code="reason_missing",
        )
    return redacted(reason)


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
