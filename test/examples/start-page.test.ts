import { startPage } from "../../examples/consumer/page";

const network = { host: "hv", name: "apps", id: 10, bridge: "br0", address: "10.10.10.1/24" };
const service = { host: "hv", user: "web", unit: "web.container", urls: ["http://10.0.0.1/?a=1&b=2", "https://10.0.0.1:8443/"] };

test("the page links to every URL of the other stack, at the host's address in its network", () => {
  const { sections, files } = startPage("pages", [service, { ...service, urls: [] }], [network], "apps");
  expect(sections!["Container"]!["PublishPort"]).toEqual(["10.10.10.1:8090:8090"]);
  expect((files!["start/index.html"] as string).match(/<li>.*/g)).toEqual([
    '<li><a href="http://10.0.0.1/?a=1&#38;b=2">hv web.container</a></li>',
    '<li><a href="https://10.0.0.1:8443/">hv web.container</a></li>',
  ]);
});

test("a network that the other stack lacks is told with those that it has", () => {
  const iot = { ...network, name: "iot", address: undefined };
  expect(() => startPage("pages", [], [network, iot], "iot")).toThrow(
    'network: the other stack has no VLAN "iot" in which the host has an address; its VLANs: apps, iot',
  );
});
