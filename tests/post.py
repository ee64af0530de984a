"""A post office: an SMTP server that keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

from tests.ports import free_port


class PostOffice:
    """Keeps mail; ``answer`` is what it says to the next mails, while it says anything."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: list[str] = []
        self.url = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, options: Any):  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert envelope.rcpt_tos == [mail["To"].addresses[0].addr_spec]
        self.mails.append(mail)
        return "250 Kept"


@asynccontextmanager
async def open_office() -> AsyncIterator[PostOffice]:
    """Hold a post office open on this machine."""
    office, port = PostOffice(), free_port()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(office, hostname="post.example.test", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    office.url = f"smtp://127.0.0.1:{port}"
    try:
        yield office
    finally:
        server.close()
        await server.wait_closed()
