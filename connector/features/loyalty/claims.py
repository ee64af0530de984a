"""Claims: a shopper proves by a code that a mailbox is theirs, and what it bought becomes theirs.

Whether anything was ever bought with an address is told to nobody but its mailbox's owner.
"""

import base64
import hmac
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from connector.commerce.identity import canonical_email, guest_account, guest_key
from connector.commerce.models import StoreRow
from connector.database import sql
from connector.errors import CodeUnknown, KeyReused, RequestInvalid, TooMany
from connector.features.loyalty.models import ClaimRow
from connector.features.loyalty.service import Loyalty
from connector.sync import outbox
from connector.web.feature import Tools
from connector.web.mail import is_address
from connector.web.sender import letterhead
from platforms.errors import Rejected

PUSH = "claim_mail"
LIFE = timedelta(minutes=30)
WINDOW, ASKED_MAX = timedelta(hours=1), 5  # codes by one customer, and to one mailbox
TRIES_MAX = 5  # of one code
KEPT = timedelta(days=1)
EMAIL_MAX = 320
CODE_BYTES = 5
WORDS = msgspec.json.decode(
    Path(__file__).with_name("claim_mail.json").read_bytes(), type=dict[str, dict[str, str]]
)
log = structlog.get_logger()


class Claims:
    """Asks for codes, mails them, and takes them."""

    def __init__(self, tools: Tools, loyalty: Loyalty) -> None:
        self._tools = tools
        self._loyalty = loyalty

    @property
    def can_be_made(self) -> bool:
        """Whether codes can be mailed at all."""
        return self._tools.mailer is not None

    async def ask(
        self, store: StoreRow, customer_id: str, email: str, locale: str, key: str
    ) -> None:
        """Have a code mailed to an address; the same ``key`` again asks for no other.

        Raises:
            RequestInvalid: it is no address, or nobody set up how mail is sent.
            KeyReused: the key asked for another address.
            TooMany: of these codes this hour.
        """
        if not self.can_be_made:
            raise RequestInvalid("no mail can be sent from here")
        address = canonical_email(email)
        if len(address) > EMAIL_MAX or not is_address(address):
            raise RequestInvalid("write the e-mail address as you did when you ordered")
        now = self._tools.clock()
        account = guest_account(address, guest_key(self._tools.vault, store))
        id_ = hmac.digest(
            self._tools.vault.derive("claim-id", store.id),
            f"{customer_id}\n{key}".encode(),
            "sha256",
        ).hex()
        async with in_transaction():
            await sql.lock(f"{store.id} claims")
            await ClaimRow.filter(store=store.id, asked_at__lt=now - KEPT).delete()
            before = await ClaimRow.get_or_none(id=id_)
            if before is not None:
                if before.account != account:
                    raise KeyReused("this Idempotency-Key asked for another address: use a new one")
                return
            lately = ClaimRow.filter(store=store.id, asked_at__gt=now - WINDOW)
            for some in (lately.filter(customer_id=customer_id), lately.filter(account=account)):
                if await some.count() >= ASKED_MAX:
                    raise TooMany("that was asked for too often: try again in an hour")
            await ClaimRow.create(
                id=id_,
                store=store.id,
                customer_id=customer_id,
                account=account,
                email=self._tools.vault.seal(store.id, "claim", address),
                locale=_language(locale),
                asked_at=now,
            )
            await outbox.want(store.id, PUSH, [id_], now)
        self._tools.wake()

    async def push(self, store: StoreRow, target: str) -> None:
        """Mail a code; see :data:`connector.sync.outbox.Push`. One that is too old is not sent.

        Raises:
            TransientError: the mail server took nothing now.
        """
        row = await ClaimRow.get_or_none(id=target, store=store.id)
        if row is None or self._tools.mailer is None or self._is_over(row):
            return
        words = WORDS[row.locale]
        said = {"code": _shown(self.code(row)), "store": " ".join(store.name.split())}
        email = self._tools.vault.open(store.id, "claim", row.email)
        try:
            await self._tools.mailer.send(
                email,
                words["subject"].format(**said),
                words["text"].format(**said),
                letterhead(store),
            )
        except Rejected:
            log.warning("mail refused", store=store.id, claim=row.id)

    async def take(self, store: StoreRow, customer_id: str, email: str, code: str) -> None:
        """Make what a mailbox bought the customer's, whose code came there.

        Raises:
            CodeUnknown: it is not the newest code, too old, or was guessed too often.
            MailboxTaken: it is another customer's already.
        """
        account = guest_account(canonical_email(email), guest_key(self._tools.vault, store))
        mine = ClaimRow.filter(store=store.id, customer_id=customer_id, account=account)
        row = await mine.order_by("-asked_at").first()
        if row is None or self._is_over(row):
            raise CodeUnknown("this code is too old: ask for a new one")
        if not await ClaimRow.filter(id=row.id, tries__lt=TRIES_MAX).update(tries=F("tries") + 1):
            raise CodeUnknown("that was tried too often: ask for a new code")
        given = "".join(code.split()).replace("-", "").upper()
        if not hmac.compare_digest(given.encode(), self.code(row).encode()):
            raise CodeUnknown("this is not the code that was mailed")
        await self._loyalty.join(store, account, customer_id)

    def code(self, row: ClaimRow) -> str:
        """Return the code of a claim: eight letters and digits that nobody can guess."""
        key = self._tools.vault.derive("claim", row.store)
        digest = hmac.digest(key, row.id.encode(), "sha256")
        return base64.b32encode(digest[:CODE_BYTES]).decode()

    def _is_over(self, row: ClaimRow) -> bool:
        return self._tools.clock() >= row.asked_at + LIFE


def _language(locale: str) -> str:
    """Return the language that a page's locale is closest to, of those that we have words in."""
    base = locale.lower().partition("-")[0]
    return base if base in WORDS else "en"


def _shown(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"
