"""Equal orders that the book knows: found once nothing is about to change in them, or asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from ..errors import Uncertain
from ..store import Identity, OrderRow, State
from .desk import Desk
from .placing import CREATE_SECONDS

LOOK_AGAIN = 0.5  # seconds between two looks at an order that another process is placing


@dataclass(frozen=True, slots=True)
class Earlier:
    """Earlier orders of one account."""

    desk: Desk

    async def find(self, identity: Identity) -> OrderRow | None:
        """The latest order of an identity."""
        book, clock = self.desk.book, self.desk.caller.clock
        known = await book.do(lambda s: s.find(identity.digest))
        if known is None or known.state.is_over:
            return known
        # Stop was pressed a moment ago: what is being cancelled must not be taken up.
        await self.desk.settle()
        known = await book.do(lambda s: s.find(identity.digest))
        if known is None or known.state is not State.INTENDED:
            return known
        # Another process is placing it: its task can be followed, once it has one.
        created = known.created
        age = await book.do(lambda s: s.now() - created)
        until = clock.now() + min(CREATE_SECONDS, CREATE_SECONDS - age)
        while known is not None and known.state is State.INTENDED and clock.now() < until:
            await clock.sleep(LOOK_AGAIN)
            known = await book.do(lambda s: s.find(identity.digest))
        return known

    async def ask_about_lost_book(self) -> None:
        """Raise Uncertain while a book lies aside that may hold an equal order."""
        lost = await self.desk.book.do(lambda s: s.lost_book())
        if lost is not None:
            raise Uncertain("error.book_set_aside", file=str(lost), origin=self.desk.origin)

    def question(self, row: OrderRow) -> Uncertain:
        """The error of an order of which nobody knows whether it was placed."""
        when = datetime.fromtimestamp(row.created, tz=timezone.utc).astimezone()
        asked = Uncertain(
            "error.uncertain_before",
            when=when.strftime("%Y-%m-%d %H:%M"),
            before=row.what.get("before", "?"),
            order=row.id,
            origin=self.desk.origin,
        )
        asked.order = row.id
        return asked

    async def send_again(self, row: OrderRow) -> None:
        """A person's answer: whatever became of this one, another is ordered."""
        if row.state in (State.INTENDED, State.UNCERTAIN):
            await self.desk.note(lambda s: s.failed(row.id, key="error.uncertain", code=None))
