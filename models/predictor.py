"""The only way to run the model. In: complaint texts. Out: `TriageAnswer`.

Three steps, so that a server can validate and prepare before its queue and one bad text never fails its neighbours:
`prepare` (normalise, redact, tokenise), `infer` (the network, on any number of prepared texts), `answer`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from data.errors import BundleError, TextError
from data.preparation import PreparedText, prepare_text
from data.taxonomy import Taxonomy, default_taxonomy
from models.answer import (
    AllProbabilities,
    Alternative,
    Evidence,
    FacetAnswer,
    FlagAnswer,
    Timings,
    TriageAnswer,
    Versions,
)
from models.bundle import Bundle, current_bundle_folder, load_bundle
from models.calibration import FloatArray, Probabilities, calibrate, sigmoid
from models.decision import POLICY_VERSION, decide
from models.evidence import Clause, evidence_spans, split_clauses
from models.label_space import parent
from models.runtimes.onnx_runtime import OnnxRuntime
from models.tokenization import TextTokenizer, TokenizedText

MAX_CHARACTERS = 20_000
ALTERNATIVES = 3
DIGITS = 4  # of probabilities in answers


@dataclass(frozen=True, kw_only=True)
class PreparedInput:
    """A text ready for the network; `prepare_seconds` is how long that took."""

    id: str
    prepared: PreparedText
    tokens: TokenizedText
    clauses: list[Clause]
    prepare_seconds: float


@dataclass(frozen=True, kw_only=True)
class Inference:
    """The network's view of one text; `evidence` is (pieces, evidence labels) as probabilities."""

    probabilities: Probabilities
    row: int
    evidence: FloatArray
    model_seconds: float


class Predictor:
    """Thread-safe after construction."""

    def __init__(self, bundle: Bundle, taxonomy: Taxonomy | None = None, threads: int = 1) -> None:
        self.bundle = bundle
        self.taxonomy = taxonomy or default_taxonomy()
        self._tokenizer = TextTokenizer(bundle.tokenizer_file, bundle.max_tokens)
        self._runtime = OnnxRuntime(bundle.model_file, threads)
        self._names = {code: entry.name for code, entry in self.taxonomy.entries.items()}
        _refuse_unknown_codes(bundle, self._names)
        self._members = {
            (field, code): np.array([parent(child) == code for child in children])
            for field, parents, children in (
                ("leaf", bundle.labels.category, bundle.labels.leaf),
                ("subcause", bundle.labels.cause, bundle.labels.subcause),
            )
            for code in parents
        }
        self._versions = Versions(
            bundle=bundle.name,
            taxonomy=bundle.taxonomy_version,
            redaction=bundle.redaction_version,
            policy=POLICY_VERSION,
        )

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int = 1) -> Self:
        """A predictor on a bundle folder, by default the shipped one. Raises BundleError."""
        return cls(load_bundle(folder or current_bundle_folder()), threads=threads)

    def triage(
        self, texts: Sequence[str], *, ids: Sequence[str] | None = None, full: bool = False
    ) -> list[TriageAnswer]:
        """Answers for texts, in their order. Raises TextError for an empty or overlong text."""
        names = ids or [str(i) for i in range(len(texts))]
        prepared = [self.prepare(text, id=name) for name, text in zip(names, texts, strict=True)]
        return [
            self.answer(item, inference, full=full)
            for item, inference in zip(prepared, self.infer(prepared), strict=True)
        ]

    def prepare(self, text: str, *, id: str = "0") -> PreparedInput:
        """Check, normalise, redact and tokenise one text. Raises TextError."""
        started = time.perf_counter()
        check_text(text)
        prepared = prepare_text(text, self.taxonomy)
        if not prepared.model_text.strip():
            raise TextError(
                "the text has no visible characters; expected a complaint",
                "文本没有可见内容，请填写投诉内容",
                code="text_empty",
            )
        tokens = self._tokenizer.tokenize(prepared.model_text)
        return PreparedInput(
            id=id,
            prepared=prepared,
            tokens=tokens,
            clauses=split_clauses(prepared.model_text, tokens.offsets),
            prepare_seconds=time.perf_counter() - started,
        )

    def infer(self, items: Sequence[PreparedInput]) -> list[Inference]:
        """Run the network once on all items; join texts of near length, padding is paid for."""
        if not items:
            return []
        started = time.perf_counter()
        logits = self._runtime.run([item.tokens.ids for item in items])
        evidence = logits.pop("evidence")
        probabilities = calibrate(logits, self.bundle.calibration, self.bundle.labels)
        seconds = time.perf_counter() - started
        return [
            Inference(
                probabilities=probabilities,
                row=row,
                evidence=sigmoid(evidence[row, : len(item.tokens.ids)]),
                model_seconds=seconds,
            )
            for row, item in enumerate(items)
        ]

    def answer(
        self, item: PreparedInput, inference: Inference, *, full: bool = False, queue_seconds: float = 0.0
    ) -> TriageAnswer:
        """Decide from probabilities; category first, then the best leaf inside it, causes likewise."""
        started = time.perf_counter()
        facets = self._facets(item, inference)
        flags = self._flags(item, inference)
        decision = decide(facets, flags, truncated=item.tokens.truncated)
        order_type, channel = facets["order_type"], facets["channel"]
        assert order_type is not None
        assert channel is not None
        answer_seconds = time.perf_counter() - started
        return TriageAnswer(
            id=item.id,
            order_type=order_type,
            category=facets["category"],
            leaf=facets["leaf"],
            cause=facets["cause"],
            subcause=facets["subcause"],
            channel=channel,
            causes2=self._secondary_causes(facets["cause"], inference),
            flags=flags,
            issues=[],
            amount=None,
            decision=decision,
            redacted_text=item.prepared.redacted_text,
            truncated=item.tokens.truncated,
            versions=self._versions,
            timings=_timings(item, inference, queue_seconds, answer_seconds),
            probabilities=self._all_probabilities(inference) if full else None,
        )

    def _facets(self, item: PreparedInput, inference: Inference) -> dict[str, FacetAnswer | None]:
        labels, p, row = self.bundle.labels, inference.probabilities, inference.row
        order_type = self._facet("order_type", labels.order_type, p.order_type[row])
        category = leaf = cause = subcause = None
        if order_type.code != "irrelevant":
            category = self._facet("category", labels.category, p.category[row])
            leaf = self._facet("leaf", labels.leaf, p.leaf[row], within=category.code)
        if order_type.code == "complaint":
            cause = self._facet("cause", labels.cause, p.cause[row])
            cause = cause.model_copy(update={"evidence": self._evidence(item, inference, cause.code)})
            subcause = self._facet("subcause", labels.subcause, p.subcause[row], within=cause.code)
        return {
            "order_type": order_type,
            "category": category,
            "leaf": leaf,
            "cause": cause,
            "subcause": subcause,
            "channel": self._facet("channel", labels.channel, p.channel[row]),
        }

    def _facet(
        self, field: str, codes: Sequence[str], probabilities: FloatArray, within: str | None = None
    ) -> FacetAnswer:
        best, *others = self._ranked(field, probabilities, within)[: 1 + ALTERNATIVES]
        confidence = float(probabilities[best])
        return FacetAnswer(
            code=codes[best],
            name=self._names[codes[best]],
            confidence=round(confidence, DIGITS),
            band=self.bundle.thresholds.bands[field].band(confidence),
            alternatives=[
                Alternative(
                    code=codes[i], name=self._names[codes[i]], confidence=round(float(probabilities[i]), DIGITS)
                )
                for i in others
            ],
        )

    def _ranked(self, field: str, probabilities: FloatArray, within: str | None) -> list[int]:
        order = np.argsort(-probabilities, kind="stable")
        if within is not None:
            order = order[self._members[field, within][order]]
        ranked: list[int] = order.tolist()
        return ranked

    def _flags(self, item: PreparedInput, inference: Inference) -> list[FlagAnswer]:
        labels, limits = self.bundle.labels, self.bundle.thresholds.flags
        probabilities = inference.probabilities.flags[inference.row]
        raised = [i for i, code in enumerate(labels.flags) if probabilities[i] >= limits[code]]
        return [
            FlagAnswer(
                code=labels.flags[i],
                group=labels.flags[i][0],
                name=self._names[labels.flags[i]],
                probability=round(float(probabilities[i]), DIGITS),
                source="model",
                evidence=self._evidence(item, inference, labels.flags[i]),
            )
            for i in raised
        ]

    def _secondary_causes(self, primary: FacetAnswer | None, inference: Inference) -> list[str]:
        if primary is None:
            return []
        probabilities = inference.probabilities.causes[inference.row]
        return [
            code
            for i, code in enumerate(self.bundle.labels.cause)
            if code != primary.code and probabilities[i] >= self.bundle.thresholds.causes2
        ]

    def _evidence(self, item: PreparedInput, inference: Inference, code: str) -> list[Evidence]:
        column = self.bundle.labels.evidence.index(code)
        scores: npt.NDArray[np.float32] = inference.evidence[:, column]
        spans = evidence_spans(
            scores,
            item.tokens.offsets,
            item.clauses,
            text=item.prepared.model_text,
            threshold=self.bundle.thresholds.evidence,
        )
        return [self._cut(item.prepared, start, end) for start, end in spans]

    @staticmethod
    def _cut(prepared: PreparedText, start: int, end: int) -> Evidence:
        span = prepared.locate(start, end)
        return Evidence(
            start=span.start,
            end=span.end,
            redacted_start=span.redacted_start,
            redacted_end=span.redacted_end,
            text=prepared.redacted_text[span.redacted_start : span.redacted_end],
        )

    def _all_probabilities(self, inference: Inference) -> AllProbabilities:
        labels, p, row = self.bundle.labels, inference.probabilities, inference.row

        def by_code(codes: Sequence[str], values: FloatArray) -> dict[str, float]:
            return {code: round(float(value), DIGITS) for code, value in zip(codes, values[row], strict=True)}

        return AllProbabilities(
            order_type=by_code(labels.order_type, p.order_type),
            category=by_code(labels.category, p.category),
            leaf=by_code(labels.leaf, p.leaf),
            cause=by_code(labels.cause, p.cause),
            subcause=by_code(labels.subcause, p.subcause),
            causes=by_code(labels.cause, p.causes),
            channel=by_code(labels.channel, p.channel),
            flags=by_code(labels.flags, p.flags),
        )


def _refuse_unknown_codes(bundle: Bundle, names: Mapping[str, str]) -> None:
    """A bundle trained on a newer taxonomy must fail at start, not at the first text. Raises BundleError."""
    codes = {code for group in bundle.labels.to_json().values() for code in group}
    if unknown := sorted(codes - set(names)):
        raise BundleError(
            f"bundle {bundle.name} gives {len(unknown)} labels that the taxonomy here lacks (first: {unknown[0]}); "
            f"it was trained with taxonomy {bundle.taxonomy_version}; install that version"
        )


def check_text(text: str) -> None:
    """Refuse what cannot be triaged. Raises TextError with a code, what was found and what is expected."""
    if not text.strip():
        raise TextError("the text is empty; expected a complaint", "文本为空，请填写投诉内容", code="text_empty")
    if len(text) > MAX_CHARACTERS:
        raise TextError(
            f"the text has {len(text)} characters; at most {MAX_CHARACTERS} are accepted; shorten it",
            f"文本有 {len(text)} 字，最多 {MAX_CHARACTERS} 字，请删减后再提交",
            code="text_too_long",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"the text holds an unpaired surrogate at position {error.start}; expected valid Unicode",
            f"文本第 {error.start + 1} 个字符不是有效字符，请检查编码",
            code="text_not_unicode",
        ) from error


def _timings(item: PreparedInput, inference: Inference, queue: float, answer: float) -> Timings:
    prepare, model = item.prepare_seconds, inference.model_seconds + answer
    return Timings(
        prepare_ms=round(prepare * 1e3, 3),
        queue_ms=round(queue * 1e3, 3),
        model_ms=round(model * 1e3, 3),
        total_ms=round((prepare + queue + model) * 1e3, 3),
    )
