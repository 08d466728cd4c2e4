// ComfyUI's scripts/app.js as the unit tests have it: it keeps what is registered.

export const app = {
  /** @type {any[]} */
  extensions: [],
  registerExtension(extension) {
    this.extensions.push(extension);
  },
  extensionManager: {
    setting: {
      /** @type {Record<string, any>} */
      values: {},
      get(id) {
        return this.values[id];
      },
      async set(id, value) {
        this.values[id] = value;
      },
    },
    toast: { add() {} },
  },
};
