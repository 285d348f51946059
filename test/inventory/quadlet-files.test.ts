import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { portIn, secretsIn, settingsOf, valuesOf } from "../../providers/quadlet-unit/file";

interface Case {
  name: string;
  text: string;
  settings: [string, string, string][];
  secrets: string[];
  ports: object[];
}

const cases = parse(readFileSync(join(__dirname, "quadlet-files.yml"), "utf8")) as Case[];

test.each(cases.map((one) => [one.name, one] as const))("%s", (_name, { text, settings, secrets, ports }) => {
  const found = settingsOf(text);
  expect(found.map(({ section, key, value }) => [section, key, value])).toEqual(settings);
  expect(valuesOf(found, "Container", "Secret").flatMap(({ value }) => secretsIn(value))).toEqual(secrets);
  expect(valuesOf(found, "Container", "PublishPort").flatMap(({ value }) => portIn(value) ?? [])).toEqual(ports);
});
