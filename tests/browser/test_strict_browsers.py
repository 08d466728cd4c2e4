"""Browsers that refuse what most of them allow."""

from __future__ import annotations

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas


def test_a_report_is_shown_where_the_clipboard_is_refused(
    canvas: Canvas, emulator: Emulator
) -> None:
    browser = canvas.page.context.new_cdp_session(canvas.page)
    denied = {"permission": {"name": "clipboard-write"}, "setting": "denied"}
    browser.send("Browser.setPermission", {**denied, "origin": canvas.host.url})
    canvas.clear()
    canvas.painting()
    message = "no memory for a lighthouse at dusk"
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": message}
    canvas.run("execution_error")
    for button, own in (("Copy report", False), ("Copy with my texts", True)):
        canvas.page.get_by_role("button", name=button).click()
        report = canvas.dialog.get_by_role("textbox").input_value()
        assert "no memory" in report
        assert ("lighthouse" in report) == own
        canvas.press_button("Close")
        canvas.dialog.wait_for(state="detached")
