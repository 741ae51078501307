"""What happens to texts that are not for a bank's complaint desk? In: hand-written texts. Out: shares with intervals.

`python -m eval.behavior.out_of_scope [--bundle FOLDER] [--output FILE.json]`. Per kind of text: `irrelevant`, the
answer says so; `human`, the band sends it to a person; `kept_out`, one of these, so it is not coded as a complaint
unseen; `auto`, the dangerous rest that is coded without a person; `unreadable`, what `models.scope` takes. The other
side, false alarms: how many complaints of the corpus's split dev are called irrelevant or unreadable. 95 % Wilson
intervals. Needs the extra `train`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.dataset import read_corpus
from data.errors import CorpusError
from data.json_lines import read_lines
from data.splits import read_splits
from data.taxonomy import default_taxonomy
from eval.proportions import Proportion, proportion
from models.answer import TriageAnswer
from models.predictor import Predictor
from models.scope import is_out_of_scope

OUT_OF_SCOPE_FILE = Path(__file__).with_name("out_of_scope.jsonl")
FIGURES = ("irrelevant", "human", "kept_out", "auto", "unreadable")


class OutsideText(BaseModel):
    """One text that is not for the desk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    kind: Literal["other_trade", "small_talk", "noise", "other_language", "other_text"]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of one text."""

    is_irrelevant: bool
    band: str
    is_unreadable: bool

    @property
    def figures(self) -> Mapping[str, bool]:
        human = self.band == "human"
        return {
            "irrelevant": self.is_irrelevant,
            "human": human,
            "kept_out": human or self.is_irrelevant,
            "auto": self.band == "auto" and not self.is_irrelevant,
            "unreadable": self.is_unreadable,
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    kinds: Mapping[str, Mapping[str, Proportion]]
    """Kind, or `all` → figure → share."""
    coded: tuple[str, ...]
    """Ids of the dangerous texts."""
    false_alarms: Mapping[str, Proportion]
    """Complaints called irrelevant, and unreadable ones."""

    def to_json(self) -> dict[str, Any]:
        return {
            "kinds": {kind: _as_json(figures) for kind, figures in self.kinds.items()},
            "coded": list(self.coded),
            "false_alarms": _as_json(self.false_alarms),
        }


def _as_json(figures: Mapping[str, Proportion]) -> dict[str, Any]:
    return {name: share.to_json() for name, share in figures.items()}


def read_outside_texts(file: Path = OUT_OF_SCOPE_FILE) -> list[OutsideText]:
    """All texts in file order. Raises CorpusError for a bad line or what stands twice."""
    if not file.is_file():
        raise CorpusError(f"{file.name} is not here; expected it in a checkout (it is not in the wheel)")
    texts = []
    for number, line in enumerate(read_lines(file), 1):
        try:
            texts.append(OutsideText.model_validate(json.loads(line)))
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise CorpusError(f"{file.name}:{number}: {faults}") from error
        except ValueError as error:
            raise CorpusError(f"{file.name}:{number}: not JSON: {error}") from error
    for name, values in (("id", [text.id for text in texts]), ("text", [text.text.strip() for text in texts])):
        if repeated := [i for i, value in enumerate(values) if Counter(values)[value] > 1]:
            raise CorpusError(f"{file.name}: the same {name} in {', '.join(texts[i].id for i in repeated)}")
    return texts


def observe(texts: Sequence[str], predictor: Predictor) -> list[Fate]:
    """The fate of each text."""
    return [_observe(text, predictor) for text in texts]


def _observe(text: str, predictor: Predictor) -> Fate:
    item = predictor.prepare(text)
    answer = predictor.answer(item, predictor.infer([item])[0])
    return fate_of(answer, is_unreadable=is_out_of_scope(item.prepared.model_text, item.tokens))


def fate_of(answer: TriageAnswer, *, is_unreadable: bool) -> Fate:
    return Fate(
        is_irrelevant=answer.order_type.code == "irrelevant", band=answer.decision.band, is_unreadable=is_unreadable
    )


def summarize(texts: Sequence[OutsideText], fates: Sequence[Fate], complaints: Sequence[Fate]) -> Report:
    """Shares per kind and of all, and the false alarms among `complaints`."""
    pairs = list(zip(texts, fates, strict=True))
    kinds = {"all": list(fates)}
    for text, fate in pairs:
        kinds.setdefault(text.kind, []).append(fate)
    alarms = _shares(complaints)
    return Report(
        kinds={kind: _shares(rows) for kind, rows in kinds.items()},
        coded=tuple(text.id for text, fate in pairs if fate.figures["auto"]),
        false_alarms={name: alarms[name] for name in ("irrelevant", "unreadable")},
    )


def _shares(fates: Sequence[Fate]) -> dict[str, Proportion]:
    return {name: proportion([fate.figures[name] for fate in fates]) for name in FIGURES}


def main() -> None:
    """Print the shares; write everything as JSON where asked."""
    parser = argparse.ArgumentParser(description="Measure a bundle on texts that are not for a bank.")
    parser.add_argument("--bundle", type=Path, help="folder of the bundle, by default the shipped one")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    texts, predictor, splits = read_outside_texts(), Predictor.load(options.bundle), read_splits()
    corpus = read_corpus(default_taxonomy())
    complaints = [t.text for t in corpus if splits.get(t.id) == "dev" and t.order_type == "complaint"]
    report = summarize(texts, observe([text.text for text in texts], predictor), observe(complaints, predictor))
    for kind, figures in [*report.kinds.items(), ("dev complaints", report.false_alarms)]:
        sys.stdout.write(f"{kind:15s}" + "".join(f"  {name} {share}" for name, share in figures.items()) + "\n")
    if options.output:
        content = {"bundle": predictor.bundle.name, **report.to_json()}
        options.output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
