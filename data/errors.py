"""The errors xiaobao raises for bad input. In: what was found. Out: one class per cause, with a stable code.

    XiaobaoError
    ├── TaxonomyError      taxonomy.yaml is inconsistent
    ├── PolicyError        policy.yaml or holidays.yaml is inconsistent, or a case's version of it is missing
    ├── CalendarError      the holiday table does not list a year that a clock needs
    ├── ClockError         what is to be recorded of a case breaks the policy (an extension without the right approver)
    ├── CorpusError        a corpus file cannot be read
    ├── QuarterError       what was given is no quarter
    ├── ReportFileError    report_groups.yaml or education.yaml is inconsistent, or a format's extra is missing
    ├── InputFileError     a file given to the command line or to an import cannot be read
    ├── TextError          one complaint text cannot be triaged
    ├── BundleError        a model bundle is missing, damaged or does not fit this version
    ├── RegistryError      the folder of models cannot do what was asked (no such model, the gate was not passed)
    ├── EncoderError       the pretrained encoder cannot be built
    ├── ClusterError       work on a Ray cluster cannot be begun or ended
    ├── SettingsError      the service must not start with these settings
    └── StoreError         the case store cannot do what was asked
        ├── StoreUnavailableError  the database does not answer, is locked or full; try again later
        ├── KeyMaterialError       a key is missing, short, unknown or does not fit
        ├── NotFoundError          not there, or not visible to who asks
        └── NotAllowedError        visible, but not for this user or without a reason

Messages say what was found, what was expected and what to do. They never hold complaint text.
"""


class XiaobaoError(Exception):
    """Base of all expected errors.

    `code` is stable for API clients, `message` is English, `message_zh` is shown to users of the console.
    """

    code = "error"

    def __init__(self, message: str, message_zh: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh or message


class TaxonomyError(XiaobaoError):
    code = "taxonomy_invalid"


class PolicyError(XiaobaoError):
    code = "policy_invalid"


class CalendarError(XiaobaoError):
    code = "holidays_missing"


class ClockError(XiaobaoError):
    code = "clock_refused"

    def __init__(self, message: str, message_zh: str | None = None, *, code: str = "clock_refused") -> None:
        super().__init__(message, message_zh)
        self.code = code


class CorpusError(XiaobaoError):
    code = "corpus_invalid"


class QuarterError(XiaobaoError):
    code = "quarter_invalid"


class ReportFileError(XiaobaoError):
    code = "report_files_invalid"

    def __init__(self, message: str, message_zh: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message, message_zh)
        self.code = code or self.code


class InputFileError(XiaobaoError):
    code = "input_file_invalid"

    def __init__(self, message: str, message_zh: str | None = None, *, code: str = "input_file_invalid") -> None:
        super().__init__(message, message_zh)
        self.code = code


class TextError(XiaobaoError):
    code = "text_invalid"

    def __init__(self, message: str, message_zh: str | None = None, *, code: str = "text_invalid") -> None:
        super().__init__(message, message_zh)
        self.code = code


class BundleError(XiaobaoError):
    code = "bundle_invalid"


class RegistryError(XiaobaoError):
    code = "registry_refused"


class EncoderError(XiaobaoError):
    code = "encoder_invalid"


class ClusterError(XiaobaoError):
    code = "cluster_failed"


class SettingsError(XiaobaoError):
    code = "settings_invalid"


class StoreError(XiaobaoError):
    code = "store_failed"

    def __init__(self, message: str, message_zh: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message, message_zh)
        self.code = code or self.code


class StoreUnavailableError(StoreError):
    code = "store_unavailable"


class KeyMaterialError(StoreError):
    code = "key_invalid"


class NotFoundError(StoreError):
    code = "not_found"


class NotAllowedError(StoreError):
    code = "not_allowed"


def place_of(error: BaseException) -> str:
    """Where an error that nobody expected was raised: function and line, nothing of its message."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else "?"
