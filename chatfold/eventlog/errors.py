"""Why records are not in the log; a caller that must not lose them offers them again."""

from chatfold.refusal import Refusal


class AppendFailed(Exception):
    """No acknowledgement came: the records may be in the log or not; append them again."""


class Overloaded(AppendFailed):
    """Too many bytes wait for the broker; nothing was appended."""


class RecordTooLarge(AppendFailed):
    """The broker takes no record of this size; nothing was appended."""


class KafkaUnreachable(Refusal):
    """Kafka does not answer; the text names the address and the setting."""

    def __init__(self, bootstrap: str, reason: object) -> None:
        super().__init__(
            f"Kafka does not answer at {bootstrap} ({reason}): start it with `chatfold stack up`,"
            " or name a running one in CHATFOLD_KAFKA_BOOTSTRAP."
        )
