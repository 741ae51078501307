"""The model card. In: the run's config and figures. Out: Markdown; every number comes from the run."""

from typing import Any

from data.taxonomy import Taxonomy
from training.config import TrainingConfig


def model_card(name: str, config: TrainingConfig, metrics: dict[str, Any], taxonomy: Taxonomy) -> str:
    """The card of one bundle."""
    sizes = metrics["splits"]
    tables = "\n\n".join(_split_table(split, scores) for split, scores in metrics["scores"].items())
    agreement = ", ".join(f"{head} {value:.3f}" for head, value in metrics["int8"]["agreement_with_fp32"].items())
    layers = "all layers" if config.encoder.layers is None else f"layers {list(config.encoder.layers)}"
    return f"""# Model card: {name}

Made by `xiaobao train` from `training.yaml` in this folder, taxonomy {taxonomy.version}, seed {config.seed}.

## What it does
Reads one Chinese complaint text (a bank's customer, a hotline agent's note, a regulator's forward) and gives order
type, business category and leaf, cause and sub-cause, channel, and {len(taxonomy.flags)} risk flags, each with
calibrated confidence and, for flags and cause, the words that show it. It pre-fills codes for people; it never
closes, merges, rejects or lowers anything. Flagged risk always goes to a person.

Not for: decisions about a customer without a person, other languages than Chinese, other trades than consumer finance.

## How it was made
Encoder {config.encoder.source} (intfloat/multilingual-e5-small, MIT), {layers};
{config.optimizer.epochs} epochs{_teaching(config)}.{_lexical(config)}
Texts, all written for this project, none from a real customer: {sizes["train"]} train, {sizes["dev"]} development,
{sizes["calibration"]} calibration, {sizes["test"]} test, {sizes["test_writer"]} from held-out writers. Temperatures and
thresholds were fitted on calibration and development texts together; the epoch was chosen on the development texts.
Training took {metrics["training_seconds"]} s. int8 gives the fp32 graph's answer on this share of
{metrics["int8"]["texts"]} development texts: {agreement}.

## Figures of the int8 bundle
Value [95 % interval: bootstrap, for precision and recall Wilson]. Leaf and sub-cause count only when right under the
right parent.

{tables}

## Limits
The corpus is invented; real complaints differ, and the project keeps real texts apart for measuring only. Figures on
`dev` and `calibration` are flattered, since choices were made on them. Rare flags rest on few texts: see n.
"""


def _teaching(config: TrainingConfig) -> str:
    """How a distilled model was taught before its last epochs."""
    if config.distillation is None:
        return ""
    steps = config.distillation
    return (
        f" on labels and stored soft targets, after {steps.optimizer.epochs} epochs on the states and answers of a\n"
        f"teacher ({steps.teacher}), whose heads it keeps; texts are varied while training (`training.yaml`)"
    )


def _lexical(config: TrainingConfig) -> str:
    """That words are read beside the network."""
    if config.lexical is None:
        return ""
    return (
        "\nTF-IDF of pieces and logistic regression stand beside the network in the same graph; their share in the\n"
        "logits was fitted on the development texts. Evidence is the network's alone."
    )


def _split_table(split: str, scores: dict[str, Any]) -> str:
    head = "| facet | n | accuracy | macro-F1 | macro-F1 of classes with 10 texts or more |"
    rows = [f"### {split} ({scores['texts']} texts)", "", head, "|---|---|---|---|---|"]
    rows += [
        f"| {facet} | {entry['n']} | "
        f"{' | '.join(_interval(entry[name]) for name in ('accuracy', 'macro_f1', 'macro_f1_frequent'))} |"
        for facet, entry in scores["facets"].items()
        if entry["n"]
    ]
    rows += ["", "| flags | n | precision | recall | F1 |", "|---|---|---|---|---|"]
    names = {"P": "privacy", "S": "mis-selling", "E": "escalation", "X": "agency hint"}
    rows += [
        f"| {names[group]} | {e['n']} | {_interval(e['precision'])} | {_interval(e['recall'])} | {e['f1']:.3f} |"
        for group, e in scores["flag_groups"].items()
    ]
    rows.append(f"\nFlag codes macro-F1 {_interval(scores['flags']['macro_f1'])}.")
    rows.append(f"Secondary causes micro-F1 {scores['causes2']['f1']:.3f} (n {scores['causes2']['n']}).")
    if scores["evidence"]["n"]:
        evidence = scores["evidence"]
        rows.append(
            f"Evidence: intersection over union {evidence['iou']:.3f}, median share of the text shown "
            f"{evidence['median_shown']:.3f} (n {evidence['n']})."
        )
    return "\n".join(rows)


def _interval(values: list[float] | None) -> str:
    if values is None:
        return "–"
    value, low, high = values
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
