"""The only way to run the model. In: complaint texts. Out: `TriageAnswer`.

Three steps, so that a server can validate and prepare before its queue and one bad text never fails its neighbours:
`prepare` (normalise, redact, tokenise, look up rules and sums), `infer` (the network, on any number of prepared
texts), `answer`. A letter longer than the model reads is run in windows (`models.windows`); a complaint that names
several matters is also run segment by segment (`models.issues`).
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from data.errors import BundleError, TextError
from data.policy.schema import Policy, default_policy
from data.preparation import PreparedText, prepare_text
from data.taxonomy import Taxonomy, default_taxonomy
from models.amounts import Money, disputed_amount, find_amounts
from models.answer import (
    AllProbabilities,
    Alternative,
    Amount,
    Evidence,
    FacetAnswer,
    FlagAnswer,
    FlagSource,
    Issue,
    Timings,
    TriageAnswer,
    Versions,
)
from models.bundle import Bundle, current_bundle_folder, load_bundle
from models.calibration import FloatArray, Probabilities
from models.decision import decide
from models.evidence import MOST_CLAUSES, Span, evidence_spans, merge_spans, split_clauses
from models.issues import ISSUE_CONFIDENCE, Matter, merge_matters, paragraph_starts, split_segments, trimmed
from models.label_space import parent
from models.network import Inference, Network, PreparedInput
from models.rules import by_flag, default_rules
from models.scope import is_out_of_scope
from models.tokenization import TextTokenizer
from models.windows import MOST_PIECES, split_windows

__all__ = ["MAX_CHARACTERS", "Inference", "Predictor", "PreparedInput", "check_text"]

MAX_CHARACTERS = 20_000
ALTERNATIVES = 3
UNKNOWN_CHANNEL = "unknown"
DIGITS = 4  # of probabilities in answers


class Predictor:
    """Thread-safe after construction."""

    def __init__(
        self, bundle: Bundle, taxonomy: Taxonomy | None = None, threads: int = 1, policy: Policy | None = None
    ) -> None:
        self.bundle = bundle
        self.taxonomy = taxonomy or default_taxonomy()
        self.policy = policy or default_policy()
        self._tokenizer = TextTokenizer(bundle.tokenizer_file, MOST_PIECES)
        self._rules = default_rules()
        self._network = Network(bundle, threads)
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
        self._issue_confidence = max(bundle.thresholds.bands["category"].suggest, ISSUE_CONFIDENCE)
        self._versions = Versions(
            bundle=bundle.name,
            taxonomy=bundle.taxonomy_version,
            redaction=bundle.redaction_version,
            policy=self.policy.version,
        )

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int = 1, policy: Policy | None = None) -> Self:
        """A predictor on a bundle folder and a policy, by default the shipped ones. Raises BundleError."""
        return cls(load_bundle(folder or current_bundle_folder()), threads=threads, policy=policy)

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
        clauses = split_clauses(prepared.model_text, tokens.offsets)
        return PreparedInput(
            id=id,
            prepared=prepared,
            tokens=tokens,
            clauses=clauses,
            windows=split_windows(len(tokens.ids), clauses, max_tokens=self.bundle.max_tokens),
            segments=split_segments(prepared.model_text, paragraph_starts(text, prepared)),
            rule_hits=self._rules.find(prepared.model_text),
            amounts=find_amounts(prepared.model_text),
            prepare_seconds=time.perf_counter() - started,
        )

    def infer(self, items: Sequence[PreparedInput]) -> list[Inference]:
        """Run the network once on all items; join texts of near length, padding is paid for."""
        return self._network.infer(items)

    def warm_up(self) -> None:
        """Run the largest and a small shape, so that memory does not grow later."""
        self._network.warm_up(self._tokenizer.tokenize("测").ids)

    def answer(
        self, item: PreparedInput, inference: Inference, *, full: bool = False, queue_seconds: float = 0.0
    ) -> TriageAnswer:
        """Decide from probabilities; category first, then the best leaf inside it, causes likewise."""
        started = time.perf_counter()
        facets = self._facets(item, inference)
        flags = self._flags(item, inference, facets["order_type"])
        unreadable = is_out_of_scope(item.prepared.model_text, item.tokens)
        decision = decide(facets, flags, truncated=item.is_truncated, out_of_scope=unreadable, policy=self.policy)
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
            issues=self._issues(item, inference),
            amount=_amount(item, disputed_amount(item.prepared.model_text, item.amounts)),
            amounts=[amount for money in item.amounts if (amount := _amount(item, money))],
            decision=decision,
            redacted_text=item.prepared.redacted_text,
            truncated=item.is_truncated,
            versions=self._versions,
            timings=_timings(item, inference, queue_seconds, answer_seconds),
            probabilities=self._all_probabilities(inference) if full else None,
        )

    def _facets(self, item: PreparedInput, inference: Inference) -> dict[str, FacetAnswer | None]:
        labels, p, row = self.bundle.labels, inference.probabilities, inference.row
        order_type = self._facet("order_type", labels.order_type, p.order_type[row])
        channel = self._facet("channel", labels.channel, p.channel[row])
        category = leaf = cause = subcause = None
        if order_type.code == "irrelevant":
            # By the label guide no business was done anywhere; the channel head never learned such texts.
            unknown = self.taxonomy.entries[UNKNOWN_CHANNEL]
            channel = order_type.model_copy(update={"code": unknown.code, "name": unknown.name, "alternatives": []})
        else:
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
            "channel": channel,
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
        if field == "order_type":
            return self.bundle.thresholds.order_types(self.bundle.labels.order_type, probabilities)
        order = np.argsort(-probabilities, kind="stable")
        if within is not None:
            order = order[self._members[field, within][order]]
        ranked: list[int] = order.tolist()
        return ranked

    def _flags(self, item: PreparedInput, inference: Inference, order_type: FacetAnswer | None) -> list[FlagAnswer]:
        """What the model or a rule raised, in the order of the labels."""
        codes, probabilities = self.bundle.labels.flags, inference.probabilities.flags[inference.row]
        by_model = set(self.bundle.thresholds.raised(codes, probabilities))
        is_irrelevant = order_type is not None and (order_type.code, order_type.band) == ("irrelevant", "auto")
        by_rule = by_flag(item.rule_hits, is_irrelevant=is_irrelevant)
        return [
            self._flag(
                item, inference, code=code, probability=float(probabilities[i]), by_rule=by_rule, by_model=i in by_model
            )
            for i, code in enumerate(codes)
            if i in by_model or code in by_rule
        ]

    def _flag(
        self,
        item: PreparedInput,
        inference: Inference,
        *,
        code: str,
        probability: float,
        by_rule: Mapping[str, list[Span]],
        by_model: bool,
    ) -> FlagAnswer:
        source: FlagSource = "rule" if not by_model else "model+rule" if code in by_rule else "model"
        spans = by_rule.get(code, [])[:MOST_CLAUSES]
        if by_model:
            spans = spans + self._evidence_spans(item, inference, code)
        return FlagAnswer(
            code=code,
            group=code[0],
            name=self._names[code],
            probability=round(probability, DIGITS),
            source=source,
            evidence=[self._cut(item.prepared, start, end) for start, end in merge_spans(spans)],
        )

    def _issues(self, item: PreparedInput, inference: Inference) -> list[Issue]:
        """The matters of a complaint that names several; segments the model is too unsure of are left out."""
        text = item.prepared.model_text
        found = [
            self._matter(view, trimmed(text, segment))
            for segment, view in zip(item.segments, inference.segments, strict=False)
        ]
        issues = []
        for matter in merge_matters([matter for matter in found if matter]):
            place = vars(item.prepared.locate(matter.start, matter.end))
            issues.append(Issue(**place, category=matter.category, leaf=matter.leaf, cause=matter.cause))
        return issues

    def _matter(self, view: Probabilities, segment: Span) -> Matter | None:
        labels = self.bundle.labels
        order_type = self._facet("order_type", labels.order_type, view.order_type[0])
        category = self._facet("category", labels.category, view.category[0])
        if order_type.code != "complaint" or category.confidence < self._issue_confidence:
            return None
        leaf = self._facet("leaf", labels.leaf, view.leaf[0], within=category.code)
        cause = self._facet("cause", labels.cause, view.cause[0])
        start, end = segment
        return Matter(start=start, end=end, category=category.code, leaf=leaf.code, cause=cause.code)

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
        return [self._cut(item.prepared, start, end) for start, end in self._evidence_spans(item, inference, code)]

    def _evidence_spans(self, item: PreparedInput, inference: Inference, code: str) -> list[Span]:
        column = self.bundle.labels.evidence.index(code)
        scores: npt.NDArray[np.float32] = inference.evidence[:, column]
        return evidence_spans(
            scores,
            item.tokens.offsets,
            item.clauses,
            text=item.prepared.model_text,
            threshold=self.bundle.thresholds.evidence,
        )

    @staticmethod
    def _cut(prepared: PreparedText, start: int, end: int) -> Evidence:
        place = prepared.locate(start, end)
        return Evidence(**vars(place), text=prepared.redacted_text[place.redacted_start : place.redacted_end])

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


def _amount(item: PreparedInput, money: Money | None) -> Amount | None:
    if money is None:
        return None
    place = item.prepared.locate(money.start, money.end)
    return Amount(
        **vars(place),
        value=money.value,
        value_to=money.high,
        currency=money.currency,
        is_approximate=money.is_approximate,
        text=item.prepared.redacted_text[place.redacted_start : place.redacted_end],
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
