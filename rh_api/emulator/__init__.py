"""A RunningHub on loopback: it plays the remote service for tests and for people without a key.

It imports nothing of the rest of ``rh_api``; Pillow is imported when the first graph runs.
"""

from .accounts import Account
from .emulator import Emulator
from .faults import Fault

__all__ = ["Account", "Emulator", "Fault"]
