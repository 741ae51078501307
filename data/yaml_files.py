"""YAML files. In: a path. Out: what stands in the file.

Parsed by libyaml where PyYAML has it, as its wheels do: ten times as fast, and taxonomy, policies, rules and the
console's texts are all read before the first answer.
"""

from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # a PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["Loader", "read_yaml"]


def read_yaml(file: Path) -> Any:
    """Plain values only. Raises OSError, UnicodeDecodeError, yaml.YAMLError."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=Loader)
