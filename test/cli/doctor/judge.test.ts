// Hosts as folders: what one says (facts.yml, over those of a host in order), what is wanted of it, and what the doctor says.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { fails, render } from "../../../cli/doctor/check";
import { type Facts } from "../../../cli/doctor/facts";
import { judge } from "../../../cli/doctor/judge";
import { hostVars } from "../../../components/inventory/schema";

const hosts = join(__dirname, "hosts");
const read = (host: string, file: string): object | undefined =>
  existsSync(join(hosts, host, file)) ? (parse(readFileSync(join(hosts, host, file), "utf8")) as object) : undefined;

const WANTED = {
  homelab_host: { hypervisor: true },
  bridges: [{ name: "br0", ports: [{ name: "eth1", tagged: [10] }] }],
  vlans: [{ name: "apps", id: 10, bridge: "br0" }],
  service_users: [{ name: "web", uid: 2001, subids: { start: 300000 } }],
};

test.each(readdirSync(hosts))("%s", (host) => {
  const facts = { ...read("configured", "facts.yml"), ...read(host, "facts.yml") } as Facts;
  const wanted = hostVars.parse(read(host, "host_vars.yml") ?? WANTED);
  const sections = [{ of: host, checks: judge(facts, wanted, { begun: 1000, ended: 1001 }) }];
  if (process.env["HOMELAB_ACCEPT"] === "1") writeFileSync(join(hosts, host, "said.txt"), `${render(sections)}\n`);
  const said = readFileSync(join(hosts, host, "said.txt"), "utf8");
  expect(`${render(sections)}\n`).toBe(said);
  expect(fails(sections)).toBe(/^ {2}fail/m.test(said));
});
