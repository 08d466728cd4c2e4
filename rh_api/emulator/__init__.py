"""An emulated RunningHub on loopback, for tests and for users without a key.

It imports nothing of the rest of ``rh_api``; Pillow is imported when the first graph runs.
"""

from .accounts import Account
from .emulator import Emulator
from .faults import Fault
from .nodes.classes import NODE_CLASSES

__all__ = ["NODE_CLASSES", "Account", "Emulator", "Fault"]
