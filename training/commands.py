"""Commands of ML engineers. In: the command line. Out: bundles and reports. Heavy imports wait until a command runs."""

import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from data.errors import SettingsError

RUNS_FOLDER = Path("runs")


def _need_train_extra() -> None:
    if importlib.util.find_spec("torch") is None:
        raise SettingsError("this command needs the extra `train`; run: pip install 'xiaobao[train]'")


@click.command("train")
@click.option("--config", "config_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Bundle folder to write.")
@click.option("--run-dir", type=click.Path(path_type=Path, file_okay=False), help="Checkpoints; reuse it to resume.")
@click.option(
    "--corpus", "corpus_folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of texts."
)
@click.option(
    "--splits", "splits_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Their splits."
)
@click.option("--teacher", "with_teacher", is_flag=True, help="Rebuild teacher, start weights and soft targets first.")
def train_command(
    config_file: Path,
    output: Path | None,
    run_dir: Path | None,
    corpus_folder: Path | None,
    splits_file: Path | None,
    with_teacher: bool,
) -> None:
    """Train a model from the corpus and write it as a bundle."""
    _need_train_extra()
    from data.dataset import TEXTS_FOLDER
    from data.splits import SPLITS_FILE
    from training.config import TrainingConfig
    from training.pipeline import train_bundle

    config = TrainingConfig.read(config_file)
    run_folder = run_dir or RUNS_FOLDER / config.name
    target = output or run_folder / config.name
    if with_teacher and config.distillation is None:
        raise SettingsError(f"config {config.name} has no section `distillation`; --teacher does not apply")
    metrics = train_bundle(
        config,
        run_folder=run_folder,
        output=target,
        texts_folder=corpus_folder or TEXTS_FOLDER,
        splits_file=splits_file or SPLITS_FILE,
        teacher=TrainingConfig.read(config_file.with_name(config.distillation.teacher))
        if with_teacher and config.distillation
        else None,
    )
    _print_scores(metrics)
    click.echo(f"bundle written to {target}")


@click.command("retrain")
@click.option("--config", "config_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--labels", "snapshot", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--name", required=True, help="Of the candidate in the registry.")
@click.option("--run-dir", type=click.Path(path_type=Path, file_okay=False), help="Checkpoints; reuse it to resume.")
@click.option(
    "--corpus", "corpus_folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of texts."
)
@click.option(
    "--splits", "splits_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Their splits."
)
@click.option("--promote", "promote_it", is_flag=True, help="Let it serve if it passes the gate.")
def retrain_command(
    config_file: Path,
    snapshot: Path,
    name: str,
    run_dir: Path | None,
    corpus_folder: Path | None,
    splits_file: Path | None,
    promote_it: bool,
) -> None:
    """Corpus and decisions → candidate in the registry → gate; exit 1 if it does not pass. Resumes after a stop."""
    _need_train_extra()
    from data.dataset import TEXTS_FOLDER
    from data.splits import SPLITS_FILE
    from eval.gate import finding_line
    from models.registry import Registry
    from training.retrain import RetrainConfig, Retraining, retrain

    work = Retraining(
        config=RetrainConfig.read(config_file),
        snapshot=snapshot,
        name=name,
        run_folder=run_dir or RUNS_FOLDER / name,
        texts_folder=corpus_folder or TEXTS_FOLDER,
        splits_file=splits_file or SPLITS_FILE,
    )
    record = retrain(work, Registry(), say=click.echo)
    for finding in record.findings:
        click.echo(finding_line(finding))
    if not record.passed:
        raise SettingsError(f"{name} has not passed the gate; {record.current} goes on serving")
    if promote_it:
        from getpass import getuser

        from models.promotion import promote

        promote(Registry(), name, who=f"cli:{getuser()}", reason=f"retrained on {snapshot.name}")
        click.echo(f"{name} serves now, after {record.current}; back: xiaobao models rollback")
    else:
        click.echo(f"passed; let it serve: xiaobao models promote {name} --reason …")


@click.command("calibrate")
@click.option("--config", "config_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--bundle", "source", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Bundle to write.")
@click.option(
    "--corpus", "corpus_folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of texts."
)
@click.option(
    "--splits", "splits_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Their splits."
)
def calibrate_command(
    config_file: Path, source: Path, output: Path, corpus_folder: Path | None, splits_file: Path | None
) -> None:
    """Keep a bundle's network, make temperatures, thresholds and figures anew."""
    _need_train_extra()
    from data.dataset import TEXTS_FOLDER
    from data.splits import SPLITS_FILE
    from training.config import TrainingConfig
    from training.pipeline import recalibrate_bundle

    metrics = recalibrate_bundle(
        source,
        TrainingConfig.read(config_file),
        output=output,
        texts_folder=corpus_folder or TEXTS_FOLDER,
        splits_file=splits_file or SPLITS_FILE,
    )
    _print_scores(metrics)
    click.echo(f"bundle written to {output}")


def _print_scores(metrics: Mapping[str, Any]) -> None:
    for split, scores in metrics["scores"].items():
        facets = "  ".join(f"{name} {entry['accuracy'][0]:.3f}" for name, entry in scores["facets"].items())
        click.echo(f"{split:12s} {facets}")


@click.command("learning-curve")
@click.option("--config", "config_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON for the report.")
@click.option("--run-dir", type=click.Path(path_type=Path, file_okay=False), help="Checkpoints; reuse it to resume.")
@click.option("--share", "shares", type=float, multiple=True, default=(0.25, 0.5, 0.75, 1.0), show_default=True)
@click.option("--gold", "gold_files", multiple=True, metavar="[NAME=]FILE", help="Labelled texts of your own.")
def learning_curve_command(
    config_file: Path, output: Path, run_dir: Path | None, shares: tuple[float, ...], gold_files: tuple[str, ...]
) -> None:
    """Train on growing parts of the corpus and measure each on test, test_writer and gold files."""
    _need_train_extra()
    from eval.gold import corpus_gold, read_gold
    from eval.sets import parse_gold
    from training.config import TrainingConfig
    from training.inputs import TrainingInputs
    from training.learning_curve import learning_curve

    golds = parse_gold(gold_files)
    config = TrainingConfig.read(config_file)
    inputs = TrainingInputs.read(config)
    measured = {name: corpus_gold(inputs.splits[name]) for name in ("test", "test_writer")}
    measured |= {name: read_gold(file, inputs.taxonomy) for name, file in golds.items()}
    points = learning_curve(
        config, inputs, shares=shares, measured=measured, run_folder=run_dir or RUNS_FOLDER / "learning-curve"
    )
    output.write_text(json.dumps(points, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for point in points:
        click.echo("  ".join(f"{name} {value}" for name, value in point.items()))


@click.group("encoder")
def encoder_group() -> None:
    """The pretrained encoder."""


@encoder_group.command("build")
def build_encoder_command() -> None:
    """Build the encoder from the installed wheel into the cache and print its folder."""
    _need_train_extra()
    from data.taxonomy import default_taxonomy
    from models.encoder import build_encoder, cache_folder

    click.echo(str(build_encoder(default_taxonomy(), cache_folder())))


@click.group("corpus")
def corpus_group() -> None:
    """The training corpus."""
    _need_train_extra()


@corpus_group.command("check")
@click.option("--verbose", is_flag=True, help="Show every coverage line, not only the unmet ones.")
def corpus_check_command(verbose: bool) -> None:
    """Check schema, labels, quotes, duplicates, names and coverage; exit 1 if anything is wrong or lacking."""
    from data.corpus_check import check_corpus
    from data.dataset import read_corpus
    from data.splits import read_splits
    from data.taxonomy import default_taxonomy
    from eval.corpus_probes import diversity, probe_labels

    taxonomy = default_taxonomy()
    texts = read_corpus(taxonomy)
    report = check_corpus(texts, read_splits(), taxonomy)
    probes, distinct = probe_labels(texts), diversity(texts)
    click.echo(f"{report.texts} texts; " + ", ".join(f"{name} {value:g}" for name, value in report.lengths.items()))
    click.echo("closest pairs: " + ", ".join(f"{p.first}~{p.second} {p.similarity:.0f} %" for p in report.closest[:5]))
    for line in report.coverage if verbose else report.unmet:
        click.echo(f"{'met  ' if line.met else 'UNMET'} {line.what:32s} {line.found:5g} of {line.wanted}")
    for probe in probes:
        click.echo(
            f"{'met  ' if probe.is_good else 'UNMET'} {probe.facet} guessed from voice, writer and length: "
            f"{probe.accuracy:.3f}, majority {probe.majority:.3f}"
        )
    for share in distinct:
        click.echo(
            f"{'met  ' if share.is_good else 'UNMET'} distinct-{share.n}: first texts {share.first:.3f}, "
            f"later texts {share.later:.3f}"
        )
    for fault in report.faults:
        click.echo(f"FAULT {fault}")
    met = len(report.coverage) - len(report.unmet)
    click.echo(f"coverage: {met} of {len(report.coverage)} numbers met; {len(report.faults)} faults")
    good = all(probe.is_good for probe in probes) and all(share.is_good for share in distinct)
    if report.faults or report.unmet or not good:
        sys.exit(1)


@corpus_group.command("split")
@click.option("--hold-out", multiple=True, metavar="WRITER", help="Writers whose new texts go to test_writer.")
def corpus_split_command(hold_out: tuple[str, ...]) -> None:
    """Give every text that has none a split; earlier texts keep theirs."""
    from data.dataset import read_corpus
    from data.dedup import duplicate_groups
    from data.splits import assign_splits, read_splits, write_splits
    from data.taxonomy import default_taxonomy

    texts = read_corpus(default_taxonomy())
    groups = duplicate_groups({text.id: text.text for text in texts}, {text.id: text.scenario for text in texts})
    splits = assign_splits(texts, groups, read_splits(), frozenset(hold_out))
    write_splits(splits)
    click.echo(", ".join(f"{name} {count}" for name, count in sorted(Counter(splits.values()).items())))


@corpus_group.command("agreement")
@click.option("--reading", metavar="NAME", default="*", help="One file of data/corpus/readings, such as r14.")
def corpus_agreement_command(reading: str) -> None:
    """How far writers and independent readers agree on the texts that were read twice."""
    from eval.agreement import FACETS, facet_agreement, group_agreement, read_readings

    pairs = read_readings(name=reading)
    click.echo(f"{len(pairs)} readings")
    for facet in FACETS:
        figures = facet_agreement(pairs, facet)
        click.echo(
            f"{facet:11s} n {figures['n']:4d}  agreement {figures['agreement']:.3f}  kappa {figures['kappa']:.3f}"
        )
    for group in "PSEX":
        figures = group_agreement(pairs, group)
        click.echo(f"flags {group}     n {figures['n']:4d}  F1 {figures['f1']:.3f}")
