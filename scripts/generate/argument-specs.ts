// The argument specs of roles, by which Ansible documents and checks their variables.
import { type Definition } from "../../providers/kinds";
import { type JsonSchema, propertiesOf, schemaOf } from "./schemas";

/** A role's argument spec: its kind's list, with the properties of a resource. */
export function argumentSpecOf(kind: Definition): object {
  const type = kind.single ? { type: "dict" } : { type: "list", elements: "dict" };
  const options = optionsOf(schemaOf(kind), formerOf(kind));
  const list = { [kind.list]: { ...type, description: kind.description, options } };
  return { argument_specs: { main: { short_description: kind.description, options: list } } };
}

/** Present names with their former ones, by the path of the mapping that has them: `ports[]`, or nothing. */
const formerOf = ({ renamed }: Definition): Former[] =>
  Object.entries(renamed ?? {}).map(([path, present]) => {
    const [former, ...parents] = path.split(".").reverse() as [string, ...string[]];
    return { at: parents.reverse().join(".").replaceAll("[]", ""), present, former };
  });

interface Former {
  at: string;
  present: string;
  former: string;
}

const optionsOf = (schema: JsonSchema, former: Former[], at = ""): object =>
  Object.fromEntries(
    propertiesOf(schema).map(([name, one, required]) => {
      const aliases = former.filter((one) => one.at === at && one.present === name).map((one) => one.former);
      return [name, { ...optionOf(one, required, former, at === "" ? name : `${at}.${name}`), ...(aliases.length > 0 ? { aliases } : {}) }];
    }),
  );

function optionOf(schema: JsonSchema, required: boolean, former: Former[], at: string): object {
  const type = typeOf(schema);
  const items = schema.items;
  const within = (schema.properties ?? items?.properties) ? (schema.properties ? schema : items) : undefined;
  return {
    type,
    ...(required ? { required } : {}),
    ...(type === "list" && items ? { elements: typeOf(items) } : {}),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(schema.enum ? { choices: schema.enum } : {}),
    ...(schema.description ? { description: `${schema.description.charAt(0).toUpperCase()}${schema.description.slice(1)}.` } : {}),
    ...(within ? { options: optionsOf(within, former, at) } : {}),
  };
}

/** Ansible's word for a type of JSON Schema; `raw` for what may be of several. */
function typeOf(schema: JsonSchema): string {
  const words: Record<string, string> = { string: "str", integer: "int", number: "float", boolean: "bool", array: "list", object: "dict" };
  const kinds = schema.anyOf ? new Set(schema.anyOf.map(typeOf)) : new Set([schema.type].flat().map((type) => words[type ?? ""] ?? "raw"));
  return kinds.size === 1 ? [...kinds][0]! : "raw";
}
