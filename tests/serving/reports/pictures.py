"""Pictures of a report's pages for docs/reports.md. In: a report as PDF. Out: PNG files with a small palette.

xiaobao report --quarter 2026Q3 --format pdf --output report.pdf
python -m tests.serving.reports.pictures report.pdf --pages 1 3 5
"""

import argparse
from pathlib import Path

import pypdfium2

from tests.serving.console.pictures import reduced

FOLDER = Path("docs/images/reports")
DOTS_PER_INCH = 110
POINTS_PER_INCH = 72


def main() -> None:
    """One file a page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("--pages", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with pypdfium2.PdfDocument(given.report) as pdf:
        for number in given.pages:
            image = pdf[number - 1].render(scale=DOTS_PER_INCH / POINTS_PER_INCH).to_pil()
            (given.folder / f"page-{number}.png").write_bytes(reduced(image, f"page {number}"))


if __name__ == "__main__":
    main()
