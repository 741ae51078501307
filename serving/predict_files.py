"""Triage whole files. In: JSONL, CSV or XLSX with a column `text` and perhaps `id`. Out: JSON Lines, bad rows skipped.

Rows are read, triaged and written window by window, so that memory does not grow with the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from tqdm import tqdm

from data.errors import InputFileError, TextError
from models.predictor import Predictor, PreparedInput
from serving.bulk import triage_windows
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
    windows = _prepared_windows(predictor, read_rows(input_file, problems), problems)
    try:
        with draft.open("wb") as output, tqdm(desc="triage", unit="text") as bar:
            for answers in triage_windows(predictor, windows, workers=workers or usable_cores()):
                output.writelines(answer + b"\n" for answer in answers)
                done += len(answers)
                bar.update(len(answers))
        os.replace(draft, output_file)
    finally:
        draft.unlink(missing_ok=True)
    for problem in problems:
        click.echo(problem, err=True)
    return FileOutcome(done=done, problems=tuple(problems))


def _prepared_windows(predictor: Predictor, rows: Iterator[Row], problems: list[str]) -> Iterator[list[PreparedInput]]:
    size = FIRST_WINDOW
    window: list[PreparedInput] = []
    for row in rows:
        item = _prepare(predictor, row, problems)
        if item is None:
            continue
        window.append(item)
        if len(window) == size:
            yield window
            window, size = [], min(2 * size, LARGEST_WINDOW)
    if window:
        yield window


def _prepare(predictor: Predictor, row: Row, problems: list[str]) -> PreparedInput | None:
    if not isinstance(row.text, str):
        problems.append(f"line {row.line}: text is {type(row.text).__name__}, expected a string; skipped")
        return None
    try:
        return predictor.prepare(row.text, id=row.id)
    except TextError as error:
        problems.append(f"line {row.line}: {error.message}; skipped")
        return None
