// Where ComfyUI's own scripts are. For the modules of this folder alone.

export { app } from "../../../../scripts/app.js";
export { api } from "../../../../scripts/api.js";
