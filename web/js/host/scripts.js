// Re-exports ComfyUI's own scripts. Only for the modules of this folder.

export { app } from "../../../../scripts/app.js";
export { api } from "../../../../scripts/api.js";
