"""Numbers that go on where their pattern ended. In: normalised and folded text, a span. Out: the span, perhaps wider.

Said aloud, a number stops and starts again (幺八二 零九零 不对 幺八二 零九五 四四二 三零), and the length that a
pattern wants is reached before the speaker is done. What stands before a correction and what follows a pause belongs
to the number; so does a further group behind the same kind of gap (140-2210-0456-7713).
"""

import re
from dataclasses import replace

from data.redaction.dictated import CORRECTED, SAID, UNIT_BEHIND
from data.redaction.digit_runs import SPOKEN_X
from data.redaction.numbers import PROVINCE
from data.redaction.spans import PiiSpan

KINDS = frozenset({"id_card", "bank_card", "account", "mobile", "landline", "permit", "qq"})
WIDEST = 40
"""Characters before a number that may hold its false start."""
_PAUSE = "[ ,、…-]{0,3}"
_FILLER = (
    r"(?:[嗯呃啊哦额诶噢唉呀嘛哈呢喂]|[那这]个|然后|就是|完了|接着|再|转|(?:最|然)?后[面头]?(?:一[个位])?是?|还有)"
)
_CORRECTION = rf"{CORRECTED}(?:[那这]个?是?[\u4e00-\u9fff]{{0,5}}[ ,])?"
_SINGLE = rf"[{SAID}](?![十百千万点])"
_PIECE = rf"(?:[一两二三四五六七八九]个[{SAID}]|{_SINGLE})(?:[ 杠-]?(?:[{SAID}]个)?{_SINGLE})*"
# 三零七 and what follows it; a digit alone only before what is no word (一直, 两天).
SAID_ON = re.compile(
    rf"{_PAUSE}(?P<words>(?:(?:{_CORRECTION}|{_FILLER}){_PAUSE}){{0,3}})(?P<piece>{_PIECE})(?P<behind>[\u4e00-\u9fff]?)"
)
SAID_BEFORE = re.compile(
    rf"(?<![{SAID}十百千万第尾号])(?P<piece>{_PIECE}){_PAUSE}(?:{_FILLER}{_PAUSE}){{0,2}}{_CORRECTION}{_PAUSE}$"
)
GROUP_BEFORE = re.compile(rf"(?<![{SAID}十百千万年月第号])[{SAID}]{{3,4}} $")
TYPED_BEFORE = re.compile(rf"(?<![0-9尾号])(?P<piece>[0-9]{{3,11}}(?:[ -][0-9]{{2,4}})*){_PAUSE}{_CORRECTION}{_PAUSE}$")
_NOT_COUNTED = r"(?![0-9.:/年月日天号元块万笔个张次%]| ?[-/.:][0-9])"
TYPED_ON = {
    " ": re.compile(rf"(?: [0-9]{{1,5}}(?![0-9]))+{_NOT_COUNTED}"),
    "-": re.compile(r"(?:-[0-9]{1,5}(?![0-9]))+(?![0-9.:/]| ?[/.:][0-9])"),
}
# 嗯 幺不对: a digit behind a filler, unless it begins a word or counts (一直, 两天).
WORD_GOES_ON = frozenset("天次个位点月年块元万千百张些样直定起般边家共切方面时会下旁再只者半部多倍成楼号岁")
BANK_PREFIX = re.compile(r"(?<![A-Za-z])[A-Z]{2,3}-?$")  # NRA3301-0027-884-156, DK-00773192
MOST_GROWN = 3
# An ID but for its last place, perhaps behind a false start, with a digit too few or some too many.
BEFORE_X = re.compile(rf"{PROVINCE}(?:19|20)[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{{2,5}}$")
CLOSES_FIRST, OPENS_LAST = re.compile(r"[^()\[\]]*[)\]]"), re.compile(r"[(\[][^()\[\]]*$")
OPENING, CLOSING = re.compile(r"[(\[] ?$"), re.compile(r" ?[)\]]")


def widen(span: PiiSpan, text: str, folded: str, taken: bytearray) -> PiiSpan:
    """The span with the rest of its number; characters that are taken by another span are left alone."""
    if span.kind not in KINDS:
        return span
    is_said = any(character in SAID for character in text[span.start : span.end])
    start = _start_of_said(span, text) if is_said else _start_of_typed(span, folded)
    end = _end_of_said(span, text) if is_said else _end_of_typed(span, folded)
    start = start if not any(taken[start : span.start]) else span.start
    end = end if not any(taken[span.end : end]) else span.end
    return with_its_ends(replace(span, start=start, end=end), text, folded, taken)


def with_its_ends(span: PiiSpan, text: str, folded: str, taken: bytearray) -> PiiSpan:
    """With the last place of an ID and the other half of a bracket, where no other span has them."""
    wider = in_brackets(with_its_x(span, folded), text)
    start = wider.start if not any(taken[wider.start : span.start]) else span.start
    end = wider.end if not any(taken[span.end : wider.end]) else span.end
    return replace(span, start=start, end=end)


def with_its_x(span: PiiSpan, folded: str) -> PiiSpan:
    """With the last place of an ID, which may be said: 八幺,八,叉; nothing else has one."""
    digits = "".join(filter(str.isdecimal, folded[span.start : span.end]))
    spoken_x = SPOKEN_X.match(folded, span.end) if BEFORE_X.search(digits) else None
    return replace(span, end=spoken_x.end()) if spoken_x and folded[span.end - 1].isdecimal() else span


def in_brackets(span: PiiSpan, text: str) -> PiiSpan:
    """With the other half of a bracket that it holds one of: ( 0371 ) 6328 8145, 0771(5862033)."""
    inside = text[span.start : span.end]
    start, end = span.start, span.end
    if CLOSES_FIRST.match(inside) and (before := OPENING.search(text[max(0, start - 2) : start])):
        start -= len(before.group())
    if OPENS_LAST.search(inside) and (behind := CLOSING.match(text, end)):
        end = behind.end()
    return replace(span, start=start, end=end)


def _end_of_said(span: PiiSpan, text: str) -> int:
    end = span.end
    for _ in range(MOST_GROWN):
        match = SAID_ON.match(text, end)
        if not match or UNIT_BEHIND.match(text, match.end("piece")):
            break
        is_one_digit = match.end("piece") - match.start("piece") == 1
        if match.start("piece") == end:
            break  # straight behind: a digit that was left out on purpose
        is_word = bool(match["behind"]) and is_one_digit and not match["words"]
        if is_word or match["behind"] in WORD_GOES_ON:
            break
        end = match.end("piece")
    return end


def _start_of_said(span: PiiSpan, text: str) -> int:
    left = max(0, span.start - WIDEST)
    before = text[left : span.start]
    if match := SAID_BEFORE.search(before):
        return left + match.start("piece")
    if span.kind == "account" and (match := GROUP_BEFORE.search(before)):
        return left + match.start()
    return span.start


def _start_of_typed(span: PiiSpan, folded: str) -> int:
    left = max(0, span.start - WIDEST)
    before = folded[left : span.start]
    if match := TYPED_BEFORE.search(before):
        return left + match.start("piece")
    prefix = BANK_PREFIX.search(before) if span.kind == "account" else None
    return left + prefix.start() if prefix else span.start


def _end_of_typed(span: PiiSpan, folded: str) -> int:
    """Further groups behind the gap that the number itself is grouped by."""
    written = folded[span.start : span.end]
    gaps = "-" if span.kind in ("mobile", "landline") else " -"
    for gap in gaps:
        if gap in written and (match := TYPED_ON[gap].match(folded, span.end)):
            return match.end()
    return span.end
