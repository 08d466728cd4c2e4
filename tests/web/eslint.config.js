// The rules of web/js that a type checker cannot hold: text is text, and ComfyUI has one door.

import js from "@eslint/js";
import globals from "globals";

const HTML = "Text from the service or a graph must never become markup: use textContent.";
const IMPORTS = ":matches(ImportDeclaration, ExportAllDeclaration, ExportNamedDeclaration)";
const OUTSIDE = {
  selector: `${IMPORTS}[source.value=/^[^.]/], ImportExpression`,
  message: "No third-party code is shipped, and only host/lazy.js loads anything later.",
};
const HOST = "What ComfyUI's page has goes through host/.";
const COMFYUI = [
  { selector: `${IMPORTS}[source.value=/(^|\\/)scripts(\\/|\\.js$)/]`, message: HOST },
  { selector: "MemberExpression[object.name='window'][property.name=/^(app|LiteGraph|comfyAPI|LGraph.*)$/]", message: HOST },
  { selector: "Identifier[name=/^(LiteGraph|comfyAPI|__vue_app__)$/]", message: HOST },
];

// What a module does when it is loaded: it declares, and one script registers.
const EFFECTS = {
  selector: "Program > :matches(ExpressionStatement, IfStatement, SwitchStatement, TryStatement, BlockStatement, ForStatement, ForInStatement, ForOfStatement, WhileStatement)",
  message: "Only runninghub.js has effects when it is loaded.",
};

const PURE = {
  selector: `${IMPORTS}[source.value=/^\\.\\.\\//]`,
  message: "lib/ knows neither ComfyUI's page nor our features: what it needs is handed in.",
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
    files: ["web/js/**/*.{js,mjs}"],
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
      "no-restricted-syntax": ["error", OUTSIDE, EFFECTS, ...COMFYUI],
    },
  },
  {
    files: ["web/js/lib/*.js"],
    rules: { "no-restricted-syntax": ["error", OUTSIDE, EFFECTS, ...COMFYUI, PURE] },
  },
  {
    files: ["web/js/host/*.js"],
    rules: { "no-restricted-syntax": ["error", OUTSIDE, EFFECTS] },
  },
  {
    files: ["web/js/runninghub.js"],
    rules: { "no-restricted-syntax": ["error", OUTSIDE, ...COMFYUI] },
  },
  {
    files: ["web/js/host/lazy.js"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: ["tests/web/**/*.js"],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
  },
];
