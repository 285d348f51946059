// Starts a command, `node components/run.js doctor`, once all is there that it needs: plain JavaScript for any Node.
var fs = require("fs");
var path = require("path");
var root = path.resolve(__dirname, "..");

function missing() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    return ["Node " + process.versions.node + ": 20 or newer is needed", "apt install nodejs npm (Debian 13), or see nodejs.org"];
  }
  var made = path.join(root, "node_modules/.package-lock.json");
  if (!fs.existsSync(made)) return ["the npm packages are not installed", "npm run setup"];
  if (fs.statSync(made).mtimeMs < fs.statSync(path.join(root, "package-lock.json")).mtimeMs) {
    return ["the npm packages are older than package-lock.json", "npm run setup"];
  }
  return undefined;
}

var fault = missing();
if (fault) {
  console.log("this machine\n  fail  " + fault[0] + "\n        -> " + fault[1] + "\n\nThe rest is checked once that is fixed.");
  process.exit(1);
}
process.chdir(root);
require("ts-node/register/transpile-only");
require("./" + process.argv.splice(2, 1)[0] + "/cli.ts");
