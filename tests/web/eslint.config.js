// The rules of web/js that a type checker cannot hold: text is text, and ComfyUI has one door.

import js from "@eslint/js";
import globals from "globals";

const HTML = "Text from the service or a graph must never become markup: use textContent.";
const IMPORTS = ":matches(ImportDeclaration, ExportAllDeclaration, ExportNamedDeclaration)";
const OUTSIDE = {
  selector: `${IMPORTS}[source.value=/^[^.]/], ImportExpression`,
  message: "No third-party code is shipped, and nothing is loaded later.",
};
const COMFYUI = {
  selector: `${IMPORTS}[source.value=/\\/scripts\\//]`,
  message: "Only lib/comfy.js knows where ComfyUI is.",
};

export default [
  { ignores: ["**/node_modules/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["web/js/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      "no-alert": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: HTML },
        { property: "outerHTML", message: HTML },
        { property: "insertAdjacentHTML", message: HTML },
        { property: "setHTMLUnsafe", message: HTML },
        { property: "createContextualFragment", message: HTML },
        { object: "document", property: "write", message: HTML },
      ],
      "no-restricted-syntax": ["error", OUTSIDE, COMFYUI],
    },
  },
  {
    files: ["web/js/lib/comfy.js"],
    rules: { "no-restricted-syntax": ["error", OUTSIDE] },
  },
  {
    files: ["tests/web/**/*.js"],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
  },
];
