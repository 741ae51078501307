"""The console's words. In: `texts/PAGE.yaml`, each text as [Chinese, English]. Out: one page in one language.

Every page has one file and uses the shared `frame.yaml` beside it. A text missing in a language, or a name that would
hide a method of dict in a template, is an error when the file is read, so a page never shows half a translation.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from data.yaml_files import read_yaml

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
FOLDER = Path(__file__).with_name("texts")


@cache
def texts(page: str, language: Language) -> Mapping[str, Any]:
    """The texts of a page and the shared ones. Raises ValueError on a text that lacks a language."""
    return {**_read("frame", language), **_read(page, language)}


def _read(page: str, language: Language) -> dict[str, Any]:
    texts_of_page: dict[str, Any] = _in_language(page, read_yaml(FOLDER / f"{page}.yaml"), language)
    return texts_of_page


def _in_language(where: str, value: object, language: Language) -> Any:
    if isinstance(value, dict):
        hidden = [name for name in value if hasattr(dict, str(name))]
        if hidden:
            raise ValueError(f"{where}: {hidden} are methods of dict; templates could not reach these texts")
        return {name: _in_language(f"{where}.{name}", part, language) for name, part in value.items()}
    if not (isinstance(value, list) and len(value) == len(LANGUAGES) and all(isinstance(part, str) for part in value)):
        raise ValueError(f"{where} is no pair of texts; expected [Chinese, English]")
    return value[LANGUAGES.index(language)]
