"""Triage the rows of a file. In: records. Out: for each a complaint with its answer, or the outcome of a bad row.

A bad row never fails its neighbours: what cannot be read, prepared or answered becomes an error in its own place.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from data.errors import TextError, XiaobaoError, place_of
from data.store.records import ImportOutcome
from models.network import near_lengths
from models.predictor import Inference, Predictor, PreparedInput
from serving.api.requests import TriageRequest
from serving.bulk import Failure, infer_each
from serving.imports.cells import RowError
from serving.imports.examination import external_id_of, read_record
from serving.inference.pool import inference_failed
from serving.input_files import BadRow, Record
from serving.intake import Complaint
from serving.settings import Settings

logger = logging.getLogger("xiaobao.imports")


@dataclass(frozen=True, kw_only=True)
class TriagedRow:
    """A row that is to be stored."""

    line: int
    complaint: Complaint = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _ReadRow:
    line: int
    body: TriageRequest = field(repr=False)
    item: PreparedInput = field(repr=False)


class RowTriage:
    """`give_way` is called before each run of the network, and may raise to end the work."""

    def __init__(self, predictor: Predictor, settings: Settings, give_way: Callable[[], None]) -> None:
        self._predictor = predictor
        self._settings = settings
        self._give_way = give_way

    def triage(self, records: Sequence[Record | BadRow], *, numbered: str) -> list[TriagedRow | ImportOutcome]:
        """In the order of the records. Raises what `give_way` raises.

        A row without a number of its own gets one of `numbered` and its line, the same whenever the file is read.
        """
        rows = [self._read(record, numbered) for record in records]
        good = [row for row in rows if isinstance(row, _ReadRow)]
        answered = {row.line: self._answer(row, inference) for row, inference in self._infer(good)}
        return [row if isinstance(row, ImportOutcome) else answered[row.line] for row in rows]

    def _read(self, record: Record | BadRow, numbered: str) -> _ReadRow | ImportOutcome:
        try:
            given = read_record(record, self._settings)
            external_id = given.external_id or f"{numbered}-{record.line}"
            body = given.model_copy(update={"external_id": external_id})
            item = self._predictor.prepare(body.text, id=external_id)
        except (RowError, TextError) as error:
            return ImportOutcome(line=record.line, external_id=external_id_of(record), error=error)
        except Exception as error:
            return ImportOutcome(line=record.line, external_id=external_id_of(record), error=unexpected(error))
        return _ReadRow(line=record.line, body=body, item=item)

    def _infer(self, rows: Sequence[_ReadRow]) -> list[tuple[_ReadRow, Inference | Failure]]:
        pairs: list[tuple[_ReadRow, Inference | Failure]] = []
        for group in near_lengths([len(row.item.tokens.ids) for row in rows]):
            self._give_way()
            texts = [rows[i] for i in group]
            pairs += zip(texts, infer_each(self._predictor, [row.item for row in texts]), strict=True)
        return pairs

    def _answer(self, row: _ReadRow, inference: Inference | Failure) -> TriagedRow | ImportOutcome:
        if isinstance(inference, Failure):
            logger.error("inference failed on a row: %s", inference.kind)
            return ImportOutcome(line=row.line, external_id=row.body.external_id, error=inference_failed())
        try:
            answer = self._predictor.answer(row.item, inference, full=True)
        except Exception as error:
            return ImportOutcome(line=row.line, external_id=row.body.external_id, error=unexpected(error))
        return TriagedRow(line=row.line, complaint=Complaint(body=row.body, item=row.item, answer=answer))


def unexpected(error: Exception) -> XiaobaoError:
    """Log where an error that nobody expected was raised, never its message, and give the row one of its own."""
    logger.error("a row of an import failed: %s at %s", type(error).__name__, place_of(error))
    return RowError(
        "internal", f"an unexpected {type(error).__name__} on this row; import it again", "该行出现内部错误，请重新导入"
    )
