"""Bytes from any storage that fsspec knows. A read that fails is tried again, and then fails the task.

A connection that breaks is a fault of the environment. It says nothing about a record, so it never reaches the
quarantine: what cannot be read now is read by the next run.
"""

from __future__ import annotations

import io
import time
from typing import IO, Any

import fsspec
from typing_extensions import Buffer

from corpuskit.errors import CorpuskitError

_PAUSES = (0.1, 0.5, 2.0, 8.0)
"""Seconds to wait before each further try."""

_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Errors that another try does not mend."""


class StorageError(CorpuskitError):
    """A file cannot be read now, whatever is in it."""


def open_file(path: str) -> IO[bytes]:
    """The stored bytes of a file, buffered and seekable. Reading raises StorageError after five failures in a row."""
    return io.BufferedReader(_Retrying(path), 1 << 20)


class _Retrying(io.RawIOBase):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._position, self._size = path, 0, -1
        self._opened: Any = None
        self._stream: Any = None
        self._attempt(lambda: None)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._position = self._attempt(lambda: self._stream.seek(0, io.SEEK_END)) + offset
        else:
            self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")

        def read() -> bytes:
            if self._stream.tell() != self._position:
                self._stream.seek(self._position)
            return bytes(self._stream.read(len(target)))

        data = self._attempt(read)
        target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if self._stream is not None and not self.closed:
            self._stream.close()
        super().close()

    def _attempt(self, action: Any) -> Any:
        """What `action` returns; on a failure the file is opened anew and the action tried again."""
        for pause in (*_PAUSES, None):
            try:
                if self._stream is None:
                    self._opened = fsspec.open(self._path, "rb")  # kept: a file in a ZIP file ends with it
                    self._stream = self._opened.open()
                return action()
            except _FINAL as error:
                raise StorageError(f"{self._path}: cannot be read: {error}") from error
            except Exception as error:  # each storage has errors of its own, and few are OSErrors
                self._stream = None
                if pause is None:
                    raise StorageError(
                        f"{self._path}: cannot be read after {len(_PAUSES) + 1} tries: {type(error).__name__}: "
                        f"{error}; run the same command again when the storage answers: it goes on where it stopped"
                    ) from error
                time.sleep(pause)
        raise AssertionError
