/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  testSequencer: "<rootDir>/test/sequence.js",
  setupFiles: ["<rootDir>/test/setup.js"],
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  transform: { "\\.ts$": ["ts-jest", { diagnostics: false }] },
  moduleNameMapper: { "^@homelab/(components|providers)$": "<rootDir>/$1/index.ts" },
};
