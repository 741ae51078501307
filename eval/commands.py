"""Commands that measure. In: a bundle and labelled texts. Out: figures. Heavy imports wait until a command runs."""

import importlib.util
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import SettingsError

if TYPE_CHECKING:
    from eval.report.build import Additions
    from eval.sets import Selection

SPLIT = click.Choice(["dev", "calibration", "test", "test_writer"])
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
OF_REPORTS = ("baselines", "contrastive", "learning_curve", "latency", "behavior", "readme", "reuse")


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise SettingsError("this command needs the extra `train`; run: pip install 'xiaobao[train]'")


@click.command("evaluate")
@click.option("--bundle", "bundle_folder", type=FOLDER, help="Default: the shipped one.")
@click.option("--split", "split_names", type=SPLIT, multiple=True, help="Default: dev; with --report all of them.")
@click.option("--gold", "gold_files", multiple=True, metavar="[NAME=]FILE", help="Labelled texts of your own.")
@click.option("--against", metavar="NAME", help="Beside a model of the registry, `current` for the one that serves.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--report", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write report.json, .html.")
@click.option("--baselines", is_flag=True, help="In the report: simpler methods on the same texts.")
@click.option("--contrastive", is_flag=True, help="SetFit's method as well, in category and cause; half an hour.")
@click.option("--learning-curve", type=FILE, help="JSON of `xiaobao learning-curve`.")
@click.option("--latency", type=FILE, help="JSON of `python -m eval.latency`.")
@click.option("--behavior", type=FILE, help="JSON of `python -m eval.behavior.suite`.")
@click.option("--readme", is_flag=True, help="Put the report's tables into README.md and README.zh-CN.md.")
@click.option("--reuse", is_flag=True, help="Measure nothing: make page and READMEs anew from FOLDER/report.json.")
@click.option("--corpus", "texts_folder", type=FOLDER, help="Folder of texts.")
@click.option("--splits", "splits_file", type=FILE, help="Their splits.")
@click.pass_context
def evaluate_command(
    context: click.Context,
    /,
    bundle_folder: Path | None,
    split_names: tuple[str, ...],
    gold_files: tuple[str, ...],
    against: str | None,
    as_json: bool,
    folder: Path | None,
    texts_folder: Path | None,
    splits_file: Path | None,
    **of_reports: Any,
) -> None:
    """Print the figures of one set of texts, or write the report of many."""
    _refuse_ignored_options(context)
    _need("scipy")
    from eval.report.build import Additions
    from eval.sets import Selection, parse_gold

    files = {"texts_folder": texts_folder, "splits_file": splits_file}
    selection = Selection(
        splits=split_names, gold=parse_gold(gold_files), **{key: file for key, file in files.items() if file}
    )
    if against is not None:
        _print_differences(bundle_folder, against, selection, as_json=as_json)
        return
    readme, reuse = of_reports.pop("readme"), of_reports.pop("reuse")
    additions = Additions(command=command_line(context), **of_reports)
    if folder is None:
        _print_figures(bundle_folder, selection, as_json=as_json)
        return
    _need("matplotlib")
    _write_report(folder, None if reuse else (bundle_folder, selection, additions))
    if readme:
        _rewrite_readmes(folder)


def command_line(context: click.Context) -> str:
    """The command as it was given, without defaults."""
    words = ["xiaobao", str(context.info_name)]
    for option in context.command.params:
        value = context.params[option.name or ""]
        for entry in value if isinstance(value, tuple) else (value,):
            if entry is True:
                words.append(option.opts[0])
            elif entry not in (None, False):
                words += [option.opts[0], _portable(entry)]
    return shlex.join(words)


def _portable(value: object) -> str:
    """A value as another machine could use it: absolute paths by their last part."""
    return value.name if isinstance(value, Path) and value.is_absolute() else str(value)


def _refuse_ignored_options(context: click.Context) -> None:
    """Raises UsageError for options that would change nothing beside the others."""
    given = {option.name: option.opts[0] for option in context.command.params if context.params[option.name or ""]}
    if "folder" not in given:
        if found := [name for name in OF_REPORTS if name in given]:
            raise click.UsageError(f"{given[found[0]]} belongs to a report; add --report FOLDER")
        several = len(context.params["split_names"]) + len(context.params["gold_files"])
        if several > 1 and "against" not in given:
            raise click.UsageError("one --split or --gold is printed at a time; add --report FOLDER for several")
    elif "against" in given:
        raise click.UsageError("--against prints differences and writes no report; leave --against or --report out")
    elif "as_json" in given:
        raise click.UsageError(
            "--json prints figures; a report's stand in FOLDER/report.json; leave --json or --report out"
        )
    elif "reuse" in given and (found := [name for name in given if name not in ("folder", "reuse", "readme")]):
        raise click.UsageError(f"--reuse measures nothing, so {given[found[0]]} changes nothing; leave one of them out")


def _print_figures(bundle_folder: Path | None, selection: "Selection", *, as_json: bool) -> None:
    from dataclasses import replace

    from data.taxonomy import default_taxonomy
    from eval.metrics import evaluate_answers
    from eval.report.printed import figure_lines
    from eval.sets import answer_set, read_chosen
    from models.predictor import Predictor

    if not selection.splits and not selection.gold:
        selection = replace(selection, splits=("dev",))
    taxonomy = default_taxonomy()
    labelled = read_chosen(selection, taxonomy)[0]
    predictor = Predictor.load(bundle_folder)
    evaluated = answer_set(labelled, predictor)
    scores = evaluate_answers(evaluated.credited, evaluated.answers, first=evaluated.texts)
    if as_json:
        click.echo(json.dumps(scores, ensure_ascii=False, indent=1))
        return
    click.echo(f"{predictor.bundle.name} on {evaluated.name}: {scores['texts']} texts; value [95 % interval]")
    for line in figure_lines(scores):
        click.echo(line)


def _print_differences(bundle_folder: Path | None, against: str, selection: "Selection", *, as_json: bool) -> None:
    from dataclasses import asdict, replace

    from data.taxonomy import default_taxonomy
    from eval.against import answer_pair, compare_pair, row_line
    from eval.sets import read_chosen
    from models.predictor import Predictor
    from models.registry import Registry

    if not selection.splits and not selection.gold:
        selection = replace(selection, splits=("dev",))
    current = Predictor.load(Registry().folder_of(against))
    candidate = Predictor.load(bundle_folder)
    for labelled in read_chosen(selection, default_taxonomy()):
        rows = compare_pair(answer_pair(labelled, candidate, current))
        if as_json:
            click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
            continue
        click.echo(f"{candidate.bundle.name} − {current.bundle.name} on {labelled.name}: {len(labelled.texts)} texts")
        for row in rows:
            click.echo(row_line(row))


@click.command("gate")
@click.argument("name")
@click.option("--split", "split_names", type=SPLIT, multiple=True, help="Default: test, where no --gold is given.")
@click.option("--gold", "gold_files", multiple=True, metavar="[NAME=]FILE", help="Labelled texts of your own.")
@click.option("--rules", "rules_file", type=FILE, help="Default: the shipped gate.yaml.")
@click.option("--corpus", "texts_folder", type=FOLDER, help="Folder of texts.")
@click.option("--splits", "splits_file", type=FILE, help="Their splits.")
def gate_command(
    name: str,
    split_names: tuple[str, ...],
    gold_files: tuple[str, ...],
    rules_file: Path | None,
    texts_folder: Path | None,
    splits_file: Path | None,
) -> None:
    """May model NAME of the registry replace the one that serves? Prints each reason; exit 1 if not passed."""
    _need("scipy")
    from eval.gate import RULES_FILE, finding_line
    from eval.gate_run import ask_gate
    from eval.sets import Selection, parse_gold
    from models.registry import Registry

    files = {"texts_folder": texts_folder, "splits_file": splits_file}
    gold = parse_gold(gold_files)
    selection = Selection(
        splits=split_names or (() if gold else ("test",)),
        gold=gold,
        **{key: file for key, file in files.items() if file},
    )
    record = ask_gate(Registry(), name, selection=selection, rules_file=rules_file or RULES_FILE)
    for finding in record.findings:
        click.echo(finding_line(finding))
    failed = sum(not finding.passed for finding in record.findings)
    click.echo(f"{name} beside {record.current} on {record.texts} texts: {len(record.findings) - failed} passed, "
               f"{failed} failed")  # fmt: skip
    if failed:
        sys.exit(1)


def _write_report(folder: Path, measured: "tuple[Path | None, Selection, Additions] | None") -> None:
    from data.taxonomy import default_taxonomy
    from eval.report.build import PAGE_FILE, REPORT_FILE, measure_report, read_json, write_report
    from eval.sets import answer_set, read_sets
    from models.predictor import Predictor

    taxonomy = default_taxonomy()
    if measured is None:
        report = read_json(folder / REPORT_FILE)
    else:
        bundle_folder, selection, additions = measured
        sets, train = read_sets(selection, taxonomy)
        predictor = Predictor.load(bundle_folder)
        report = measure_report(
            [answer_set(labelled, predictor) for labelled in sets],
            predictor,
            train=train,
            taxonomy=taxonomy,
            additions=additions,
        )
    write_report(report, folder, taxonomy)
    click.echo(f"written: {folder / REPORT_FILE} and {folder / PAGE_FILE}")


def _rewrite_readmes(folder: Path) -> None:
    from eval.report.build import REPORT_FILE, read_json
    from eval.report.readme_block import rewrite_readmes

    rewrite_readmes(read_json(folder / REPORT_FILE))
    click.echo("README.md and README.zh-CN.md hold its tables")


@click.command("corpus-reference")
@click.option("--split", "split_names", type=SPLIT, multiple=True, default=("dev", "calibration"), show_default=True)
@click.option("--name", default="current", show_default=True, help="The model whose reference it is.")
def corpus_reference_command(split_names: tuple[str, ...], name: str) -> None:
    """A reference of held-out texts of the corpus, with the vocabulary of the training texts (extra `train`)."""
    _need("scipy")
    from data.taxonomy import default_taxonomy
    from eval.sets import Selection, answer_set, read_sets
    from models.drift import Observation, build_reference
    from models.predictor import Predictor
    from models.registry import Registry

    registry = Registry()
    predictor = Predictor.load(registry.folder_of(name))
    sets, train = read_sets(Selection(splits=split_names), default_taxonomy())
    observations = [
        Observation(text=answer.redacted_text, probabilities=answer.probabilities.model_dump())
        for labelled in sets
        for answer in answer_set(labelled, predictor).answers
        if answer.probabilities
    ]
    named = predictor.bundle.folder.name
    reference = build_reference(named, observations, vocabulary_texts=[text.text for text in train])
    reference.write(registry.folder / "drift" / f"{named}.json")
    click.echo(f"reference of {named}: {reference.texts} texts")


@click.command("baselines")
@click.option("--split", type=SPLIT, default="dev", show_default=True)
@click.option("--contrastive", is_flag=True, help="SetFit's method as well, in category and cause; half an hour.")
def baselines_command(split: str, contrastive: bool) -> None:
    """Measure simpler methods on a split of the corpus (extra `train`)."""
    _need("sklearn")
    from data.dataset import read_corpus
    from data.splits import read_splits
    from data.taxonomy import default_taxonomy
    from eval.baselines import CONTRASTIVE, METHODS, evaluate_baselines
    from eval.report.printed import interval

    taxonomy, splits = default_taxonomy(), read_splits()
    texts = read_corpus(taxonomy)
    train, test = ([text for text in texts if splits.get(text.id) == name] for name in ("train", split))
    methods = (*METHODS, CONTRASTIVE) if contrastive else METHODS
    for method, facets in evaluate_baselines(train, test, taxonomy, methods=methods).items():
        for facet, entry in facets.items():
            click.echo(
                f"{method:38s} {facet:11s} accuracy {interval(entry['accuracy'])}  "
                f"macro-F1 {interval(entry['macro_f1'])}  n {entry['n']}"
            )
