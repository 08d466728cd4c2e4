// ComfyUI's scripts/app.js as the unit tests have it: it keeps what is registered.

export const app = {
  /** @type {any[]} */
  extensions: [],
  registerExtension(extension) {
    this.extensions.push(extension);
  },
  extensionManager: {
    setting: { get: () => undefined },
    toast: { add() {} },
  },
};
