// ComfyUI's scripts/api.js as the unit tests have it: routes go to the global fetch.

export const api = Object.assign(new EventTarget(), {
  apiURL: (route) => `/api${route}`,
  fileURL: (route) => route,
  fetchApi: (route, options) => fetch(`/api${route}`, options),
});
