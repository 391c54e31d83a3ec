"""E-mail by SMTP.

The account is the sender's address. Its `base_url` names the server: `smtp://HOST:587` (TLS
after STARTTLS, which the server must offer), `smtps://HOST:465`, or `smtp+plain://HOST:25` for
a relay on a network of one's own; `?subject=…&name=…` set the subject and the sender's name.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from providers import plain
from providers.failures import FailureCode, SendFailure
from providers.protocol import Accepted, Credentials, Outgoing
from providers.reading import clean
from providers.sending import Mail, MailAnswer, Mailing, MailServer, Security, Sent
from schemas.content import Platform

USER: Final = "user"
PASSWORD: Final = "password"  # noqa: S105  # the credential's name
SUBJECT: Final = "A message for you"
_TEXT_LIMIT: Final = 100_000
_DETAIL_LIMIT: Final = 500
_SERVERS: Final[Mapping[str, tuple[Security, int]]] = MappingProxyType(
    {"smtp": ("starttls", 587), "smtps": ("tls", 465), "smtp+plain": ("none", 25)}
)
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS: Final = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]{{1,63}}(\.[A-Za-z0-9-]{{1,63}})*"
)
_OWN_WORD: Final = re.compile(r"[A-Za-z0-9._-]+")
_ENHANCED: Final = re.compile(r"\b[245]\.(\d{1,3}\.\d{1,3})\b")

# RFC 3463: the last two numbers of an enhanced status code
_BY_ENHANCED: Final = MappingProxyType(
    {
        "1.1": FailureCode.RECIPIENT_UNREACHABLE,
        "1.2": FailureCode.RECIPIENT_UNREACHABLE,
        "1.3": FailureCode.RECIPIENT_UNREACHABLE,
        "1.6": FailureCode.RECIPIENT_UNREACHABLE,
        "1.10": FailureCode.RECIPIENT_UNREACHABLE,
        "2.1": FailureCode.RECIPIENT_UNREACHABLE,
        "3.4": FailureCode.CONTENT_REFUSED,
        "7.8": FailureCode.UNAUTHENTICATED,
        "7.9": FailureCode.UNAUTHENTICATED,
    }
)
_BY_CODE: Final = MappingProxyType(
    {
        421: FailureCode.PROVIDER_DOWN,
        450: FailureCode.THROTTLED,
        451: FailureCode.PROVIDER_DOWN,
        452: FailureCode.THROTTLED,
        454: FailureCode.PROVIDER_DOWN,
        530: FailureCode.UNAUTHENTICATED,
        534: FailureCode.UNAUTHENTICATED,
        535: FailureCode.UNAUTHENTICATED,
        538: FailureCode.UNAUTHENTICATED,
        550: FailureCode.RECIPIENT_UNREACHABLE,
        551: FailureCode.RECIPIENT_UNREACHABLE,
        552: FailureCode.CONTENT_REFUSED,
        553: FailureCode.RECIPIENT_UNREACHABLE,
        554: FailureCode.REFUSED,
    }
)
_TEMPORARY: Final = range(400, 500)
_SUCCESS: Final = range(200, 300)


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Mailing | SendFailure:
    """The e-mail that says what a message says; what is no text goes as the words it has."""
    server = _server(credentials, base_url)
    if isinstance(server, SendFailure):
        return server
    if not _ADDRESS.fullmatch(message.account):
        return _refused(FailureCode.NOT_CONFIGURED, "the account is not an e-mail address")
    if not _ADDRESS.fullmatch(message.to):
        return _refused(FailureCode.RECIPIENT_UNREACHABLE, "not an e-mail address")
    said = plain.words_of(message.content)
    if refused := plain.objection(said, _TEXT_LIMIT):
        return refused
    return _mailing(message, server, said or "", _wishes(base_url))


def judge(answer: MailAnswer, *secrets: str) -> Sent:
    """What the server's last answer means."""
    said = clean(answer.words)
    for secret in filter(None, secrets):
        said = said.replace(secret, "***")
    if answer.code in _SUCCESS:
        return Accepted(platform_message_id=None, http_status=answer.code)
    return SendFailure(
        code=_meaning(answer.code, said),
        http_status=answer.code,
        detail=f"{answer.code} {said}"[:_DETAIL_LIMIT],
    )


def _meaning(code: int, said: str) -> FailureCode:
    if code in _TEMPORARY:
        return _BY_CODE.get(code, FailureCode.PROVIDER_DOWN)
    enhanced = _ENHANCED.search(said)
    known = _BY_ENHANCED.get(enhanced[1]) if enhanced else None
    return known or _BY_CODE.get(code, FailureCode.REFUSED)


def _mailing(
    message: Outgoing, server: MailServer, said: str, wishes: Mapping[str, str]
) -> Mailing:
    message_id = _message_id(message)
    mail = Mail(
        server=server,
        sender=message.account,
        sender_name=wishes.get("name", ""),
        recipient=message.to,
        subject=wishes.get("subject", SUBJECT),
        text=said,
        message_id=message_id,
    )

    def judged(answer: MailAnswer) -> Sent:
        ended = judge(answer, server.user, server.password)
        if isinstance(ended, Accepted):
            return Accepted(platform_message_id=message_id, http_status=ended.http_status)
        return ended

    return Mailing(mail, judged)


def _message_id(message: Outgoing) -> str:
    """The same for every attempt at a reply: a mailbox then shows what came twice once."""
    reply, _, _ = message.reference.partition(":")
    word = reply if _OWN_WORD.fullmatch(reply) else message.reference.encode().hex()
    return f"<{word}@{message.account.rpartition('@')[2]}>"


def _server(credentials: Credentials, base_url: str | None) -> MailServer | SendFailure:
    parts = _parts(base_url)
    if parts is None or not parts.hostname:
        detail = "give the account a base_url such as smtp://smtp.example.com:587"
        return _refused(FailureCode.NOT_CONFIGURED, detail)
    user, password = credentials.get(USER, ""), credentials.get(PASSWORD, "")
    if bool(user) != bool(password):
        return _refused(FailureCode.NOT_CONFIGURED, "the account needs a user and a password")
    security, usual = _SERVERS[parts.scheme]
    return MailServer(
        host=parts.hostname,
        port=parts.port or usual,
        security=security,
        user=user,
        password=password,
    )


def _parts(base_url: str | None) -> SplitResult | None:
    try:
        parts = urlsplit(base_url or "")
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if has_port and parts.scheme in _SERVERS else None


def _wishes(base_url: str | None) -> Mapping[str, str]:
    """What the URL's query asks for, each in one line."""
    asked = parse_qs(urlsplit(base_url or "").query)
    return {name: " ".join(values[0].split()) for name, values in asked.items()}


def _refused(code: FailureCode, detail: str) -> SendFailure:
    return SendFailure(code=code, http_status=None, detail=detail)


class Email:
    """The channel."""

    name: Final = "email"
    platform: Final = Platform.EMAIL
    required_credentials: Final[tuple[str, ...]] = ()
    send = staticmethod(send)


CHANNEL: Final = Email()
