// The state that ComfyUI's page keeps, as its own parts share it.

/** Pinia, once the page is there. @returns {any} */
export function stores() {
	const root = /** @type {any} */ (document.querySelector("#vue-app"));
	return root?.__vue_app__?.config.globalProperties.$pinia;
}
