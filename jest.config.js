/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  transform: { "\\.ts$": ["ts-jest", { diagnostics: false }] },
  moduleNameMapper: { "^@homelab/providers$": "<rootDir>/providers/index.ts" },
};
