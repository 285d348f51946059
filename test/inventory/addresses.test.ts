import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { derived } from "../../components/inventory/addresses";

type Row = Record<"name" | "network" | "from" | "to" | "address", string>;
const table = parse(readFileSync(join(__dirname, "addresses.yml"), "utf8")) as Row[];

test.each(table)("the address of $name in $network is $address", ({ name, network, from, to, address }) => {
  expect(derived(name, network, [from, to])).toBe(address);
});
