// For other projects: the providers register ts-node, for the TypeScript beside this, too.
require("@homelab/providers");
module.exports = require("./index.ts");
