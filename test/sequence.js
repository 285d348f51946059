// The main job first: the tests after it begin with the hosts that it leaves, and need not make them again.
const Sequencer = require("@jest/test-sequencer").default;

module.exports = class extends Sequencer {
  sort(tests) {
    const order = ({ path }) => `${/main-job/.test(path) ? 0 : 1}${path}`;
    return [...tests].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }
};
