// The state that ComfyUI's page keeps, as its own parts share it.

/** Pinia, once the page is there. @returns {any} */
export function stores() {
	const root = /** @type {any} */ (document.querySelector("#vue-app"));
	return root?.__vue_app__?.config.globalProperties.$pinia;
}

/** State of ours among ComfyUI's: what follows it while ComfyUI reads it is read again once it has changed. */
export const shared = (name = "") => ({
	follow: () => void stores()?.state.value[name]?.changes,
	change() {
		const state = stores()?.state.value;
		if (state) state[name] = { changes: (state[name]?.changes ?? 0) + 1 };
	},
});
