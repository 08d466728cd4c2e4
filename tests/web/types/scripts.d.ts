// ComfyUI's own scripts, whose paths exist on its server alone.

declare module "*/scripts/app.js" {
  export const app: ComfyApp;
}

declare module "*/scripts/api.js" {
  export const api: ComfyApi;
}
