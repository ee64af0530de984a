"""Mail to shoppers, through the operator's own server."""

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import aiosmtplib

from platforms.errors import Rejected, TransientError

TIMEOUT_S = 20.0
NEARBY = {"localhost", "127.0.0.1", "::1"}


def is_address(text: str) -> bool:
    """Return whether mail can be sent to an address, as far as its form says."""
    if not (text.isascii() and text.isprintable()):
        return False  # our server may not take it
    try:
        return bool(Address(addr_spec=text).username and "." in text.rpartition("@")[2])
    except (HeaderParseError, ValueError, IndexError):
        return False


class Letterhead(NamedTuple):
    """Whose mail it is: a name in place of the operator's, and where answers go; empty for none."""

    name: str = ""
    reply_to: str = ""


PLAIN = Letterhead()


class Mailer:
    """Sends plain text. ``url`` and ``sender`` are as the settings of mail have them."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._is_wrapped = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_wrapped else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self.sender = sender

    def sender_of(self, head: Letterhead) -> str:
        """Return whom mail is from: the operator's address, under the name that it is given."""
        address = parseaddr(self.sender)[1]
        return str(Address(head.name, addr_spec=address)) if head.name else self.sender

    async def send(self, to: str, subject: str, text: str, head: Letterhead = PLAIN) -> None:
        """Send one mail.

        Raises:
            Rejected: the server takes no mail for this address.
            TransientError: it took none now.
        """
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = self.sender_of(head), Address(addr_spec=to)
        if head.reply_to:
            mail["Reply-To"] = Address(addr_spec=head.reply_to)
        mail["Subject"] = " ".join(subject.split())
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=parseaddr(self.sender)[1].partition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        try:
            await aiosmtplib.send(
                mail,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._is_wrapped,
                start_tls=self._starts_tls,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            if refused.code >= 500:
                raise Rejected("the mail server takes no mail for this address") from None
            raise TransientError(f"the mail server answered {refused.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TransientError(f"no mail could be sent: {type(error).__name__}") from None

    @property
    def _starts_tls(self) -> bool | None:
        """Whether the line must be made safe: always, but to this machine; None where it can."""
        if self._is_wrapped:
            return False
        return None if self._host in NEARBY else True
