"""A real SMTP server in the test's own loop, whose answers a test may choose."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "mailer", "s3cr3t"


@dataclass
class Postbox:
    """Takes e-mails; `rcpt` and `data` are answers instead of 250, `cut` and `slow` are none."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    rcpt: str = ""
    data: str = ""
    cut: bool = False
    slow: float = 0.0

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt or "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.cut:
            server.transport.abort()
        await asyncio.sleep(self.slow)
        if not self.data:
            self.mails.append(message_from_bytes(envelope.content, policy=default))
        return self.data or "250 2.0.0 queued as 1"

    def authenticate(self, server, session, envelope, mechanism, login) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.logins.append(login.login.decode())
        is_ours = login == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_ours, handled=False)


@asynccontextmanager
async def serving(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Postbox]:
    """A server; it offers STARTTLS, or speaks TLS from the first byte, or neither."""
    box = Postbox()
    is_safe = starttls is not None or tls is not None

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not know that the whole connection is TLS
            return SMTP(
                box,
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=box.authenticate,
                auth_required=is_safe,
                auth_require_tls=starttls is not None,
                hostname="mx.test",
            )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    scheme = "smtp" if starttls else "smtps" if tls else "smtp+plain"
    box.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield box
    finally:
        server.close()


@dataclass
class Certificate:
    """A certificate for 127.0.0.1 that certifies itself."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """A new one, its files in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "mx.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return Certificate(server, ssl.create_default_context(cafile=str(pem)))
