"""Hands e-mails over by SMTP, one connection each, never twice."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import format_datetime
from typing import Final

import aiosmtplib
from aiosmtplib import SMTP, SMTPResponseException

from providers.failures import Unknown
from providers.sending import Mail, MailAnswer, Mailing, Sent
from streams.ports import NotConnected, Trouble, Unanswered

TOTAL_SECONDS: Final = 15.0
POLICY: Final = LINES.clone(cte_type="7bit")
"""Not every server takes eight bits."""

_NOT_HANDED_OVER: Final = "The e-mail was not handed over: "


class MailPost:
    """An SMTP client; `tls` replaces the system's trust, for a server that certifies itself."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        seconds: float = TOTAL_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._now = now
        self._seconds = seconds
        self._tls = tls

    async def post(self, mailing: Mailing) -> Sent | Trouble:
        """What the server's answer means, or why there is none; raises what the mailing raises."""
        delivery = _Delivery(mailing.mail, composed(mailing.mail, self._now()), self._tls)
        try:
            async with asyncio.timeout(self._seconds):
                answer = await delivery.run()
        except SMTPResponseException as error:  # before its subclasses that are connection errors
            answer = MailAnswer(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            return delivery.trouble(error)
        finally:
            delivery.hang_up()
        return mailing.judge(answer)


class _Delivery:
    """One e-mail's way."""

    def __init__(self, mail: Mail, message: bytes, tls: ssl.SSLContext | None) -> None:
        server = mail.server
        self._mail = mail
        self._message = message
        self._is_handed_over = False
        self._client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            username=server.user or None,
            password=server.password or None,
            local_hostname=mail.sender.rpartition("@")[2],
            tls_context=tls,
            timeout=TOTAL_SECONDS,
        )

    async def run(self) -> MailAnswer:
        """The server's last answer; raises `SMTPResponseException` on an earlier one that is no."""
        await self._client.connect()
        await self._client.mail(self._mail.sender)
        await self._client.rcpt(self._mail.recipient)
        self._is_handed_over = True
        answer = await self._client.data(self._message)
        return MailAnswer(answer.code, answer.message)

    def trouble(self, error: Exception) -> Trouble:
        """From the message's first byte on nobody knows whether the server took it."""
        detail = self._clean(str(error) or type(error).__name__)
        if not self._is_handed_over:
            return NotConnected(f"{_NOT_HANDED_OVER}{detail}")
        if isinstance(error, TimeoutError):
            return Unanswered(Unknown.TIMEOUT, detail)
        return Unanswered(Unknown.CONNECTION_LOST, detail)

    def hang_up(self) -> None:
        """Close the connection; what was handed over stays so."""
        self._client.close()

    def _clean(self, text: str) -> str:
        password = self._mail.server.password
        return text.replace(password, "***") if password else text


def composed(mail: Mail, now: datetime) -> bytes:
    """The e-mail as it is sent."""
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = mail.message_id
    message.set_content(mail.text)
    return message.as_bytes()
