// What makes bare machines into hosts comes first: the tests after it begin with those, and need not make them again.
const Sequencer = require("@jest/test-sequencer").default;

module.exports = class extends Sequencer {
  sort(tests) {
    const order = ({ path }) => `${path.includes("main-job") ? 0 : 1}${path}`;
    return [...tests].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }
};
