// What state names as "@homelab/providers": registers ts-node and hands over to the TypeScript beside it.
require("ts-node").register({
  transpileOnly: true,
  skipProject: true,
  compilerOptions: { module: "CommonJS", target: "ES2022", esModuleInterop: true, useDefineForClassFields: true },
  // Its own rule is never to compile below node_modules, where a project that links to this has it.
  ignore: [],
});
module.exports = require("./index.ts");
