"""A report as a page. In: a document. Out: HTML, alone with its style, or its body for the console."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from serving.reports.document import Document, shown

_FOLDER = Path(__file__).with_name("templates")
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters["shown"] = shown


def report_body(document: Document) -> Markup:
    """The report without a frame; everything in it is escaped."""
    return Markup(_ENVIRONMENT.get_template("body.html").render(document=document))


def report_page(document: Document) -> bytes:
    """One file that needs no other."""
    style = Markup((_FOLDER / "report.css").read_text(encoding="utf-8"))
    page = _ENVIRONMENT.get_template("page.html")
    return page.render(document=document, body=report_body(document), style=style).encode("utf-8")
