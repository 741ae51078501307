"""`xiaobao models …`: the registry. In: the folder of models. Out: what is there, which serves, who changed that."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.commands.opening import actor
from serving.commands.shadow import shadow_command

if TYPE_CHECKING:
    from models.registry import Promotion

BUNDLE = click.Path(path_type=Path, exists=True, file_okay=False)
REASON = click.option("--reason", default="", help="Kept in the history.")


@click.group("models")
def models_group() -> None:
    """Models: which are there, which one serves (folder: XIAOBAO_MODELS, default: the shipped one)."""


@models_group.command("list")
@click.option("--history", "with_history", is_flag=True, help="Every promotion and rollback as well.")
def models_list_command(with_history: bool) -> None:
    """All models; * serves, ~ reads along as a shadow."""
    from models.registry import Registry

    registry = Registry()
    current, shadow = registry.current(), registry.shadow()
    for name in registry.names():
        record = registry.gate_record(name)
        gate = "" if record is None else f"gate {'passed' if record.passed else 'FAILED'} beside {record.current}"
        mark = "*" if name == current else "~" if shadow and name == shadow.name else " "
        click.echo(f"{mark} {name:24s} {registry.seal(name)[:12]}  {gate}".rstrip())
    for step in registry.history() if with_history else ():
        click.echo(_told(step))


@models_group.command("show")
@click.argument("name", default="current")
def models_show_command(name: str) -> None:
    """Check a model's hashes; show what it is, its figures and what the gate found."""
    from models.bundle import load_bundle
    from models.registry import Registry

    registry = Registry()
    bundle = load_bundle(registry.folder_of(name))
    click.echo(f"{bundle.name}  taxonomy {bundle.taxonomy_version}  redaction {bundle.redaction_version}")
    click.echo(f"seal {registry.seal(bundle.folder.name)}; all hashes match the manifest")
    for split, scores in _metrics(bundle.folder).get("scores", {}).items():
        click.echo(
            f"{split:12s} " + "  ".join(f"{k} {v['accuracy'][0]:.3f}" for k, v in scores["facets"].items() if v["n"])
        )
    record = registry.gate_record(bundle.folder.name)
    if record is not None:
        failed = [f"{f.check} {f.subject}: {f.found}" for f in record.findings if not f.passed]
        click.echo(f"gate {record.at:%Y-%m-%d %H:%M} beside {record.current}: " + ("; ".join(failed) or "passed"))


@models_group.command("compare")
@click.argument("first")
@click.argument("second", default="current")
def models_compare_command(first: str, second: str) -> None:
    """The figures that stand in two models, side by side; for a test on the same texts: xiaobao evaluate --against."""
    from models.bundle import load_bundle
    from models.registry import Registry

    registry = Registry()
    one, other = (load_bundle(registry.folder_of(name)) for name in (first, second))
    sizes = [sum(entry["bytes"] for entry in bundle.manifest["files"].values()) / 1e6 for bundle in (one, other)]
    click.echo(f"{'':24s} {one.name:>16s} {other.name:>16s}")
    click.echo(f"{'MB':24s} {sizes[0]:16.1f} {sizes[1]:16.1f}")
    click.echo(f"{'taxonomy':24s} {one.taxonomy_version:>16s} {other.taxonomy_version:>16s}")
    figures = [_metrics(bundle.folder).get("scores", {}) for bundle in (one, other)]
    for split in sorted(set(figures[0]) & set(figures[1])):
        for facet, entry in figures[0][split]["facets"].items():
            beside = figures[1][split]["facets"][facet]
            if entry["n"] and beside["n"]:
                a, b = entry["accuracy"][0], beside["accuracy"][0]
                click.echo(f"{split + ' ' + facet:24s} {a:16.3f} {b:16.3f} {a - b:+.3f}")
    lost, new = (_codes(x) - _codes(y) for x, y in ((other, one), (one, other)))
    click.echo(f"labels that only {one.name} knows: {len(new)}, that only {other.name} knows: {len(lost)}")


@models_group.command("add")
@click.argument("folder", type=BUNDLE)
def models_add_command(folder: Path) -> None:
    """Copy a bundle into the registry after checking every hash."""
    from models.promotion import add
    from models.registry import Registry

    click.echo(f"{add(Registry(), folder)} is in the registry; next: xiaobao gate NAME")


@models_group.command("promote")
@click.argument("name")
@REASON
@click.option("--force", is_flag=True, help="Past the gate; needs --reason, both are recorded.")
def models_promote_command(name: str, reason: str, force: bool) -> None:
    """Let a model serve that has passed the gate; running services follow within seconds."""
    from models.promotion import promote
    from models.registry import Registry

    click.echo(_told(promote(Registry(), name, who=actor(), reason=reason, force=force)))


@models_group.command("rollback")
@REASON
def models_rollback_command(reason: str) -> None:
    """Let the model serve that served before."""
    from models.promotion import rollback
    from models.registry import Registry

    click.echo(_told(rollback(Registry(), who=actor(), reason=reason)))


models_group.add_command(shadow_command)


def _told(step: "Promotion") -> str:
    why = f": {step.reason}" if step.reason else ""
    return f"{step.at:%Y-%m-%d %H:%M:%S} {step.action:8s} {step.before or '–'} → {step.after} by {step.who}{why}"


def _metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return content


def _codes(bundle: Any) -> set[str]:
    return {code for codes in bundle.labels.to_json().values() for code in codes}
