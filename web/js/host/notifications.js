// Notifies a user who is in another tab: by the page's title, and a notification if permitted.

const MARK = "● ";

/** The title to show while the page is hidden, and ComfyUI's own. */
let marked = "";
let own = "";
// ComfyUI rewrites the title during runs. Deferred: another writer must not loop with us and block the page.
const watcher = new MutationObserver(() => setTimeout(mark));

/** @type {(title: string, text?: string) => void} */
export function tellAway(title, text = "") {
	if (!document.hidden) return;
	if (!marked) {
		document.addEventListener("visibilitychange", comeBack);
		watcher.observe(document.head, { childList: true, subtree: true, characterData: true });
	}
	marked = (MARK + title).replace(/\s+/g, " ").trim(); // as `document.title` normalizes it
	mark();
	if ("Notification" in window && Notification.permission === "granted") {
		const notification = new Notification(title, { body: text, tag: "runninghub" });
		notification.onclick = () => {
			window.focus();
			notification.close();
		};
	}
}

function mark() {
	if (!marked || document.title === marked) return;
	if (!document.title.startsWith(MARK)) own = document.title;
	document.title = marked;
}

function comeBack() {
	if (document.hidden) return;
	document.removeEventListener("visibilitychange", comeBack);
	watcher.disconnect();
	marked = "";
	document.title = own;
}

/** Whether permission was not requested yet; requires a secure context. */
export const canAskAway = () => "Notification" in window && window.isSecureContext && Notification.permission === "default";

/** Request permission; true if granted. */
export const askAway = async () => (await Notification.requestPermission()) === "granted";
