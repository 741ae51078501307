"""`xiaobao report …`: the quarterly report, the regulator's file, the yearly disclosure. In: a quarter. Out: a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from data.store.unit_of_work import UnitOfWork
    from serving.reports.headings import ReportFiles


@click.command("report")
@click.option("--quarter", "written", required=True, help="Such as 2026Q3.")
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["html", "pdf", "xlsx", "docx", "csv"]),
    default="html",
    show_default=True,
    help="csv: a ZIP with one file a table.",
)
@click.option("--unit", "unit_id", default=None, help="Id of a unit; default: the head office.")
@click.option(
    "--kind",
    type=click.Choice(["report", "regulator", "disclosure"]),
    default="report",
    show_default=True,
    help="regulator: one row a complaint; disclosure: the public table of the quarter's year.",
)
@click.option("--exact", is_flag=True, help="Hide no small numbers: for who may read the cases themselves.")
@click.option(
    "--output", "output_file", type=click.Path(path_type=Path, dir_okay=False), default=None,
    help="Default: report-QUARTER-UNIT.FORMAT here; - is standard output.",
)  # fmt: skip
def report_command(
    written: str, wanted: str, unit_id: str | None, kind: str, exact: bool, output_file: Path | None
) -> None:
    """The quarterly report on complaints. Small numbers are left out unless asked for."""
    from data.quarter import Quarter
    from data.store.scope import ROOT
    from serving.reports.formats import write_report
    from serving.reports.making import make_document

    quarter = Quarter.parse(written)
    with reading_for_reports() as (work, files):
        unit = unit_id or top_unit(work)
        document = make_document(work, quarter, kind=kind, unit_id=unit, within=ROOT, files=files, is_exact=exact)
    made = write_report(document, wanted)  # type: ignore[arg-type]  # click has checked it
    write_file(made.content, output_file or Path(f"{kind}-{quarter}-{unit}.{made.suffix}"))


@contextmanager
def reading_for_reports() -> Iterator[tuple["UnitOfWork", "ReportFiles"]]:
    """One look at the store, with the bank's headings."""
    from data.taxonomy import default_taxonomy
    from serving.commands.opening import opened_store
    from serving.reports.headings import read_report_files
    from serving.settings import load_store_settings

    files = read_report_files(load_store_settings().report_folder, default_taxonomy())
    with opened_store() as store, store.reading() as work:
        yield work, files


def top_unit(work: "UnitOfWork") -> str:
    """The first unit that stands below none. Raises StoreError without any unit."""
    from data.errors import StoreError
    from data.store.scope import ROOT

    for unit in work.units.all(within=ROOT):
        return unit.id
    raise StoreError("the store has no unit yet; add one with: xiaobao unit add", "尚未建立机构")


def write_file(content: bytes, file: Path) -> None:
    """`-` is standard output."""
    if str(file) == "-":
        sys.stdout.buffer.write(content)
        return
    file.write_bytes(content)
    click.echo(f"{file} was written", err=True)
