"""Commands that measure. In: a bundle and labelled texts. Out: figures."""

import importlib.util
import json
from pathlib import Path

import click

from data.errors import SettingsError


@click.command("evaluate")
@click.option("--bundle", "bundle_folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--split",
    type=click.Choice(["dev", "calibration", "test", "test_writer"]),
    default="dev",
    show_default=True,
    help="Split of the corpus; nobody tunes on the tests.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def evaluate_command(bundle_folder: Path | None, split: str, as_json: bool) -> None:
    """Measure a bundle on a split of the corpus."""
    from data.dataset import read_corpus
    from data.splits import read_splits
    from data.taxonomy import default_taxonomy
    from eval.metrics import evaluate_answers
    from models.predictor import Predictor

    splits = read_splits()
    texts = [text for text in read_corpus(default_taxonomy()) if splits.get(text.id) == split]
    predictor = Predictor.load(bundle_folder)
    scores = evaluate_answers(texts, [predictor.triage([text.text], ids=[text.id])[0] for text in texts])
    if as_json:
        click.echo(json.dumps(scores, ensure_ascii=False, indent=1))
        return
    click.echo(f"{predictor.bundle.name} on {split}: {len(texts)} texts; value [95 % interval]")
    for facet, entry in scores["facets"].items():
        if entry["n"]:
            accuracy, macro = entry["accuracy"], entry["macro_f1"]
            click.echo(
                f"{facet:11s} accuracy {accuracy[0]:.3f} [{accuracy[1]:.3f}, {accuracy[2]:.3f}]  "
                f"macro-F1 {macro[0]:.3f} [{macro[1]:.3f}, {macro[2]:.3f}]  n {entry['n']}"
            )
    for group, entry in scores["flag_groups"].items():
        click.echo(
            f"flags {group}     precision {entry['precision']:.3f}  recall {entry['recall']:.3f}  n {entry['n']}"
        )
    click.echo(f"flag codes  macro-F1 {scores['flags']['macro_f1']:.3f}")
    click.echo(f"evidence    {scores['evidence']}")


@click.command("baselines")
@click.option(
    "--split", type=click.Choice(["dev", "calibration", "test", "test_writer"]), default="dev", show_default=True
)
def baselines_command(split: str) -> None:
    """Measure majority, TF-IDF and frozen-encoder baselines on a split of the corpus (extra `train`)."""
    if importlib.util.find_spec("sklearn") is None:
        raise SettingsError("this command needs the extra `train`; run: pip install 'xiaobao[train]'")
    from data.dataset import read_corpus
    from data.splits import read_splits
    from data.taxonomy import default_taxonomy
    from eval.baselines import evaluate_baselines

    taxonomy, splits = default_taxonomy(), read_splits()
    texts = read_corpus(taxonomy)
    train, test = ([text for text in texts if splits.get(text.id) == name] for name in ("train", split))
    for method, facets in evaluate_baselines(train, test, taxonomy).items():
        for facet, entry in facets.items():
            accuracy, macro = entry["accuracy"], entry["macro_f1"]
            click.echo(
                f"{method:38s} {facet:11s} accuracy {accuracy[0]:.3f} [{accuracy[1]:.3f}, {accuracy[2]:.3f}]  "
                f"macro-F1 {macro[0]:.3f} [{macro[1]:.3f}, {macro[2]:.3f}]  n {entry['n']}"
            )
