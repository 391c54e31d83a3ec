"""`python -m chatfold.files.worker`: a reader, which looks into one file after the other.

It has no secrets and no way to anybody: whatever a file makes of it can only give a wrong answer,
or end it. It ends by itself when nobody listens any more, or a file takes too long.
"""

import contextlib
import signal
import sys
from typing import BinaryIO, assert_never

from chatfold.files import documents, pictures
from chatfold.files.tasks import (
    LENGTH,
    Answer,
    AnyTask,
    Page,
    Picture,
    ReadDocument,
    Refused,
    Thumbnail,
    decode_task,
    encode,
    length,
)
from schemas.job_failures import JobFailureCode

with contextlib.suppress(ImportError):  # a platform without it keeps the limit of time
    import resource


def main(arguments: list[str]) -> None:
    """Answer until standard input ends; `arguments` are seconds a task and bytes of memory."""
    seconds, memory = int(arguments[1]), int(arguments[2])
    confine(memory)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while (task := _part(asked)) is not None:
        data = _part(asked)
        if data is None:
            return
        signal.alarm(seconds)
        answer = encode(_answer(decode_task(task), data))
        signal.alarm(0)
        answers.write(length(len(answer)) + answer)
        answers.flush()


def confine(memory: int) -> None:
    """Take no more than so many bytes of memory, write no file, and leave no core behind."""
    if "resource" not in globals():
        return
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):  # macOS knows no limit of memory
            resource.setrlimit(what, (most, most))


def _answer(task: AnyTask, data: bytes) -> Answer:
    try:
        return _found(task, data)
    except MemoryError:
        return Refused(JobFailureCode.TOO_LARGE, "the file does not fit into memory")
    except Exception as error:  # noqa: BLE001  # whatever a file leads to is about the file
        return Refused(JobFailureCode.UNREADABLE, f"the file is damaged: {error!r}")


def _found(task: AnyTask, data: bytes) -> Answer:
    match task:
        case Thumbnail(is_document=True):
            return documents.show(data, 0, task.edge)
        case Thumbnail() | Picture():
            return pictures.small(data, task.edge)
        case ReadDocument():
            return documents.read(data, task.longest)
        case Page():
            return documents.show(data, task.number, task.edge)
        case _:
            assert_never(task)


def _part(stream: BinaryIO) -> bytes | None:
    """The next part, None where the stream has ended."""
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None
    wanted = int.from_bytes(head)
    data = stream.read(wanted)
    return data if len(data) == wanted else None


if __name__ == "__main__":
    main(sys.argv)
