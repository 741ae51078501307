"""Rows become answers, window by window. In: rows as they are read. Out: answers in order, and what got none.

A row that fails, wherever it does, is told as a problem and harms no other. Windows are bounded by rows and by
problems, so that neither a long file nor one of bad rows alone takes memory.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from data.errors import TextError
from models.predictor import Predictor, PreparedInput
from serving.bulk import Failure, Outcome, triage_windows
from serving.input_rows import Row, RowProblem, internal_error

# Texts sorted by length together. The first windows are small, so that all cores have work soon.
FIRST_WINDOW = 64
LARGEST_WINDOW = 512


@dataclass(frozen=True, kw_only=True)
class TriagedRows:
    """Of one window: answers as JSON in the order of the file, problems in no order."""

    answers: Sequence[bytes]
    problems: Sequence[RowProblem]


@dataclass(kw_only=True)
class _Window:
    items: list[PreparedInput] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)

    def add(self, predictor: Predictor, row: Row | RowProblem) -> None:
        prepared = row if isinstance(row, RowProblem) else _prepare(predictor, row)
        if isinstance(prepared, RowProblem):
            self.problems.append(prepared)
        else:
            self.items.append(prepared)
            self.lines.append(row.line)

    def finished(self, outcomes: Sequence[Outcome]) -> TriagedRows:
        pairs = list(zip(self.lines, outcomes, strict=True))
        failed = [internal_error(line, outcome.kind) for line, outcome in pairs if isinstance(outcome, Failure)]
        answers = [outcome for _, outcome in pairs if not isinstance(outcome, Failure)]
        return TriagedRows(answers=answers, problems=[*self.problems, *failed])


def triage_rows(predictor: Predictor, rows: Iterable[Row | RowProblem], *, workers: int) -> Iterator[TriagedRows]:
    """Triage rows on so many threads; raises only what reading the rows raises."""
    begun: deque[_Window] = deque()

    def prepared() -> Iterator[list[PreparedInput]]:
        for window in _windows(predictor, rows):
            begun.append(window)
            yield window.items

    for outcomes in triage_windows(predictor, prepared(), workers=workers):
        yield begun.popleft().finished(outcomes)


def _windows(predictor: Predictor, rows: Iterable[Row | RowProblem]) -> Iterator[_Window]:
    size, window = FIRST_WINDOW, _Window()
    for row in rows:
        window.add(predictor, row)
        if len(window.items) == size or len(window.problems) == LARGEST_WINDOW:
            yield window
            size, window = min(2 * size, LARGEST_WINDOW), _Window()
    if window.items or window.problems:
        yield window


def _prepare(predictor: Predictor, row: Row) -> PreparedInput | RowProblem:
    try:
        return predictor.prepare(row.text, id=row.id)
    except TextError as error:
        return RowProblem(line=row.line, code=error.code, problem=error.message)
    except Exception as error:  # the row's edge: one text never ends the run
        return internal_error(row.line, type(error).__name__)
