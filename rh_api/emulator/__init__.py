"""An emulated RunningHub on loopback, for tests and for users without a key.

It imports nothing of the rest of ``rh_api``; Pillow is imported when the first graph runs.
"""

from .accounts import Account
from .emulator import Emulator
from .faults import Fault

__all__ = ["Account", "Emulator", "Fault"]
