"""What the bank tells its customers about complaining. In: a YAML file of the bank's. Out: its words, checked.

No limits stand in it: pages take them from the policy in force.
"""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import SettingsError
from data.yaml_files import read_yaml

SHIPPED = Path(__file__).with_name("notice.yaml")
Words = Annotated[str, Field(min_length=1, max_length=2000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Strict):
    """One way to complain."""

    name: Words
    contact: Words
    hours: Words | None = None


class Step(_Strict):
    name: Words
    text: Words


class Notice(_Strict):
    """`asking`: how to ask how far a complaint has come; it stands on receipts too."""

    bank: Words
    heading: Words
    introduction: Words
    channels: tuple[Channel, ...] = Field(min_length=1)
    process: tuple[Step, ...] = Field(min_length=1)
    asking: Words


def load_notice(file: Path | None = None) -> Notice:
    """The bank's own file, by default the shipped example. Raises SettingsError."""
    try:
        return Notice.model_validate(read_yaml(file or SHIPPED))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"XIAOBAO_NOTICE cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        raise SettingsError(f"XIAOBAO_NOTICE does not fit; {wrong}") from None
