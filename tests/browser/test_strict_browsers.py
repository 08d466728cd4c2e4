"""Browsers that refuse what most of them allow."""

from __future__ import annotations

from rh_api.emulator import Emulator, Fault
from tests.browser.canvas import Canvas
from tests.browser.panel import Panel

CREATE = "/task/openapi/create"


def test_a_report_is_shown_where_the_clipboard_is_refused(
    canvas: Canvas, emulator: Emulator
) -> None:
    browser = canvas.change_page().context.new_cdp_session(canvas.page)
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


def test_a_question_and_the_panel_are_shown_where_the_storage_is_full(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    canvas.painting()
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    canvas.run("execution_error")
    canvas.run_js(
        """() => {
            let text = "";
            for (let more = 2 ** 20; more >= 1; ) {
                try {
                    sessionStorage.filled = text + "x".repeat(more);
                    text += "x".repeat(more);
                } catch {
                    more /= 2;
                }
            }
        }"""
    )
    canvas.open()
    notice = canvas.page.get_by_role("status").filter(has_text="not known")
    notice.wait_for()
    notice.get_by_role("button", name="Close").click()
    question = Panel(canvas).view.get_by_role("tabpanel").get_by_role("button", name="Look again")
    question.wait_for()
