"""Read the corpus. In: JSONL files as the label guide describes them. Out: `LabelledText` records, or what is wrong.

A line holds evidence as exact substrings, or `{"text", "start"}` where the substring occurs more than once; here they
become spans. `leaf` stands in the files as its code (B03B.02); its category follows from it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import CorpusError
from data.json_lines import read_lines
from data.schema import EvidenceSpan, HardNegative, InputKind, LabelledText, PiiValue
from data.taxonomy import Taxonomy

CORPUS_FOLDER = Path(__file__).with_name("corpus")
TEXTS_FOLDER = CORPUS_FOLDER / "texts"


class _Quote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    start: int = Field(ge=0)


class _Trap(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str
    trap: str = Field(min_length=1)


class _Pii(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: str
    value: str = Field(min_length=1)


class CorpusLine(BaseModel):
    """One line of a corpus file, as written."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    order_type: str
    leaf: str | None = None
    subcause: str | None = None
    causes2: list[str] = []
    channel: str
    flags: list[str] = []
    evidence: dict[str, Annotated[list[str | _Quote], Field(min_length=1)]] = {}
    hard_negatives: list[_Trap] = []
    pii: list[_Pii] = []
    voice: str
    input: InputKind
    names_product: bool
    scenario: str = Field(min_length=1)
    writer: str = Field(min_length=1)


def read_corpus(taxonomy: Taxonomy, folder: Path = TEXTS_FOLDER) -> list[LabelledText]:
    """All texts below `folder`, in file order. Raises CorpusError listing every bad line."""
    texts: list[LabelledText] = []
    problems: list[str] = []
    for where, line in corpus_lines(folder):
        try:
            texts.append(to_labelled_text(CorpusLine.model_validate(line), taxonomy))
        except (ValidationError, CorpusError) as error:
            problems.append(f"{where}: {_explain(error)}")
    if problems:
        raise CorpusError(f"{len(problems)} corpus lines are wrong:\n" + "\n".join(problems))
    return texts


def corpus_lines(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line of every JSONL file below `folder` with where it stands."""
    files = sorted(folder.glob("**/*.jsonl"))
    if not files:
        raise CorpusError(f"no .jsonl files below {folder.name}/; expected the corpus texts there")
    for file in files:
        for number, line in enumerate(read_lines(file), 1):
            try:
                yield f"{file.name}:{number}", json.loads(line)
            except ValueError as error:
                raise CorpusError(f"{file.name}:{number}: not JSON: {error}") from error


def to_labelled_text(line: CorpusLine, taxonomy: Taxonomy) -> LabelledText:
    """Check one line against the taxonomy and resolve its spans. Raises CorpusError naming every fault."""
    faults = list(_label_faults(line, taxonomy))
    evidence, missing = _resolve_evidence(line)
    faults += missing
    faults += [f"PII value {i} is not in the text" for i, pii in enumerate(line.pii) if pii.value not in line.text]
    if faults:
        raise CorpusError(f"{line.id}: {'; '.join(faults)}")
    return LabelledText(
        id=line.id,
        text=line.text,
        order_type=line.order_type,
        category=line.leaf.split(".")[0] if line.leaf else None,
        leaf=line.leaf,
        cause=line.subcause.split(".")[0] if line.subcause else None,
        subcause=line.subcause,
        channel=line.channel,
        causes2=tuple(line.causes2),
        flags=tuple(line.flags),
        evidence=evidence,
        hard_negatives=tuple(HardNegative(code=trap.code, trap=trap.trap) for trap in line.hard_negatives),
        pii=tuple(PiiValue(kind=pii.kind, value=pii.value) for pii in line.pii),
        voice=line.voice,
        input=line.input,
        names_product=line.names_product,
        scenario=line.scenario,
        writer=line.writer,
    )


def _label_faults(line: CorpusLine, taxonomy: Taxonomy) -> Iterator[str]:
    known: dict[str, set[str | None]] = {
        "order_type": {entry.code for entry in taxonomy.order_types},
        "channel": {entry.code for entry in taxonomy.channels},
        "leaf": {leaf.code for leaf in taxonomy.leaves} | {None},
        "subcause": {sub.code for sub in taxonomy.subcauses} | {None},
    }
    for name, codes in known.items():
        if getattr(line, name) not in codes:
            yield f"{name} {getattr(line, name)!r} is not in the taxonomy"
    causes, flags = {cause.code for cause in taxonomy.causes}, {flag.code for flag in taxonomy.flags}
    kinds = {kind.code for kind in taxonomy.pii_kinds}
    for name, values, codes_of in (
        ("causes2", line.causes2, causes),
        ("flags", line.flags, flags),
        ("hard_negatives", [trap.code for trap in line.hard_negatives], flags | causes),
        ("pii", [pii.kind for pii in line.pii], kinds),
    ):
        if unknown := sorted(set(values) - codes_of):
            yield f"{name} {unknown} are not in the taxonomy"
    yield from _contradictions(line)


def _contradictions(line: CorpusLine) -> Iterator[str]:
    if (line.leaf is None) != (line.order_type == "irrelevant"):
        yield "leaf must be given, except for irrelevant texts, which have none"
    if (line.subcause is None) != (line.order_type != "complaint"):
        yield "subcause must be given for complaints and for nothing else"
    primary = line.subcause.split(".")[0] if line.subcause else None
    if line.causes2 and (primary is None or primary in line.causes2):
        yield "causes2 may only add to the primary cause of a complaint"
    wanted = {*line.flags, *([primary] if primary else [])}
    if lacking := sorted(wanted - set(line.evidence)):
        yield f"no evidence for {lacking}"
    if extra := sorted(set(line.evidence) - wanted):
        yield f"evidence for {extra}, which are neither the primary cause nor a flag"
    if both := sorted({trap.code for trap in line.hard_negatives} & set(line.flags)):
        yield f"{both} are flags and hard negatives at once"


def _resolve_evidence(line: CorpusLine) -> tuple[Mapping[str, tuple[EvidenceSpan, ...]], list[str]]:
    evidence: dict[str, tuple[EvidenceSpan, ...]] = {}
    faults: list[str] = []
    for code, quotes in line.evidence.items():
        spans = []
        for quote in quotes:
            words = quote if isinstance(quote, str) else quote.text
            start = line.text.find(words) if isinstance(quote, str) else quote.start
            if start < 0 or line.text[start : start + len(words)] != words:
                faults.append(f"a quote for {code} is not in the text")
            else:
                spans.append(EvidenceSpan(start=start, end=start + len(words)))
        evidence[code] = tuple(spans)
    return evidence, faults


def _explain(error: ValidationError | CorpusError) -> str:
    if isinstance(error, CorpusError):
        return error.message
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
