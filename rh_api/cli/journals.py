"""The choice between several journals: asked once at a terminal, and stored."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ..system.state_folders import choose_state_folder, state_folders
from ..texts import english
from .terminal import Terminal


def ask_for_journal(terminal: Terminal, environ: Mapping[str, str]) -> bool:
    """Ask which journal to use; returns whether one was chosen, False if not interactive."""
    if not terminal.can_ask:
        return False
    folders = state_folders(environ)
    for number, folder in enumerate(folders, 1):
        terminal.note(f"{number}  {folder}")
    terminal.note(english("cli.choose_journal", {"most": len(folders)}))
    answer = sys.stdin.readline().strip()
    if not (answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= len(folders)):
        return False
    file = choose_state_folder(folders[int(answer) - 1], environ)
    terminal.note(english("cli.chose_journal", {"file": file}))
    return True
