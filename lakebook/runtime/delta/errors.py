"""Errors that read like Delta's own: a condition in brackets, the thing, and the way out."""

from __future__ import annotations

import re

from pyspark.errors import AnalysisException, PySparkException

from lakebook.errors import LakebookError

MARK = re.compile(r"\[(DELTA_[A-Z_]+)\] (.*?)(?:\n|$)")


class DeltaError(LakebookError, AnalysisException):
    """What Delta raises as an AnalysisException; `getCondition` tells which."""

    def __init__(self, condition: str, message: str) -> None:
        PySparkException.__init__(self, message=message)
        self._condition = condition

    def __str__(self) -> str:
        return f"[{self._condition}] {self._message}"

    def getCondition(self) -> str:
        """Return the name of the condition, such as ``DELTA_TABLE_NOT_FOUND``."""
        return self._condition

    def getErrorClass(self) -> str:
        """Return the same as `getCondition`, under its name before Spark 4."""
        return self._condition

    def __reduce__(self) -> tuple[type[DeltaError], tuple[str, str]]:
        # A Python worker sends its error to the driver by pickle.
        return type(self), (self._condition, self._message)


def delta_error(condition: str, message: str) -> DeltaError:
    """Return the error for one of Delta's conditions."""
    return DeltaError(condition, message)


def from_task(error: Exception) -> DeltaError | None:
    """Return the Delta error that a Spark task raised by `raise_error`, if it is one."""
    if found := MARK.search(str(error)):
        return DeltaError(found[1], found[2].rstrip("' \""))
    return None


class DeltaConcurrentModificationException(DeltaError):
    """Another writer was faster, and both cannot be right."""

    condition = "DELTA_CONCURRENT_MODIFICATION"
    sentence = "Another writer has changed the table."

    def __init__(self, condition: str = "", message: str = "") -> None:
        super().__init__(
            condition or self.condition,
            message or f"{self.sentence} Please try the operation again.",
        )


class ConcurrentAppendException(DeltaConcurrentModificationException):
    """Files were added that this operation should have read."""

    condition = "DELTA_CONCURRENT_APPEND"
    sentence = "Files were added to the part of the table that this operation has read."


class ConcurrentDeleteReadException(DeltaConcurrentModificationException):
    """Files were deleted that this operation has read."""

    condition = "DELTA_CONCURRENT_DELETE_READ"
    sentence = "A file that this operation has read was deleted by another writer."


class ConcurrentDeleteDeleteException(DeltaConcurrentModificationException):
    """Files were deleted that this operation deletes as well."""

    condition = "DELTA_CONCURRENT_DELETE_DELETE"
    sentence = "A file that this operation rewrites was deleted by another writer."


class MetadataChangedException(DeltaConcurrentModificationException):
    """The schema or a property was changed."""

    condition = "DELTA_METADATA_CHANGED"
    sentence = "The schema or a property of the table was changed by another writer."


class ProtocolChangedException(DeltaConcurrentModificationException):
    """The table was created, or its protocol raised."""

    condition = "DELTA_PROTOCOL_CHANGED"
    sentence = "The table was created or upgraded by another writer."


class ConcurrentTransactionException(DeltaConcurrentModificationException):
    """The same stream runs twice."""

    condition = "DELTA_CONCURRENT_TRANSACTION"
    sentence = "Another run of the same stream has committed; two may not share a checkpoint."
