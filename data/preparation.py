"""Everything that happens to a text before the tokenizer. In: the original. Out: `PreparedText`.

`redacted_text` is the original with personal data replaced by placeholders and nothing else changed: it is what may
be stored, shown and logged to the review console. `model_text` is the normal form with the same placeholders: it is
what the model reads. Spans found in the model text map to both.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from data.normalize import NormalizedText, normalize_text
from data.redaction.recognizers import find_pii
from data.redaction.spans import PiiSpan
from data.taxonomy import Taxonomy

# Raise the major number when model texts change enough to need retraining; a bundle states the one it was made with.
REDACTION_VERSION = "2.4.0"


@dataclass(frozen=True, kw_only=True)
class TextSpan:
    """The same piece of text in the original (`start:end`) and in the redacted text; code points, end exclusive."""

    start: int
    end: int
    redacted_start: int
    redacted_end: int


@dataclass(frozen=True, kw_only=True)
class PreparedText:
    redacted_text: str
    model_text: str
    pii: tuple[PiiSpan, ...]
    """Spans of the original that were replaced."""
    _starts: Sequence[int]
    _ends: Sequence[int]
    _shifts: tuple[tuple[int, int, int], ...]

    def locate(self, start: int, end: int) -> TextSpan:
        """The piece of text behind the non-empty span `start:end` of `model_text`."""
        first, last = self._starts[start], self._ends[end - 1]
        return TextSpan(
            start=first,
            end=last,
            redacted_start=self._to_redacted(first, at_end=False),
            redacted_end=self._to_redacted(last, at_end=True),
        )

    def model_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of `model_text` that covers `start:end` of the original; empty where nothing of it is left."""
        covered = [i for i, (s, e) in enumerate(zip(self._starts, self._ends, strict=True)) if s < end and e > start]
        return (covered[0], covered[-1] + 1) if covered else (0, 0)

    def _to_redacted(self, position: int, *, at_end: bool) -> int:
        """A position of the original in the redacted text; inside a replaced value, that value's placeholder edge."""
        index = bisect_right(self._shifts, position - at_end, key=itemgetter(0)) - 1
        if index < 0:
            return position
        _, end, shift = self._shifts[index]
        return position + shift if position >= end else end + shift - (0 if at_end else self._placeholder_length(index))

    def _placeholder_length(self, index: int) -> int:
        start, end, shift = self._shifts[index]
        before = self._shifts[index - 1][2] if index else 0
        return end - start + shift - before


def prepare_text(original: str, taxonomy: Taxonomy) -> PreparedText:
    """Normalise and redact one text. Never raises; an invisible text gives an empty `model_text`."""
    normalized = normalize_text(original)
    found = find_pii(normalized.text)
    pii = tuple(_in_original(span, normalized) for span in found)
    placeholders = taxonomy.placeholders
    redacted, shifts = _redact(original, pii, placeholders)
    model_text, starts, ends = _model_text(normalized, found, placeholders)
    return PreparedText(
        redacted_text=redacted, model_text=model_text, pii=pii, _starts=starts, _ends=ends, _shifts=shifts
    )


def _in_original(span: PiiSpan, normalized: NormalizedText) -> PiiSpan:
    start, end = normalized.to_original(span.start, span.end)
    return PiiSpan(kind=span.kind, start=start, end=end)


def _redact(
    original: str, pii: Sequence[PiiSpan], placeholders: dict[str, str]
) -> tuple[str, tuple[tuple[int, int, int], ...]]:
    """The redacted text and, for each replaced value, (start, end, total shift of what follows)."""
    pieces: list[str] = []
    shifts: list[tuple[int, int, int]] = []
    position = shift = 0
    for span in pii:
        placeholder = placeholders[span.kind]
        pieces += [original[position : span.start], placeholder]
        shift += len(placeholder) - (span.end - span.start)
        shifts.append((span.start, span.end, shift))
        position = span.end
    pieces.append(original[position:])
    return "".join(pieces), tuple(shifts)


def _model_text(
    normalized: NormalizedText, found: Sequence[PiiSpan], placeholders: dict[str, str]
) -> tuple[str, Sequence[int], Sequence[int]]:
    if not found:
        return normalized.text, normalized.starts, normalized.ends
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for span in found:
        placeholder = placeholders[span.kind]
        start, end = normalized.to_original(span.start, span.end)
        pieces += [normalized.text[position : span.start], placeholder]
        starts += [*normalized.starts[position : span.start], *[start] * len(placeholder)]
        ends += [*normalized.ends[position : span.start], *[end] * len(placeholder)]
        position = span.end
    pieces.append(normalized.text[position:])
    starts += normalized.starts[position:]
    ends += normalized.ends[position:]
    return "".join(pieces), starts, ends
