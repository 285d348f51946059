// What state names as "@homelab/providers": registers ts-node and hands over to the TypeScript beside it.
require("ts-node").register({
  transpileOnly: true,
  skipProject: true,
  compilerOptions: { module: "CommonJS", target: "ES2022", esModuleInterop: true, useDefineForClassFields: true },
  ignore: [(file) => /node_modules/.test(require("fs").realpathSync(file))],
});
module.exports = require("./index.ts");
