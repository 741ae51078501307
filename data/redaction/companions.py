"""Numbers beside a number that was found. In: normalised and folded text, spans found. Out: more spans.

People give two accounts in a row and correct themselves (账号错了,不是120460700125,是120460700152): a number as long as
one that was found, a few words away, is the same kind of thing, unless it is called something else.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from data.redaction.digits import PUBLIC_NUMBER
from data.redaction.spans import PiiSpan

KINDS = frozenset({"id_card", "bank_card", "account", "mobile", "qq", "credential"})
FEWEST_DIGITS = 6
WIDEST = 12  # characters between the two
_BETWEEN = rf"[^0-9A-Za-z。;!?元额单流编代年月日笔次尾版]{{1,{WIDEST}}}"
_COUNTED = r"(?![0-9]|\.[0-9]|[万亿]?[韩日美港欧台]?[元块]|[年月日号天次笔份股])"
CONTEXT_WIDTH = 20


@cache
def _behind(digits: int) -> re.Pattern[str]:
    return re.compile(rf"{_BETWEEN}(?P<value>[0-9]{{{digits}}}){_COUNTED}")


@cache
def _before(digits: int) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z.])(?P<value>[0-9]{{{digits}}}){_COUNTED}{_BETWEEN}$")


def find_companions(folded: str, found: Sequence[PiiSpan]) -> Iterator[PiiSpan]:
    """Spans of numbers as long as one that was found beside them; also of those beside these."""
    waiting = [span for span in found if span.kind in KINDS]
    seen = {span.start for span in waiting}
    while waiting:
        span = waiting.pop()
        number = folded[span.start : span.end]
        if len(number) < FEWEST_DIGITS or not number.isdecimal():
            continue
        for start, end in _beside(folded, span):
            if start not in seen and not PUBLIC_NUMBER.search(folded[max(0, start - CONTEXT_WIDTH) : start]):
                seen.add(start)
                waiting.append(PiiSpan(kind=span.kind, start=start, end=end))
                yield waiting[-1]


def _beside(folded: str, span: PiiSpan) -> Iterator[tuple[int, int]]:
    """Where numbers as long as this one stand a few words behind it and before it."""
    digits = span.end - span.start
    if match := _behind(digits).match(folded, span.end):
        yield match.span("value")
    left = max(0, span.start - WIDEST - digits)
    if match := _before(digits).search(folded[left : span.start]):
        yield left + match.start("value"), left + match.end("value")
