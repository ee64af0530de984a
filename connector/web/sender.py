"""Who mail to a store's customers is from: the name, and where answers go.

The address that it is sent from stays the operator's: the mail server signs for that one alone.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from starlette.responses import Response
from tortoise.transactions import in_transaction

from connector.commerce.models import EMAIL_MAX, StoreRow
from connector.web.catalogues import n_, t
from connector.web.feature import Tools
from connector.web.mail import Letterhead, is_address
from connector.web.merchant import BASE, Done, Toast, Undo, View, Visit
from connector.web.models import DeedRow
from connector.web.pages import PAGES
from platforms.errors import Rejected, TransientError

MAIL, TEST = "/settings/mail", "/settings/mail/test"
NAME_MAX = 100
TESTS_MAX = 5
TESTS_IN = timedelta(hours=1)
TESTED = n_("test mail sent")


class SenderAdmin:
    """Shows who mail is from, takes what the merchant makes of it, and tries it."""

    def __init__(self, tools: Tools) -> None:
        self._mailer = tools.mailer
        self._clock = tools.clock
        self._sessions = tools.sessions

    def views(self) -> Sequence[View]:
        """Return the views."""
        return [
            View(method="GET", path=MAIL, role="owner", serve=self.show),
            View(method="POST", path=MAIL, role="owner", serve=self.save),
            View(method="POST", path=TEST, role="owner", serve=self.test),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show who mail is from."""
        return self._shown(visit)

    async def save(self, visit: Visit) -> Response | Done:
        """Keep a name and an address for answers; empty is as the operator has it."""
        name = " ".join(visit.form.get("mail_name", "").split())
        reply_to = visit.form.get("reply_to", "").strip()
        errors = {}
        if len(name) > NAME_MAX or not name.isprintable():
            errors["mail_name"] = t("Write a name of %s characters at most.") % NAME_MAX
        if reply_to and (len(reply_to) > EMAIL_MAX or not is_address(reply_to)):
            errors["reply_to"] = t("Write an e-mail address, such as help@store.example.")
        if errors:
            return self._shown(visit, errors)
        was = {"mail_name": visit.store.mail_name or "", "reply_to": visit.store.reply_to or ""}
        async with in_transaction():
            await StoreRow.filter(id=visit.store.id).update(
                mail_name=name or None, reply_to=reply_to or None
            )
            await self._sessions.note(visit.session, n_("sender of mail changed"), name, reply_to)
        return Done(path=MAIL, toast=Toast(t("Saved"), Undo(f"{BASE}{MAIL}", was)))

    async def test(self, visit: Visit) -> Response | Done:
        """Send a mail as customers get it, to try how it comes."""
        to, store = visit.form.get("to", "").strip(), visit.store
        if self._mailer is None or not is_address(to):
            said = t("Write an e-mail address, such as help@store.example.")
            return self._shown(visit, {"to": said})
        since = self._clock() - TESTS_IN
        sent = DeedRow.filter(store=store.id, what=TESTED, at__gt=since)
        if await sent.count() >= TESTS_MAX:
            said = t("That was tried %s times within an hour: try again later.") % TESTS_MAX
            return self._shown(visit, {"to": said})
        await self._sessions.note(visit.session, TESTED, to, "")
        subject = t("A test from %s") % store.name
        text = t("Mail from %s to its customers comes like this. Nobody else got this one.")
        try:
            await self._mailer.send(to, subject, text % store.name, letterhead(store))
        except Rejected:
            return self._shown(visit, {"to": t("The mail server takes no mail for this address.")})
        except TransientError:
            said = t(
                "The mail server took nothing. Try again, and if it stays so ask whoever runs the"
                " service to look at PERENNIAL_SMTP_URL."
            )
            return self._shown(visit, {"to": said})
        return Done(path=MAIL, toast=Toast(t("Sent to %s: look whether it came") % to))

    def _shown(self, visit: Visit, errors: Mapping[str, str] | None = None) -> Response:
        store = visit.store
        return visit.page(
            PAGES,
            "sender.html",
            status=400 if errors else 200,
            sender=self._mailer.sender_of(letterhead(store)) if self._mailer else "",
            mail_name=visit.form.get("mail_name", store.mail_name or ""),
            reply_to=visit.form.get("reply_to", store.reply_to or ""),
            form=visit.form,
            errors=errors or {},
        )


def letterhead(store: StoreRow) -> Letterhead:
    """Return what stands on mail of a store."""
    return Letterhead(name=store.mail_name or "", reply_to=store.reply_to or "")
