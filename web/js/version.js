// The pack's version, as pyproject.toml has it.

export const VERSION = "0.2.0";
