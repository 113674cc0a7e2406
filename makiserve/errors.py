"""Every error of makiserve, each class named for what happens next.

```
MakiserveError
├── ConfigurationError         correct the command or the code, start again      exit 2
│   ├── ArgumentError          an argument, or the option of that name, is wrong; also a ValueError
│   ├── PipelineError          the pipeline cannot be traced or compiled; also a ValueError
│   ├── SourceError            a file or topic cannot be read as what it should be
│   └── RegistryUnavailable    the tracking server does not answer
├── ModelRefused               the model must not serve                          exit 3
├── PipelineChanged            a fresh process must serve it                     exit 6
├── BrokerUnavailable          no broker answers: check the network, start again exit 4
├── SchemaRegistryUnavailable  the schema registry does not answer: the same     exit 4
├── RecordError                one record is dead-lettered, the stream goes on
│   ├── DecodeError            its bytes do not fit the record's schema; also a ValueError
│   │   └── SchemaNotFound     the registry has no schema of its id
│   ├── OperatorError          a function of the pipeline raised on it
│   ├── PredictError           the model refused its features
│   ├── EncodeError            what came of it has no form in the output
│   └── PublishError           the output topic does not take what came of it
├── StoppedOnError             one record is in the way, as the service was told exit 1
├── RetryCall                  call the same thing again, after a pause
├── AbortTransaction           abort, rewind inputs and state, do it again
│   └── MessageRefused         the same, and make dead letters of what a topic does not take
├── Fenced                     another instance took over: new producer, rejoin
├── TopicsChanged              check all topics again, continue from the last commit
├── StateError                 a checkpoint does not fit: see the message        exit 5
├── ResourceLimit              give the process more memory, files or threads     exit 71
└── InternalError              a bug of makiserve: stop, report it               exit 70
```

Exit 0 is a clean end (a drained service, a finished replay). One place turns an error into its exit code:
`cli/exit.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal


class MakiserveError(Exception):
    """The root of the tree. `exit_code` is the process's, when nothing below the command line acts on the error."""

    exit_code: ClassVar[int] = 70


class ConfigurationError(MakiserveError):
    """The command, the settings or the user's code must be corrected; trying again as it is cannot help."""

    exit_code = 2


class ArgumentError(ConfigurationError, ValueError):
    """An argument of a function of the Python API is wrong, or the command's option of the same name.

    Args:
        argument: the name of the argument, such as `label_shift`.
        value: what was given.
        message: why it cannot be used.
    """

    def __init__(self, argument: str, value: Any, message: str) -> None:
        super().__init__(argument, value, message)
        self.argument, self.value, self.message = argument, value, message

    def __str__(self) -> str:
        return f"{self.argument}={self.value!r}: {self.message}"

    @property
    def as_option(self) -> str:
        """The same for the command line: `--label-shift -3: …`."""
        return f"--{self.argument.replace('_', '-')} {self.value}: {self.message}"


class PipelineError(ConfigurationError, ValueError):
    """The feature pipeline cannot be traced or compiled, or an operator is given a wrong argument."""


class SourceError(ConfigurationError):
    """A file cannot be read at all: it is missing, it has no header, a column of the record is not in it."""


class RegistryUnavailable(ConfigurationError):
    """The tracking server does not answer: check where it is; a running service goes on and asks again."""


class PipelineWarning(UserWarning):
    """A pipeline works, and probably does not do what was meant."""


class ModelRefused(MakiserveError):
    """The model must not serve: it cannot be loaded, or it does not give its reference outputs."""

    exit_code = 3


class PipelineChanged(MakiserveError):
    """The model's pipeline is not the one that this process runs: a process of its own must serve it."""

    exit_code = 6


class BrokerUnavailable(MakiserveError):
    """No broker answered within the time that was given to it."""

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
    """One record cannot be scored: it becomes a dead letter and the stream goes on.

    Attributes:
        reason: one word for what went wrong, the same in dead letters and metrics.
    """

    exit_code = 1
    reason: ClassVar[str] = "record"

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived, (type(self), self.args, self.__dict__)  # some have arguments that are not in `args`


def _revived(kind: type[RecordError], arguments: tuple[Any, ...], state: dict[str, Any]) -> RecordError:
    """The error that was pickled."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class DecodeError(RecordError, ValueError):
    """A record's bytes, or a row's cells, do not fit the record's schema.

    Attributes:
        field: the name as it stands in the data; None when the record as a whole is damaged.
        expected: the declared type in words; None when the record as a whole is damaged.
        value: what was found instead, shortened; None when it is missing.
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
        operator: where in the pipeline, as the user wrote it: `roll(window=360, stride=60) > tee_map[1] > map`.
        item: what the function was given. It is not part of the message: payloads stay out of logs.
    """

    reason = "operator"

    def __init__(self, message: str, *, operator: str, item: Any) -> None:
        super().__init__(message)
        self.operator = operator
        self.item = item


class PredictError(RecordError):
    """The model raised on, or cannot be given, the features of one record."""

    reason = "predict"


class EncodeError(RecordError):
    """What came of one record cannot be written as the output's format asks."""

    reason = "encode"


class PublishError(RecordError):
    """A topic does not take what came of one record: it is too large, has no key, or has a time that is refused."""

    reason = "publish"


class StoppedOnError(MakiserveError):
    """A record cannot be scored, and the service was told to stop there: correct the cause, start again."""

    exit_code = 1


class RetryCall(MakiserveError):
    """A passing trouble of the broker: the same call is made again after a pause."""

    exit_code = 4


class AbortTransaction(MakiserveError):
    """The open transaction cannot be committed: it is aborted, inputs and state go back to the last commit."""

    exit_code = 4


class MessageRefused(AbortTransaction):
    """A topic does not take a message of the transaction; which one is not known, if it was in a batch.

    Attributes:
        topic: that refused it.
        cause: its size, its time, or something else about it.
    """

    def __init__(self, message: str, *, topic: str, cause: Literal["size", "time", "record"]) -> None:
        super().__init__(message)
        self.topic = topic
        self.cause = cause


class Fenced(MakiserveError):
    """Another instance has taken over, or the outcome of a commit is unknown: this producer may not be used again."""

    exit_code = 4


class TopicsChanged(MakiserveError):
    """A topic is not what it was at the start: all are checked again, and the service continues or ends by that."""

    exit_code = 4


class StateError(MakiserveError):
    """A checkpoint cannot be written or restored: a type without a code, another plan, damaged bytes."""

    exit_code = 5


class ResourceLimit(MakiserveError):
    """The process ran into a limit of the machine: memory, open files, threads or disk space."""

    exit_code = 71


class InternalError(MakiserveError):
    """A rule of makiserve itself is broken; going on could publish a wrong result."""

    exit_code = 70
