// The lab's inventory has a vault; a test that needs another password says so itself.
process.env.ANSIBLE_VAULT_PASSWORD_FILE = require("node:path").join(__dirname, "lab", "vault-password");
