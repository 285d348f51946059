import * as pulumi from "@pulumi/pulumi";
import { type StackOutputs, outputsIn, stackOutputs, urlsOf } from "../../components/outputs";

const port = (host_ip: string, host_port: string, protocol = "tcp") => ({ host_ip, host_port, protocol });

test("a URL leads to where a port is bound", () => {
  const ports = [port("", "8080"), port("", "8443"), port("10.0.0.5", "80"), port("127.0.0.1", "1"), port("[::1]", "2")];
  expect(urlsOf("192.0.2.1", [...ports, port("", "8000-8010"), port("", "53", "udp")])).toEqual([
    "http://192.0.2.1:8080/",
    "https://192.0.2.1:8443/",
    "http://10.0.0.5:80/",
  ]);
  expect(urlsOf(undefined, [port("", "8080")])).toEqual([]);
});

const vlan = { host: "hv", name: "apps", id: 10, bridge: "br0", address: "10.10.10.1/24", network: "10.10.10.0/24" };
const guest = { host: "hv", name: "web", uuid: "9d26242f-2f4f-5e71-bff2-2357c386150d", addresses: ["10.10.10.30"] };
const service = { host: "hv", unit: "web.container", service: "web.service", urls: ["http://192.0.2.1/"] };

test("another project gets a stack's outputs with their types, and no more than those", async () => {
  const told = {
    hosts: ["hv"],
    vlans: [{ ...vlan, news: 1 }],
    services: [{ ...service, user: "web" }, service],
    domains: [guest],
    news: 2,
  };
  await pulumi.runtime.setMocks({ call: () => ({}), newResource: ({ id }) => ({ id: id ?? "", state: { name: id, outputs: told } }) });
  const { hosts, vlans, services, domains } = stackOutputs(new pulumi.StackReference("organization/homelab/lab"));
  const [host] = await valueOf(hosts);
  const [network] = await valueOf(vlans);
  const users: (string | null)[] = (await valueOf(services)).map(({ user }) => user);
  expect([host, network, users, await valueOf(domains)]).toEqual(["hv", vlan, ["web", null], [guest]]);
});

test("a stack that is not up, or of another version, is told with what to do", () => {
  const said =
    (values: Partial<StackOutputs>): (() => StackOutputs) =>
    () =>
      outputsIn("lab", { hosts: values.hosts, vlans: values.vlans, services: values.services, domains: values.domains });
  expect(said({ hosts: ["hv"] })).toThrow('stack lab has no output vlans, services: run "pulumi up" there first');
  const other = { hosts: ["hv"], vlans: [{ ...vlan, id: "10" }], services: [], domains: [] } as unknown as StackOutputs;
  expect(said(other)).toThrow(/^stack lab has outputs of another form: another version of homelab .*\nvlans\.0\.id: /);
});

/** An output's value, once it is there. */
const valueOf = <T>(output: pulumi.Output<T>): Promise<T> => new Promise((done) => void output.apply((value) => done(value as T)));
