"""Does a model answer what it must before it serves? In: golden cases, a predictor. Out: which cases went wrong.

The registry's own `golden.yaml` counts, else the shipped one, which speaks the shipped taxonomy.
"""

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from data.errors import SettingsError
from data.yaml_files import read_yaml
from models.answer import FacetAnswer, TriageAnswer
from models.predictor import Predictor

GOLDEN = "golden.yaml"
SHIPPED_GOLDEN = Path(__file__).with_name(GOLDEN)
FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")


class GoldenCase(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    text: str
    order_type: str | None = None
    category: str | None = None
    leaf: str | None = None
    cause: str | None = None
    subcause: str | None = None
    channel: str | None = None
    flags: tuple[str, ...] = ()


_CASES = TypeAdapter(tuple[GoldenCase, ...])


def read_golden(registry: Path | None = None) -> tuple[GoldenCase, ...]:
    """The cases of a registry, else the shipped ones. Raises SettingsError, which quotes no text."""
    own = registry / GOLDEN if registry else SHIPPED_GOLDEN
    file = own if own.is_file() else SHIPPED_GOLDEN
    try:
        return _CASES.validate_python(read_yaml(file))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{file.name} cannot be read: {type(error).__name__}") from error
    except ValidationError as error:
        places = "; ".join(".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
        raise SettingsError(f"{file.name} is wrong at {places}; expected id, text and codes") from error


def golden_failures(predictor: Predictor, cases: Sequence[GoldenCase]) -> list[str]:
    """One line a wrong answer: case and codes, no text."""
    answers = predictor.triage([case.text for case in cases], ids=[case.id for case in cases])
    return [problem for case, answer in zip(cases, answers, strict=True) for problem in _problems(case, answer)]


def _problems(case: GoldenCase, answer: TriageAnswer) -> list[str]:
    problems = []
    for facet in FACETS:
        wanted, given = getattr(case, facet), _code(getattr(answer, facet))
        if wanted is not None and given != wanted:
            problems.append(f"{case.id}: {facet} {given}, expected {wanted}")
    raised = {flag.code for flag in answer.flags}
    return problems + [f"{case.id}: flag {flag} not raised" for flag in case.flags if flag not in raised]


def _code(value: FacetAnswer | None) -> str | None:
    return value.code if value else None
