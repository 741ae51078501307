"""Triage whole files. In: JSONL, CSV or XLSX with a column `text` and perhaps `id`. Out: JSON Lines, bad rows skipped.

Rows are read, triaged and written window by window, so that memory does not grow with the file.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from tqdm import tqdm

from data.errors import InputFileError, TextError
from models.predictor import Predictor, PreparedInput
from serving.bulk import Failure, Outcome, triage_windows
from serving.inference.cores import usable_cores
from serving.input_files import Row, read_rows

# Texts sorted by length together. The first windows are small, so that all cores have work soon.
FIRST_WINDOW = 64
LARGEST_WINDOW = 512


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    done: int
    problems: tuple[str, ...]
    """One per skipped row: line, what was found, what was expected."""


def predict_file(
    predictor: Predictor, input_file: Path, output_file: Path, *, workers: int | None = None
) -> FileOutcome:
    """Triage every row on all cores; the output appears under its name only when all of it is written.

    Raises InputFileError if the file cannot be read, or would be replaced by its own answers.
    """
    if output_file.exists() and output_file.samefile(input_file):
        raise InputFileError(f"{output_file.name} is the input itself; give --output another name")
    problems: list[str] = []
    done = 0
    draft = output_file.with_name(output_file.name + ".part")
    lines: deque[list[int]] = deque()
    windows = _prepared_windows(predictor, read_rows(input_file, problems), problems=problems, lines=lines)
    try:
        with draft.open("wb") as output, tqdm(desc="triage", unit="text") as bar:
            for outcomes in triage_windows(predictor, windows, workers=workers or usable_cores()):
                answers = _answers(outcomes, lines.popleft(), problems)
                output.writelines(answer + b"\n" for answer in answers)
                done += len(answers)
                bar.update(len(answers))
        os.replace(draft, output_file)
    finally:
        draft.unlink(missing_ok=True)
    for problem in problems:
        click.echo(problem, err=True)
    return FileOutcome(done=done, problems=tuple(problems))


def _prepared_windows(
    predictor: Predictor, rows: Iterator[Row], *, problems: list[str], lines: deque[list[int]]
) -> Iterator[list[PreparedInput]]:
    """Texts window by window; the lines they stand in are put into `lines` beside each window."""
    size = FIRST_WINDOW
    window: list[PreparedInput] = []
    lines_of_window: list[int] = []
    for row in rows:
        item = _prepare(predictor, row, problems)
        if item is None:
            continue
        window.append(item)
        lines_of_window.append(row.line)
        if len(window) == size:
            lines.append(lines_of_window)
            yield window
            window, lines_of_window, size = [], [], min(2 * size, LARGEST_WINDOW)
    if window:
        lines.append(lines_of_window)
        yield window


def _answers(outcomes: Sequence[Outcome], lines: Sequence[int], problems: list[str]) -> list[bytes]:
    """The answers that could be made; the others become problems."""
    problems += [
        _internal_error(line, outcome.kind)
        for line, outcome in zip(lines, outcomes, strict=True)
        if isinstance(outcome, Failure)
    ]
    return [outcome for outcome in outcomes if not isinstance(outcome, Failure)]


def _prepare(predictor: Predictor, row: Row, problems: list[str]) -> PreparedInput | None:
    if not isinstance(row.text, str):
        problems.append(f"line {row.line}: text is {type(row.text).__name__}, expected a string; skipped")
        return None
    try:
        return predictor.prepare(row.text, id=row.id)
    except TextError as error:
        problems.append(f"line {row.line}: {error.message}; skipped")
    except Exception as error:  # the row's edge: one text never ends the run
        problems.append(_internal_error(row.line, type(error).__name__))
    return None


def _internal_error(line: int, kind: str) -> str:
    return f"line {line}: internal_error: unexpected {kind} on this text; expected an answer; skipped"
