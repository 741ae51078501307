"""Several matters in one complaint. In: a text with separators. Out: segments to read alone, then the matters found.

Only texts of more than 60 characters that say themselves that something else follows (第二, 2、, 另外, 此外, a blank
line) are cut, into at most four segments; a list of demands (要求:一、…二、…) is one matter. The network reads each
segment, at most one more pass over the text. Neighbours with the same leaf and cause are one matter; one matter alone
is no list.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from data.preparation import PreparedText
from models.evidence import BOUNDARY, Span

SHORTEST_TEXT = 60
SHORTEST_SEGMENT = 15
MOST_SEGMENTS = 4
_NUMBERED = (
    r"第[一二三四五六](?=[,:、]|点|件事|是)|[一二三四五六]、|[1-6][、)](?![0-9])|[1-6]\.(?![0-9])|\([一二三四五六1-6]\)|"
    r"其[一二三四](?=[,:、])|首先|其次|再次|[一二三四]是(?=[^,。]{4})"
)
_ADDED = (
    r"另外|此外|另有|另,|另:|还有(?=,|就是|一件|一个|一点|一事|个事)|再一个|再有(?=,|就是|一)|同时(?=,|反映|投诉)|再就是|除此之外|"
    r"除了这个|顺便(?=投诉|反映|说)|还(?:想|要)(?:反映|投诉|说)|再说一[件个]|还有件"
)
# In dictation no mark stands before them.
_ADDED_ANYWHERE = r"另外还?有|此外|再一个(?:就是|事)|还有一[件个]事|还有个事"
SEPARATOR = re.compile(
    rf"(?:^|(?<=[。!?;,:、… ]))(?P<numbered>{_NUMBERED})|(?:^|(?<=[。!?;,:… ]))(?:{_ADDED})|(?:{_ADDED_ANYWHERE})"
)
DEMANDS = re.compile(
    r"(?:要求|诉求|请求|恳请|请贵[行司中]|希望|理由|材料|请[^,。]{0,8}(?:书面)?(?:答复|说明|提供))[^。!?]{0,16}$"
)
# A category is less sure on a segment than on a whole text; measured by `python -m eval.issues` (decision 4).
ISSUE_CONFIDENCE = 0.4
# A letter of more paragraphs tells one story.
MOST_PARAGRAPHS = 2
# «二、书面说明…» goes on demanding, it opens no matter.
DEMANDED = re.compile(
    r"\s?(?:请|要求|停止|书面|退还|退回|全额|赔|补偿|当面|公开|提供|说明|出具|恢复|删除|撤销|道歉|如|立即|加盖|不再|对|给予|更正|明确)"
)
BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


@dataclass(frozen=True, kw_only=True)
class Matter:
    """One matter `start:end` of the model text."""

    start: int
    end: int
    category: str
    leaf: str
    cause: str


def split_segments(text: str, paragraphs: Sequence[int] = ()) -> list[Span]:
    """Segments of model text between its own separators, in order; none if there is nothing to cut.

    `paragraphs` are the places after blank lines, which the normal form no longer shows.
    """
    if len(text) <= SHORTEST_TEXT:
        return []
    cuts = sorted({*_separators(text), *paragraphs} - {0, len(text)})
    edges = [0, *cuts, len(text)]
    segments = _at_most(_without_short(list(pairwise(edges))))
    return segments if len(segments) > 1 else []


def paragraph_starts(original: str, prepared: PreparedText) -> list[int]:
    """Places in the model text where paragraphs after blank lines begin; none in a letter of many paragraphs."""
    breaks = list(islice(BLANK_LINE.finditer(original), MOST_PARAGRAPHS + 1))
    if len(breaks) > MOST_PARAGRAPHS:
        return []
    spans = [prepared.model_span(match.end(), match.end() + 1) for match in breaks]
    return [start for start, end in spans if start < end]


def merge_matters(matters: Sequence[Matter]) -> list[Matter]:
    """Neighbours with the same leaf and cause become one; empty if no second category or cause is left."""
    merged: list[Matter] = []
    for matter in matters:
        if merged and (merged[-1].leaf, merged[-1].cause) == (matter.leaf, matter.cause):
            last = merged[-1]
            merged[-1] = Matter(
                start=last.start, end=matter.end, category=last.category, leaf=last.leaf, cause=last.cause
            )
        else:
            merged.append(matter)
    return merged if len({(matter.category, matter.cause) for matter in merged}) > 1 else []


def _separators(text: str) -> Iterator[int]:
    """Places where a separator begins; the first of a numbered list opens nothing, a list of demands is left whole."""
    is_listing_demands = numbered = False
    for match in SEPARATOR.finditer(text):
        if not match["numbered"]:
            is_listing_demands = False
            yield match.start()
            continue
        opens = not numbered or match.group().strip("第()、.") in ("一", "1", "首先", "其一", "一是")
        if opens:
            is_listing_demands = bool(DEMANDS.search(text, max(0, match.start() - 40), match.start()))
        numbered = True
        if not opens and not is_listing_demands and not DEMANDED.match(text, match.end()):
            yield match.start()


def _without_short(segments: list[Span]) -> list[Span]:
    """Join what is too short to be a matter to the segment before it."""
    kept: list[Span] = []
    for start, end in segments:
        if kept and (end - start < SHORTEST_SEGMENT or kept[-1][1] - kept[-1][0] < SHORTEST_SEGMENT):
            kept[-1] = (kept[-1][0], end)
        else:
            kept.append((start, end))
    return kept


def _at_most(segments: list[Span]) -> list[Span]:
    """Join the shortest neighbours until few enough are left."""
    while len(segments) > MOST_SEGMENTS:
        lengths = [segments[i + 1][1] - segments[i][0] for i in range(len(segments) - 1)]
        at = lengths.index(min(lengths))
        segments[at : at + 2] = [(segments[at][0], segments[at + 1][1])]
    return segments


def trimmed(text: str, span: Span) -> Span:
    """A segment without the marks at its edges."""
    start, end = span
    while start < end - 1 and BOUNDARY.match(text, start):
        start += 1
    while end > start + 1 and BOUNDARY.match(text, end - 1):
        end -= 1
    return start, end
