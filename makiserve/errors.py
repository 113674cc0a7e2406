"""The error tree of makiserve. Each class is named for what happens next.

```
MakiserveError
├── ConfigurationError         correct the command or the code, then start again   exit 2
│   ├── ArgumentError          an argument, or the option of that name, is wrong; also a ValueError
│   ├── PipelineError          the pipeline cannot be traced or compiled; also a ValueError
│   ├── SourceError            a file or topic cannot be read in the expected format
│   └── RegistryUnavailable    the tracking server does not answer
├── ModelRefused               the model must not serve                            exit 3
├── PipelineChanged            a new process must serve the model                  exit 6
├── BrokerUnavailable          no broker answers: check the network, start again   exit 4
├── SchemaRegistryUnavailable  the schema registry does not answer: the same       exit 4
├── RecordError                one record becomes a dead letter, the stream continues
│   ├── DecodeError            its bytes do not fit the record's schema; also a ValueError
│   │   └── SchemaNotFound     the registry has no schema of its id
│   ├── OperatorError          a function of the pipeline raised on it
│   ├── PredictError           the model refused its features
│   ├── EncodeError            its output cannot be written in the output's format
│   └── PublishError           the topic does not accept its output
├── StoppedOnError             a record failed, and --on-error is stop             exit 1
├── RetryCall                  repeat the call after a pause
├── AbortTransaction           abort, rewind inputs and state, score the records again
│   └── MessageRefused         the same, then dead-letter the records that a topic does not accept
├── Fenced                     another instance took over: new producer, rejoin
├── TopicsChanged              check all topics again, continue from the last commit
├── StateError                 a checkpoint does not fit: see the message          exit 5
├── ResourceLimit              give the process more memory, files or threads      exit 71
└── InternalError              a bug in makiserve: stop, report it                 exit 70
```

Exit code 0 means success (a drained service, a finished replay). `cli/exit.py` turns an error into its exit code.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

PARTS_OF_ORDER_BY = ("time", "tie_by")
"""Arguments that the command line takes in one option."""


def message_of(error: BaseException) -> str:
    """Return the message of any exception; one whose text cannot be had is replaced."""
    try:
        return str(error)
    except Exception as unprintable:  # noqa: BLE001  of a class of the user's
        return f"its message raises {type(unprintable).__name__}"


class MakiserveError(Exception):
    """The root of the tree. The process ends with `exit_code` if only the command line catches the error."""

    exit_code: ClassVar[int] = 70


class ConfigurationError(MakiserveError):
    """The command, the settings or the user's code must be corrected; a retry without a change cannot help."""

    exit_code = 2


class ArgumentError(ConfigurationError, ValueError):
    """An argument of the Python API, or the command-line option of the same name, is wrong.

    Args:
        argument: the name of the argument, such as `label_ahead`.
        value: the given value.
        message: why it cannot be used.
    """

    def __init__(self, argument: str, value: Any, message: str) -> None:
        super().__init__(argument, value, message)
        self.argument, self.value, self.message = argument, value, message

    def __str__(self) -> str:
        return f"{self.argument}={self.value!r}: {self.message}"

    @property
    def as_option(self) -> str:
        """The message in terms of the command line: `--label-ahead -3: …`."""
        option = "order-by" if self.argument in PARTS_OF_ORDER_BY else self.argument.replace("_", "-")
        return f"--{option} {self.value}: {self.message}"


class PipelineError(ConfigurationError, ValueError):
    """The feature pipeline cannot be traced or compiled, or an operator is given a wrong argument."""


class SourceError(ConfigurationError):
    """A source cannot be read at all: the file is missing, has no header, or lacks a column of the record."""


class RegistryUnavailable(ConfigurationError):
    """The tracking server does not answer: check its address; a running service continues and asks again."""


class PipelineWarning(UserWarning):
    """A pipeline works but probably does not do what its author intended."""


class ModelRefused(MakiserveError):
    """The model must not serve: it cannot be loaded, or does not reproduce its reference outputs."""

    exit_code = 3


class PipelineChanged(MakiserveError):
    """The model's pipeline is not the one that this process runs: a new process must serve it."""

    exit_code = 6


class BrokerUnavailable(MakiserveError):
    """No broker answered within the time limit."""

    exit_code = 4


class SchemaRegistryUnavailable(MakiserveError):
    """The schema registry does not answer as it should. A running service waits and asks again.

    Attributes:
        retry_after_s: the seconds that the registry asks clients to wait; None if it does not.
    """

    exit_code = 4

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RecordError(MakiserveError):
    """One record cannot be scored: it becomes a dead letter and the stream continues.

    Attributes:
        reason: one word for the kind of failure, the same in dead letters and metrics.
    """

    exit_code = 1
    reason: ClassVar[str] = "record"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self), self.args, self.__dict__)  # some have arguments that are not in `args`


def _unpickled(kind: type[RecordError], arguments: tuple[Any, ...], state: dict[str, Any]) -> RecordError:
    """Return the error that was pickled."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class DecodeError(RecordError, ValueError):
    """A record's bytes, or a row's cells, do not fit the record's schema.

    Attributes:
        field: the name of the field in the data; None if the record as a whole is damaged.
        expected: the declared type in words; None if the record as a whole is damaged.
        value: the actual value, shortened; None if it is missing.
    """

    reason = "decode"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        expected: str | None = None,
        value: str | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.expected = expected
        self.value = value


class SchemaNotFound(DecodeError):
    """The schema registry has no schema of the id that a message names."""


class OperatorError(RecordError):
    """A function of the pipeline raised on an item; the cause is chained to it.

    Attributes:
        operator: its position in the pipeline, as the user wrote it: `roll(window=360, stride=60) > tee_map[1] > map`.
        item: the argument of the function. It is not part of the message: payloads stay out of logs.
        has_trace: whether a window or a group could not complete, which is removed, or may be at the next error.
    """

    reason = "operator"

    def __init__(self, message: str, *, operator: str, item: Any, has_trace: bool = False) -> None:
        super().__init__(message)
        self.operator = operator
        self.item = item
        self.has_trace = has_trace


class PredictError(RecordError):
    """The model raised on the features of one record, or cannot accept them."""

    reason = "predict"


class EncodeError(RecordError):
    """The output of one record cannot be written in the output's format."""

    reason = "encode"


class PublishError(RecordError):
    """A topic does not accept the output of one record: its size, its missing key or its timestamp."""

    reason = "publish"


class StoppedOnError(MakiserveError):
    """A record cannot be scored, and `--on-error stop` is set: correct the cause, then start again."""

    exit_code = 1


class RetryCall(MakiserveError):
    """A temporary failure of the broker: the call is repeated after a pause."""

    exit_code = 4


class AbortTransaction(MakiserveError):
    """The open transaction cannot be committed: it is aborted, and inputs and state are rewound to the last commit."""

    exit_code = 4


class MessageRefused(AbortTransaction):
    """A topic does not accept a message of the transaction. If the message was in a batch, it is not known which one.

    Attributes:
        topic: the topic that refused it.
        cause: the property that was refused: its size, its timestamp, or another one.
    """

    def __init__(self, message: str, *, topic: str, cause: Literal["size", "time", "record"]) -> None:
        super().__init__(message)
        self.topic = topic
        self.cause = cause


class Fenced(MakiserveError):
    """Another instance has taken over, or the outcome of a commit is unknown: this producer must not be used again."""

    exit_code = 4


class TopicsChanged(MakiserveError):
    """A topic has changed since the start: all topics are checked again before the service continues."""

    exit_code = 4


class StateError(MakiserveError):
    """A checkpoint cannot be written or restored: an unsupported type, another plan, damaged bytes."""

    exit_code = 5


class ResourceLimit(MakiserveError):
    """The process ran into a limit of the machine: memory, open files, threads or disk space."""

    exit_code = 71


class InternalError(MakiserveError):
    """An invariant of makiserve is broken; to continue could publish a wrong result."""

    exit_code = 70
