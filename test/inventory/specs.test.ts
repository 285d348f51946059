import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { kinds } from "../../providers/kinds";
import { loadInventory } from "../../components/inventory/load";

interface Spec {
  required?: boolean;
  options?: Record<string, Spec>;
  choices?: string[];
}

interface Shape {
  properties?: Record<string, Shape>;
  items?: Shape;
  required?: string[];
  enum?: string[];
}

/** Names, what is required and which words there are to choose from, as a tree, from either side. */
const fromSpec = (options: Record<string, Spec>): object =>
  Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, { required: spec.required ?? false, ...inner(spec) }]));
const inner = ({ options, choices }: Spec): object => ({
  ...(options ? { options: fromSpec(options) } : {}),
  ...(choices ? { choices } : {}),
});
const fromShape = (shape: Shape): object =>
  Object.fromEntries(
    Object.entries(shape.properties ?? {}).map(([name, one]) => {
      const within = one.properties ? one : one.items?.properties ? one.items : undefined;
      const options = within ? { options: fromShape(within) } : {};
      return [name, { required: shape.required?.includes(name) ?? false, ...options, ...(one.enum ? { choices: one.enum } : {}) }];
    }),
  );

const lists = {
  host: "homelab_host",
  bridge: "bridges",
  vlan: "vlans",
  pool: "pools",
  image: "images",
  volume: "volumes",
  domain: "domains",
  "nftables-table": "nftables_tables",
  "service-user": "service_users",
  "podman-secret": "podman_secrets",
  "quadlet-unit": "quadlet_units",
};

test.each(Object.entries(lists))("the role of %s and its schema say the same", (kind, list) => {
  const role = resolve(__dirname, `../../ansible/roles/${kind.replace("-", "_")}/meta/argument_specs.yml`);
  const { argument_specs } = parse(readFileSync(role, "utf8")) as { argument_specs: { main: { options: Record<string, Spec> } } };
  const { schema } = kinds[kind as keyof typeof kinds];
  const shape = z.toJSONSchema(schema, { io: "input" }) as Shape;
  expect(fromSpec(argument_specs.main.options[list]!.options!)).toEqual(fromShape(shape));
});

test("the example of a real host is valid", () => {
  expect(loadInventory(resolve(__dirname, "../../ansible/inventory/prod")).hosts.map(({ name }) => name)).toEqual(["hypervisor"]);
});
