// @ts-check
// Keys, sites and the sandbox. A key goes to the server once; the page only learns that it is set.

import { bytesText, dotted, numberText } from "../lib/amounts.js";
import { language, toast } from "../lib/comfy.js";
import { openDialog } from "../lib/dialog.js";
import { draw } from "../lib/painter.js";
import { kindOf, setWidget, valueOf } from "../lib/programs.js";
import { get, post } from "../lib/server.js";
import { loadTexts, t } from "../lib/texts.js";
import { action, answer, h, link, page, wordsOf } from "../lib/view.js";

const SANDBOX = "sandbox";
const KEY_PAGE = "/enterprise-api/consumerApi";

/** @type {ComfyPart} */
export const account = {
  settings: [
    {
      id: "runninghub.account",
      name: "Keys and sites",
      category: ["RunningHub", "Account", "Keys and sites"],
      defaultValue: "",
      // Nothing of it is a setting of ComfyUI's: those are readable by every page.
      type: () => {
        const holder = h("div", "runninghub-setting");
        void loadTexts().then(() => holder.append(accountPage()));
        return holder;
      },
    },
  ],
  loadedGraphNode: noticeSandbox,
};

/** The two official sites, the likelier one first. */
function sites() {
  const both = ["https://www.runninghub.ai", "https://www.runninghub.cn"];
  return language() === "zh" ? both.reverse() : both;
}

function accountPage() {
  const view = page(h("p", "muted", t("account.loading")));
  const show = async () => {
    try {
      const stored = await get("/runninghub/settings");
      // What is kept is an account's.
      const kept = stored.profiles.length > 0 ? [keptView()] : [];
      view.replaceChildren(...profilesView(stored, show), ...kept);
    } catch (error) {
      view.replaceChildren(h("p", "bad", wordsOf(error)));
    }
  };
  void show();
  return view;
}

/** @param {RhStored} stored @param {RhAct} again */
function profilesView({ profiles, default: chosen, environment, problem }, again) {
  const add = keyForm(again);
  add.className = "card";
  add.prepend(h("h3", "", t("account.add")));
  return [
    environment && h("p", "muted", t("account.environment")),
    problem && h("p", "bad", problem),
    profiles.length === 0 && h("p", "", t("account.none")),
    ...profiles.map((profile) => profileView(profile, profile.name === chosen, again)),
    add,
  ].filter(Boolean);
}

/** @param {RhProfile} profile @param {boolean} isDefault @param {RhAct} again */
function profileView({ name, origin, key_tail: tail, from }, isDefault, again) {
  const said = answer();
  const isStored = from === "file";
  /** @param {string} verb */
  const change = (verb) => async () => {
    await post(`/runninghub/profiles/${verb}`, { name });
    await again();
  };
  const test = async () => {
    said.textContent = t("account.testing");
    said.textContent = testText(await post("/runninghub/profiles/test", { name }));
  };
  return h(
    "section",
    "card",
    h("h3", "", isStored ? name : t("account.from_environment")),
    h("p", "muted", dotted(origin, t("account.key_set", { tail }), isDefault && t("account.is_default"))),
    h(
      "div",
      "row",
      action(t("account.test"), said, test),
      isStored && !isDefault && action(t("account.make_default"), said, change("default")),
      isStored && action(t("account.delete"), said, change("delete"), t("account.delete_sure")),
    ),
    said,
  );
}

/** A key under a name that is there replaces that one. @param {(name: string) => unknown} done */
function keyForm(done) {
  const said = answer();
  /** @param {string} key @param {Node} input */
  const field = (key, input) => h("label", "", t(`account.${key}`), input);
  const name = h("input", { value: "main", maxLength: 60 });
  const other = h("input", { placeholder: "https://", hidden: true, "aria-label": t("account.other_site") });
  const site = h(
    "select",
    { onchange: () => (other.hidden = site.value !== "") },
    ...sites().map((value) => h("option", { value }, new URL(value).host)),
    h("option", { value: "" }, t("account.other_site")),
  );
  const key = h("input", { type: "password", autocomplete: "new-password", placeholder: t("account.key_hint") });
  const save = action(t("account.save"), said, async () => {
    await post("/runninghub/profiles/save", { name: name.value, origin: site.value || other.value, key: key.value });
    key.value = "";
    await done(name.value.trim());
  });
  save.className = "primary";
  // Enter saves; in a dialog it would mean the dialog's own button.
  /** @param {KeyboardEvent} event */
  const onkeydown = (event) => {
    if (event.key === "Enter" && event.target instanceof HTMLInputElement) {
      event.preventDefault();
      save.click();
    }
  };
  return h("form", { onkeydown }, field("site", site), other, field("key", key), field("name", name), h("div", "row", save), said);
}

/** The room that results of earlier runs take. */
function keptView() {
  const said = answer();
  said.classList.add("muted", "grow");
  /** @param {Promise<{bytes: number}>} answered */
  const show = async (answered) => {
    said.textContent = t("account.kept", { size: bytesText((await answered).bytes) });
  };
  const empty = () => show(post("/runninghub/kept/empty", {}));
  // Without a key there is nothing to tell.
  show(get("/runninghub/kept")).catch(() => view.remove());
  const view = h("div", "row", said, action(t("account.empty"), said, empty, t("account.empty_sure")));
  return view;
}

/** @param {RhAccount} found */
export function testText({ kind, coins, money, currency, running, limit }) {
  const key = `account.kind.${String(kind).toLowerCase()}`;
  const found = dotted(
    t(key) === key ? kind || t("account.kind.unknown") : t(key),
    coins !== null && t("account.coins", { coins: numberText(coins) }),
    money !== null && t("account.money", { money: numberText(money), currency: currency ?? "" }),
    limit !== null && t("account.running", { running: running ?? 0, limit }),
  );
  return t("account.works", { found });
}

/**
 * What a person can do who has no key: enter one, get one, or try without.
 * @param {ComfyNode | null} node the one that wants a key; null for what names no profile
 * @returns {Promise<boolean>} whether what failed is worth another try as it is
 */
export async function offerKey(node) {
  await loadTexts();
  return new Promise((resolve) => {
    let ready = false;
    const form = keyForm((name) => {
      ready = true;
      toast("success", t("account.saved", { name }));
      dialog.close();
    });
    form.querySelector("input[type=password]")?.setAttribute("autofocus", "");
    const said = answer();
    const sandbox = action(t("account.offer.try_button"), said, async () => {
      const { samples } = await post("/runninghub/sandbox", { on: true });
      resolve(useSandbox(/** @type {ComfyNode} */ (node), samples));
      dialog.close();
    });
    /** @param {string} key @param {...Node} content */
    const way = (key, ...content) => h("section", "", h("h3", "", t(`account.offer.${key}`)), ...content);
    const links = sites().flatMap((site) => [" ", link(new URL(site).host, site + KEY_PAGE)]);
    const body = page(
      way("enter", form),
      way("get", h("p", "", t("account.offer.get_text"), ...links)),
      node && way("try", h("p", "muted", t("account.offer.try_text")), sandbox, said),
    );
    const onClose = () => resolve(ready);
    const dialog = openDialog({ title: t("account.offer.title"), body, buttons: [{ label: t("account.close") }], onClose });
  });
}

/**
 * @param {ComfyNode} node
 * @param {{kind: string, id: string, name: string}[]} samples
 * @returns {Promise<boolean>} whether the node still names what it did
 */
async function useSandbox(node, samples) {
  setWidget(node, "profile", SANDBOX);
  noticeSandbox(node);
  const kind = kindOf(node);
  const fitting = samples.filter((sample) => sample.kind === kind);
  if (!kind || fitting.length === 0) {
    return true;
  }
  return new Promise((resolve) => {
    const picks = fitting.map(({ id, name }, index) => {
      const onclick = () => {
        resolve(valueOf(node, kind) === id);
        dialog.close();
        setWidget(node, kind, id);
      };
      return h("button", { type: "button", className: "line", autofocus: index === 0, onclick }, name);
    });
    const dialog = openDialog({
      title: t("account.sandbox.title"),
      body: page(h("p", "", t("account.sandbox.pick")), ...picks),
      buttons: [{ label: t("account.sandbox.none") }],
      onClose: () => resolve(true),
    });
  });
}

/** @type {RhChips} */
function chipsOf(thing) {
  const sandboxed = kindOf(thing) && valueOf(thing, "profile") === SANDBOX;
  return sandboxed ? [{ text: t("account.sandbox.chip"), color: "#8a4b00" }] : [];
}

/** Marks what runs in the sandbox, from the first such node on. @param {ComfyNode} node */
function noticeSandbox(node) {
  if (chipsOf(node).length > 0) {
    draw(chipsOf);
  }
}
