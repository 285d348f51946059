import { resolve } from "node:path";
import { loadInventory } from "../../components/inventory/load";

// What is said of bad configurations, and of good ones, is in bad/ and good/: see README.md.

test("the lab's inventory is valid, and nothing in it is odd", () => {
  const { owner, hosts, warnings } = loadInventory(resolve(__dirname, "../../ansible/inventory/lab"));
  expect(owner).toBe("lab");
  expect(warnings).toEqual([]);
  expect(hosts.map(({ name, guest }) => [name, guest])).toEqual([
    ["hv", false],
    ["app", true],
  ]);
  const notes = hosts[1]!.quadlet_units.find((unit) => unit.name === "notes.container");
  expect(notes?.content).toContain("Image=web.image");
  expect(notes?.files).toEqual({ "site/index.html": expect.stringContaining("Hello from app") });
});
