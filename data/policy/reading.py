"""Reviewed YAML of this package. In: a file and the shape it must have. Out: the checked content, or one PolicyError.

An unknown key and a key that stands twice are errors: in a file that people edit by hand both are slips that would
otherwise change a deadline without a word.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import PolicyError
from data.yaml_files import Loader


class Strict(BaseModel):
    """Base of every part of these files."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Content = TypeVar("Content", bound=Strict)


class _Loader(Loader):
    """YAML where a repeated key is an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key, (place, _) in zip(keys, node.value, strict=True):
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", place.start_mark)
    return loader.construct_mapping(node, deep=True)


def _text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """Dates stay text here: pydantic names the place of a day that does not exist, PyYAML does not."""
    return loader.construct_scalar(node)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_checked(path: Path, shape: type[Content], **context: object) -> Content:
    """The file's content. Raises PolicyError that names each wrong place, what stands there and what was expected."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(
            f"{path.name} cannot be read as YAML: {error}; correct the file or restore the shipped one",
            f"无法读取 {path.name}：{error}；请更正文件或恢复随软件提供的版本",
        ) from error
    try:
        return shape.model_validate(content, context=context)
    except ValidationError as error:
        problems = "; ".join(_problem(dict(problem)) for problem in error.errors())
        raise PolicyError(
            f"{path.name} is inconsistent: {problems}; correct these places",
            f"{path.name} 内容有误，请更正以下各处：{problems}",
        ) from error


def _problem(problem: dict[str, Any]) -> str:
    place = ".".join(map(str, problem["loc"])) or "file"
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key; expected only the documented keys"
    if problem["type"] == "missing":
        return f"{place}: missing; expected a value"
    found = problem["input"]
    shown = f" (found {found!r})" if isinstance(found, str | int | float | bool | None) else ""
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}{shown}"
