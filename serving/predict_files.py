"""Triage whole files. In: JSONL, CSV, XLSX or Parquet with a column `text`. Out: JSON Lines or Parquet.

Rows are read, triaged and written window by window, so that memory does not grow with the file. Rows without an answer
stand in `OUTPUT.errors.jsonl`.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data.errors import InputFileError
from models.predictor import Predictor
from serving.inference.cores import usable_cores
from serving.input_rows import RowProblem, read_rows
from serving.output_files import AnswerFile, ProblemFile, open_answers
from serving.triage_rows import triage_rows

ERRORS = ".errors.jsonl"
DRAFT = ".part"
MOST_TOLD = 50


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    """How many rows were answered and how many not, and the first of those."""

    done: int
    failed: int
    problems: tuple[RowProblem, ...]


def predict_file(
    predictor: Predictor, input_file: Path, output_file: Path, *, workers: int | None = None
) -> FileOutcome:
    """Triage every row on all cores; the output appears under its name only when all of it is written.

    Raises InputFileError if the file cannot be read, or would be replaced by its own answers.
    """
    if output_file.exists() and output_file.samefile(input_file):
        raise InputFileError(f"{output_file.name} is the input itself; give --output another name")
    errors_file = output_file.with_name(output_file.name + ERRORS)
    drafts = [file.with_name(file.name + DRAFT) for file in (output_file, errors_file)]
    try:
        answers, problems = open_answers(drafts[0], ending=output_file.suffix), ProblemFile(drafts[1])
        outcome = _write(predictor, input_file, answers, problems, workers=workers or usable_cores())
        if problems.count:
            os.replace(drafts[1], errors_file)
        else:
            errors_file.unlink(missing_ok=True)  # of an earlier run
        os.replace(drafts[0], output_file)
    finally:
        for draft in drafts:
            with suppress(OSError):
                draft.unlink()
    return outcome


def _write(
    predictor: Predictor, input_file: Path, answers: AnswerFile, problems: ProblemFile, *, workers: int
) -> FileOutcome:
    done = 0
    told: list[RowProblem] = []
    try:
        with tqdm(desc="triage", unit="text") as bar:
            for window in triage_rows(predictor, read_rows(input_file), workers=workers):
                answers.write(window.answers)
                problems.write(window.problems)
                told += window.problems[: MOST_TOLD - len(told)]
                done += len(window.answers)
                bar.update(len(window.answers))
    finally:
        answers.close()
        problems.close()
    return FileOutcome(done=done, failed=problems.count, problems=tuple(told))
