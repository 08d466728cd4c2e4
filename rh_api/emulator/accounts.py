"""Accounts: a key's permissions, balance, rates and concurrency limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from math import ceil
from typing import Literal

Kind = Literal["FREE", "NORMAL", "SHARED", "EXCLUSIVE"]

COINS_PER_SECOND = {
    "default": Decimal("0.2"),
    "plus": Decimal("0.4"),
    "ultra": Decimal("0.6"),
}
"""RH coins per second by machine, as measured on the website by public clients."""

MONEY_PER_SECOND = {
    "default": Decimal("0.0014"),
    "plus": Decimal("0.0028"),
    "ultra": Decimal("0.0042"),
}
"""Wallet money per GPU second. The real price list is not public; only the ratios are."""

PERSONAL_QUEUE_LIMIT = 1000
"""Most tasks waiting in a personal queue (RunningHub docs, "Start ComfyUI Task 2 - Advanced")."""

CONSUMER_LIMIT = 3
"""Concurrency limit of a consumer key, the largest that was seen: the FAQ of the documentation says
one by default, live keys had two and three. One is stricter only for who waits: it would hide in
most tests what goes wrong between orders that run at once. Those of waiting set it."""

SHARED_LIMIT = 50
"""Default concurrency limit of an enterprise shared key (RunningHub docs)."""


@dataclass
class Account:
    """The account of one key. Every attribute may be changed while the emulator runs.

    ``coins`` are whole RH coins, ``money`` is in ``currency``. ``limit``: most tasks at once,
    queued ones included. If not ``enabled``, the key is refused. ``subscribed``, ``machine`` (their
    size: ``default`` or ``plus``) and ``personal_queue`` (how many tasks may wait for one) apply to
    EXCLUSIVE keys only.
    """

    kind: Kind = "NORMAL"
    coins: int = 76600
    money: Decimal | None = None
    currency: str | None = None
    limit: int = CONSUMER_LIMIT
    enabled: bool = True
    subscribed: bool = True
    machine: str = "default"
    personal_queue: int = PERSONAL_QUEUE_LIMIT
    user_id: str = "emulated-user"

    @property
    def wallet(self) -> Decimal:
        return Decimal(0) if self.money is None else Decimal(self.money)

    def refusal_of_key(self) -> int:
        """Return the code that refuses this account's key, or 0."""
        if not self.enabled:
            return 811 if self.kind == "SHARED" else 802
        return 801 if self.kind == "FREE" else 0

    def refusal_of_balance(self) -> int:
        """Return the code that refuses an account unable to pay, or 0.

        Consumer keys pay with coins (414, or 416 if the account has a wallet too), shared keys with
        the wallet (812), dedicated keys with a subscription (436).
        """
        if self.kind == "NORMAL" and self.coins <= 0:
            return 414 if self.money is None else 416
        if self.kind == "SHARED" and self.wallet <= 0:
            return 812
        if self.kind == "EXCLUSIVE" and not self.subscribed:
            return 436
        return 0

    def charge(self, seconds: float, machine: str) -> tuple[int | None, Decimal | None]:
        """Charge ``seconds`` on ``machine``; returns the (coins, money) charged."""
        whole = max(1, ceil(seconds))
        if self.kind == "NORMAL":
            coins = int(
                (
                    COINS_PER_SECOND.get(machine, COINS_PER_SECOND["default"]) * whole
                ).to_integral_value(ROUND_UP)
            )
            self.coins = max(0, self.coins - coins)
            return coins, None
        if self.kind == "SHARED":
            money = (MONEY_PER_SECOND.get(machine, MONEY_PER_SECOND["default"]) * whole).quantize(
                Decimal("0.001"), ROUND_UP
            )
            self.money = max(Decimal(0), self.wallet - money)
            return None, money
        return None, None


def example_accounts() -> dict[str, Account]:
    """Return one account per other kind, by key; none is charged for real."""
    return {
        example_key("free"): Account(kind="FREE", coins=0),
        example_key("shared"): Account(
            kind="SHARED", coins=0, money=Decimal(100), currency="USD", limit=SHARED_LIMIT
        ),
        example_key("dedicated"): Account(kind="EXCLUSIVE", coins=0, limit=2),
    }


def example_key(name: str) -> str:
    """Return a readable key of 32 characters, the length of all keys."""
    return (name * 32)[:32]
