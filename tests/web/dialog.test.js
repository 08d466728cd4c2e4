// The dialog that all of ours are.

import { beforeEach, expect, test } from "vitest";
import { toast } from "../../web/js/host/comfy.js";
import { openDialog } from "../../web/js/host/dialogs.js";
import { fill, h } from "../../web/js/lib/view.js";

beforeEach(() => document.body.replaceChildren());

const settled = () => new Promise((resolve) => setTimeout(resolve));
const press = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

function open({ run = () => undefined, body = "text", closed = () => {} } = {}) {
  return openDialog({
    title: "Title",
    body,
    buttons: [{ label: "Cancel" }, { label: "OK", primary: true, run }],
    onClose: closed,
  });
}

test("what strangers wrote is text", () => {
  const { element: dialog } = open({ body: "<img src=x onerror=alert(1)>" });
  expect(dialog.querySelector("img")).toBeNull();
  expect(dialog.textContent).toContain("<img src=x");
});

test("Enter in a field means the primary button, on a button that button", async () => {
  const pressed = [];
  const field = h("input");
  const { element: dialog } = open({ body: field, run: () => void pressed.push("ok") });
  press(dialog.querySelector("button"), "Enter");
  expect(pressed).toEqual([]);
  press(field, "Enter");
  await settled();
  expect(pressed).toEqual(["ok"]);
  expect(document.querySelector("dialog")).toBeNull();
});

test("Escape leaves, once, and gives the focus back", () => {
  const before = h("button", "", "before");
  document.body.append(before);
  before.focus();
  let count = 0;
  const { element: dialog, close } = open({ closed: () => (count += 1) });
  dialog.dispatchEvent(new Event("cancel", { cancelable: true }));
  close();
  expect(count).toBe(1);
  expect(document.activeElement).toBe(before);
});

test("a warning that a toast tells behind the dialog is told in it, too", () => {
  const { element: lower } = open();
  const { element: dialog, close } = open();
  toast("success", "Stored.");
  expect(dialog.querySelector("[role=alert]").textContent).toBe("");
  toast("warn", "No answer", new Error("The disk is full."));
  expect(dialog.querySelector("[role=alert]").textContent).toBe("No answer\nThe disk is full.");
  expect(lower.querySelector("[role=alert]").textContent).toBe("");
  close();
  toast("warn", "No answer");
  expect(lower.querySelector("[role=alert]").textContent).toBe("No answer");
});

test("a button whose work fails says so and stays", async () => {
  const { element: dialog } = open({
    run: () => {
      throw new Error("No such key.");
    },
  });
  dialog.querySelector("button.primary").click();
  await settled();
  expect(dialog.isConnected).toBe(true);
  expect(dialog.querySelector("[role=alert]").textContent).toBe("No such key.");
});

test("keys stay in the dialog", () => {
  let heard = 0;
  document.addEventListener("keydown", () => (heard += 1), { once: true });
  press(open().element, "Delete");
  expect(heard).toBe(0);
});

test("what is drawn anew keeps the keyboard where it was, and else leaves it alone", async () => {
  let heard = 0;
  const hear = () => (heard += 1);
  document.addEventListener("keydown", hear);
  const body = h("div", "", h("button"));
  const { element: dialog } = open({ body });
  body.querySelector("button").focus();
  await fill(body, async () => [h("button"), h("button")]);
  press(document.activeElement, "Delete");
  expect(heard).toBe(0);
  const [cancel] = dialog.querySelectorAll(".buttons button");
  cancel.focus();
  await fill(body, async () => {
    throw new Error("No such task.");
  });
  expect(document.activeElement).toBe(cancel);
  expect(body.textContent).toBe("No such task.");
  document.removeEventListener("keydown", hear);
});
