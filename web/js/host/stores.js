// ComfyUI's Pinia stores, and reactive state of ours among them.

/** The Pinia instance; undefined until the Vue app is mounted. @returns {any} */
export function stores() {
	const root = /** @type {any} */ (document.querySelector("#vue-app"));
	return root?.__vue_app__?.config.globalProperties.$pinia;
}

/** A reactive change counter in Pinia: a Vue effect that called `track` is re-run after `change`. */
export const signal = (name = "") => ({
	track: () => void stores()?.state.value[name]?.changes,
	change() {
		const state = stores()?.state.value;
		if (state) state[name] = { changes: (state[name]?.changes ?? 0) + 1 };
	},
});
