"""The texts a measurement is about, and the answers to them. In: splits, gold files, a predictor. Out: evaluated sets.

Every text is answered once, alone, as the service answers it; all figures reuse these answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from data.dataset import TEXTS_FOLDER, read_corpus
from data.errors import CorpusError, SettingsError
from data.schema import LabelledText
from data.splits import SPLITS_FILE, read_splits
from data.taxonomy import Taxonomy
from eval.gold import GoldSet, corpus_gold, credited, read_gold
from models.answer import TriageAnswer
from models.predictor import Predictor

SPLITS = ("dev", "calibration", "test", "test_writer")
Origin = Literal["split", "gold"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which texts are measured: splits of the corpus, then gold files by name. No split: all that hold texts."""

    splits: Sequence[str] = ()
    gold: Mapping[str, Path] = field(default_factory=dict)
    texts_folder: Path = TEXTS_FOLDER
    splits_file: Path = SPLITS_FILE


@dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """A name, labelled texts, and where they come from: a split or a file."""

    name: str
    origin: Origin
    source: str
    gold: GoldSet

    @property
    def texts(self) -> Sequence[LabelledText]:
        return self.gold.texts

    def is_right(self, row: int, facet: str, code: str | None) -> bool:
        """Whether a code counts as right for a text."""
        accepted = self.gold.accepted[row].get(facet)
        return code in accepted if accepted is not None else code == getattr(self.texts[row], facet)


@dataclass(frozen=True, kw_only=True)
class EvaluatedSet(LabelledSet):
    """A labelled set with an answer to each text, all probabilities included."""

    answers: Sequence[TriageAnswer]

    @cached_property
    def credited(self) -> list[LabelledText]:
        """The texts with defensible answers that were given put in place of the first ones."""
        return credited(self.gold, self.answers)


def parse_gold(values: Iterable[str]) -> dict[str, Path]:
    """`NAME=FILE`, or `FILE` named by its stem. Raises SettingsError for a missing file or a name given twice."""
    files: dict[str, Path] = {}
    for value in values:
        name, separator, path = value.partition("=")
        file = Path(path if separator else value)
        name = name if separator else file.stem
        if not file.is_file():
            raise SettingsError(f"--gold {value}: there is no file {file}; expected NAME=FILE or FILE")
        if not name or name in files or name in SPLITS:
            raise SettingsError(f"--gold {value}: the name {name!r} is empty or taken; give another one as NAME=FILE")
        files[name] = file
    return files


def read_sets(selection: Selection, taxonomy: Taxonomy) -> tuple[list[LabelledSet], list[LabelledText]]:
    """The chosen sets and the training texts. Raises CorpusError for a wrong line or a chosen split without texts."""
    golds = read_golds(selection.gold, taxonomy)
    texts, splits = read_corpus(taxonomy, selection.texts_folder), read_splits(selection.splits_file)
    by_split = {name: [text for text in texts if splits.get(text.id) == name] for name in ("train", *SPLITS)}
    if empty := [name for name in selection.splits if not by_split[name]]:
        raise CorpusError(f"no text in {selection.texts_folder} is in the split {empty[0]}; choose another --split")
    chosen = selection.splits or [name for name in SPLITS if by_split[name]]
    return [*(corpus_set(name, by_split[name]) for name in chosen), *golds], by_split["train"]


def read_chosen(selection: Selection, taxonomy: Taxonomy) -> list[LabelledSet]:
    """The chosen sets; the corpus is read only for a chosen split. Raises CorpusError."""
    return read_sets(selection, taxonomy)[0] if selection.splits else read_golds(selection.gold, taxonomy)


def read_golds(files: Mapping[str, Path], taxonomy: Taxonomy) -> list[LabelledSet]:
    """Gold files by name; they need no corpus. Raises CorpusError for a wrong line."""
    return [
        LabelledSet(name=name, origin="gold", source=str(file), gold=read_gold(file, taxonomy))
        for name, file in files.items()
    ]


def corpus_set(name: str, texts: Sequence[LabelledText]) -> LabelledSet:
    """A split of the corpus: a text's own labels are right and nothing else."""
    return LabelledSet(name=name, origin="split", source=name, gold=corpus_gold(texts))


def answer_set(labelled: LabelledSet, predictor: Predictor) -> EvaluatedSet:
    """Run the predictor on every text."""
    answers = [
        predictor.triage([text.text], ids=[text.id], full=True)[0]
        for text in tqdm(labelled.texts, desc=labelled.name, leave=False, disable=None)
    ]
    return EvaluatedSet(
        name=labelled.name, origin=labelled.origin, source=labelled.source, gold=labelled.gold, answers=answers
    )
