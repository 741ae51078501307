"""Run the network on prepared texts. In: `PreparedInput`s. Out: an `Inference` each.

Texts that the model reads whole run together, as they come. A longer letter runs window by window and is pooled
(`models.windows`). A complaint that tells several matters apart also runs segment by segment (`models.issues`); these
extra runs come after the whole texts, so that they never change a whole text's scores.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from data.preparation import PreparedText
from models.amounts import Money
from models.bundle import Bundle
from models.calibration import FloatArray, Probabilities, calibrate, sigmoid
from models.evidence import Clause, Span
from models.rules import RuleHit
from models.runtimes.onnx_runtime import OnnxRuntime
from models.thresholds import COMPLAINT
from models.tokenization import TokenizedText
from models.windows import Window, pool_windows, stitch_evidence, window_ids

# How many texts, windows or segments run together: more gain nothing on a CPU, take memory and make callers wait
# (docs/speed.md).
MOST_JOINED = 4
MOST_PADDED_TOKENS = 512


@dataclass(frozen=True, kw_only=True)
class PreparedInput:
    """A text ready for the network; `prepare_seconds` is how long that took."""

    id: str
    prepared: PreparedText
    tokens: TokenizedText
    """Of the whole text; a text longer than the model reads at once is run in `windows`, else there are none."""
    clauses: list[Clause]
    windows: tuple[Window, ...]
    segments: list[Span]
    """Matters that the text itself tells apart, to be read alone if it complains."""
    rule_hits: list[RuleHit]
    amounts: list[Money]
    prepare_seconds: float

    @property
    def is_truncated(self) -> bool:
        """Whether the end of the text is read by nobody but the rules."""
        return self.tokens.truncated or bool(self.windows and self.windows[-1].last < len(self.tokens.ids) - 1)


@dataclass(frozen=True, kw_only=True)
class Inference:
    """The network's view of one text; `evidence` is (pieces, evidence labels) as probabilities."""

    probabilities: Probabilities
    row: int
    evidence: FloatArray
    model_seconds: float
    segments: tuple[Probabilities, ...] = ()
    """The network's view of each segment of the text, one row each; empty if they were not run."""


class Network:
    """One session, shared by all threads."""

    def __init__(self, bundle: Bundle, threads: int) -> None:
        self._bundle = bundle
        self._runtime = OnnxRuntime(bundle.model_file, threads)

    def warm_up(self, ids: Sequence[int]) -> None:
        """Run the largest and a small shape, filled with a text's second piece, so that memory does not grow later."""
        for length in (self._bundle.max_tokens, 8):
            self._runtime.run([[ids[0], *[ids[1]] * (length - 2), ids[-1]]])

    def infer(self, items: Sequence[PreparedInput]) -> list[Inference]:
        """Run the network once on all items; join texts of near length, padding is paid for.

        Letters run window by window, and what complains of several matters also segment by segment.
        """
        started = time.perf_counter()
        results: dict[int, Inference] = {}
        if whole := [i for i, item in enumerate(items) if not item.windows]:
            results |= zip(whole, self._infer_whole([items[i] for i in whole]), strict=True)
        results |= {i: self._infer_windows(item) for i, item in enumerate(items) if item.windows}
        segments = self._infer_segments([(i, item) for i, item in enumerate(items) if self._complains(results[i])])
        seconds = time.perf_counter() - started
        return [
            replace(results[i], model_seconds=seconds, segments=tuple(segments.get(i, ()))) for i in range(len(items))
        ]

    def _infer_whole(self, items: Sequence[PreparedInput]) -> list[Inference]:
        logits = self._runtime.run([item.tokens.ids for item in items])
        evidence = logits.pop("evidence")
        probabilities = calibrate(logits, self._bundle.calibration, self._bundle.labels)
        return [
            Inference(
                probabilities=probabilities,
                row=row,
                evidence=sigmoid(evidence[row, : len(item.tokens.ids)]),
                model_seconds=0.0,
            )
            for row, item in enumerate(items)
        ]

    def _infer_windows(self, item: PreparedInput) -> Inference:
        views = self._run_each([window_ids(item.tokens.ids, window) for window in item.windows])
        scores, probabilities = [scores for _, scores in views], [view for view, _ in views]
        return Inference(
            probabilities=pool_windows(probabilities, item.windows, self._bundle.labels),
            row=0,
            evidence=stitch_evidence(scores, probabilities, item.windows, number_of_pieces=len(item.tokens.ids)),
            model_seconds=0.0,
        )

    def _infer_segments(self, items: Sequence[tuple[int, PreparedInput]]) -> dict[int, list[Probabilities]]:
        """Views of the segments by the item's index."""
        owners = [(i, self._segment_ids(item, segment)) for i, item in items for segment in item.segments]
        result: dict[int, list[Probabilities]] = {}
        for (i, _), (view, _) in zip(owners, self._run_each([ids for _, ids in owners]), strict=True):
            result.setdefault(i, []).append(view)
        return result

    def _segment_ids(self, item: PreparedInput, segment: Span) -> list[int]:
        start, end = segment
        inside = [i for i, (first, last) in enumerate(item.tokens.offsets) if start <= first < last <= end]
        ids = item.tokens.ids
        return [ids[0], *(ids[i] for i in inside[: self._bundle.max_tokens - 2]), ids[-1]]

    def _complains(self, inference: Inference) -> bool:
        codes, probabilities = self._bundle.labels.order_type, inference.probabilities.order_type[inference.row]
        return codes[self._bundle.thresholds.order_types(codes, probabilities)[0]] == COMPLAINT

    def _run_each(self, texts: Sequence[list[int]]) -> list[tuple[Probabilities, FloatArray]]:
        """One row of probabilities and the evidence of each text; near lengths share a run."""
        views: dict[int, tuple[Probabilities, FloatArray]] = {}
        for group in near_lengths([len(ids) for ids in texts]):
            logits = self._runtime.run([texts[i] for i in group])
            scores = sigmoid(logits.pop("evidence"))
            for row, i in enumerate(group):
                one = {name: values[row : row + 1] for name, values in logits.items()}
                view = calibrate(one, self._bundle.calibration, self._bundle.labels)
                views[i] = view, scores[row, : len(texts[i])]
        return [views[i] for i in range(len(texts))]


def near_lengths(lengths: Sequence[int]) -> list[list[int]]:
    """Indices of texts that may run together: few, of near length, no more padded than a long text alone.

    Longest first, so that no core is left with the longest at the end.
    """
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        group = groups[-1] if groups else []
        if group and len(group) < MOST_JOINED and lengths[group[0]] * (len(group) + 1) <= MOST_PADDED_TOKENS:
            group.append(i)
        else:
            groups.append([i])
    return groups
