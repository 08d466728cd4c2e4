// Notifies a user who is in another tab: by the page's title, and a notification if permitted.

const MARK = "● ";

/** The title to show while the page is hidden, and ComfyUI's own. */
let awayTitle = "";
let ownTitle = "";
// ComfyUI rewrites the title during runs. Deferred: another writer must not loop with us and block the page.
const watcher = new MutationObserver(() => setTimeout(writeTitle));

/** @type {(title: string, text?: string) => void} */
export function notify(title, text = "") {
	if (!document.hidden) return;
	if (!awayTitle) {
		document.addEventListener("visibilitychange", onVisible);
		watcher.observe(document.head, { childList: true, subtree: true, characterData: true });
	}
	awayTitle = (MARK + title).replace(/\s+/g, " ").trim(); // as `document.title` normalizes it
	writeTitle();
	if ("Notification" in window && Notification.permission === "granted") {
		try {
			const notification = new Notification(title, { body: text, tag: "runninghub" });
			notification.onclick = () => {
				window.focus();
				notification.close();
			};
		} catch {
			// Chrome on Android lets service workers alone show them.
		}
	}
}

function writeTitle() {
	if (!awayTitle || document.title === awayTitle) return;
	if (!document.title.startsWith(MARK)) ownTitle = document.title;
	document.title = awayTitle;
}

function onVisible() {
	if (document.hidden) return;
	document.removeEventListener("visibilitychange", onVisible);
	watcher.disconnect();
	awayTitle = "";
	document.title = ownTitle;
}
