// Telling a person who looks at another tab: the page's title, and a notice if they allowed it.

const MARK = "● ";

/** What stands in the title while they are away, and what ComfyUI wrote there. */
let marked = "";
let own = "";
// ComfyUI writes its own whenever something runs. Later: another that insists must not stop the page.
const watcher = new MutationObserver(() => setTimeout(mark));

/** @type {(title: string, text?: string) => void} */
export function tellAway(title, text = "") {
	if (!document.hidden) return;
	if (!marked) {
		document.addEventListener("visibilitychange", comeBack);
		watcher.observe(document.head, { childList: true, subtree: true, characterData: true });
	}
	marked = (MARK + title).replace(/\s+/g, " ").trim(); // as the browser gives it back
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

/** Whether a person was not asked yet; only secure pages may ask. */
export const canAskAway = () => "Notification" in window && window.isSecureContext && Notification.permission === "default";

/** Whether they allowed it. */
export const askAway = async () => (await Notification.requestPermission()) === "granted";
