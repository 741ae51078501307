"""An answer as a person reads it in a terminal. In: `TriageAnswer`. Out: a few lines of Chinese."""

from models.answer import Evidence, FacetAnswer, TriageAnswer

BAND_WORDS = {"auto": "可自动预填", "suggest": "建议", "human": "需人工"}
SOURCE_WORDS = {"model": "", "rule": "（词表）", "model+rule": "（模型与词表）"}
PRIORITY_WORDS = {"urgent": "紧急", "high": "高", "normal": "普通"}


def render_answer(answer: TriageAnswer) -> str:
    """Facets with confidence and band, flags with their words, then the decision."""
    lines = [
        f"工单类型  {_facet(answer.order_type)}",
        f"业务类别  {_facet(answer.category)}" + (f" › {_facet(answer.leaf)}" if answer.leaf else ""),
        f"投诉原因  {_facet(answer.cause)}" + (f" › {_facet(answer.subcause)}" if answer.subcause else ""),
    ]
    if answer.cause and answer.cause.evidence:
        lines.append(f"          依据：{_quotes(answer.cause.evidence)}")
    if answer.causes2:
        lines.append("次要原因  " + "，".join(answer.causes2))
    lines.append(f"业务渠道  {_facet(answer.channel)}")
    for flag in answer.flags:
        source = SOURCE_WORDS[flag.source]
        lines.append(f"风险 {flag.code}  {flag.name} {flag.probability:.0%}{source}  {_quotes(flag.evidence)}")
    if answer.amount:
        lines.append(f"涉及金额  {answer.amount.text}")
    for issue in answer.issues:
        words = answer.redacted_text[issue.redacted_start : issue.redacted_end]
        lines.append(f"其中一事  {issue.leaf}{f' · {issue.cause}' if issue.cause else ''} 「{words}」")
    decision = answer.decision
    lines.append(
        f"处置      {BAND_WORDS[decision.band]}，优先级{PRIORITY_WORDS[decision.priority]}"
        + (f"（{', '.join(decision.reasons)}）" if decision.reasons else "")
    )
    lines.append(f"脱敏文本  {answer.redacted_text}")
    lines.append(f"模型 {answer.versions.bundle}，用时 {answer.timings.total_ms:.1f} 毫秒")
    return "\n".join(lines)


def _facet(facet: FacetAnswer | None) -> str:
    if facet is None:
        return "无"
    # Order types and channels are known by name, categories and causes by code as well.
    code = f"{facet.code} " if facet.code[0] in "BC" else ""
    return f"{code}{facet.name} {facet.confidence:.0%}（{BAND_WORDS[facet.band]}）"


def _quotes(evidence: list[Evidence]) -> str:
    return "".join(f"「{piece.text}」" for piece in evidence)
