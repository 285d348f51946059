import { eachAfterWhatItUses, namesSecret, uses } from "../../components/quadlet-order";

const unit = (name: string, content: string, user = "web") => ({
  user,
  name,
  content,
  restart: "allowed" as const,
  on_delete: "keep" as const,
});

test("a unit comes after those that it names, through its sections, text or drop-ins", () => {
  const order: string[] = [];
  const units = [
    unit("a.container", "[Container]\nImage=i.image\nNetwork=n.network:ip=10.0.0.9\n"),
    unit("n.network", "[Network]\n"),
    unit("i.image", "[Image]\nImage=docker.io/library/x\n"),
  ];
  const made = eachAfterWhatItUses(units, (one, used: string[]) => {
    order.push(one.name!);
    return `${one.name}(${used.join(" ")})`;
  });
  expect(order).toEqual(["n.network", "i.image", "a.container"]);
  expect(made).toEqual(["a.container(n.network() i.image())", "n.network()", "i.image()"]);
});

test("only whole names of the same user count", () => {
  expect(uses(unit("a.container", "Volume=my-data.volume:/x"), unit("data.volume", ""))).toBe(false);
  expect(uses(unit("a.container", "Volume=data.volume:/x"), unit("data.volume", ""))).toBe(true);
  expect(uses(unit("a.container", "Volume=data.volume:/x"), unit("data.volume", "", "other"))).toBe(false);
  const sections = { ...unit("a.container", ""), content: undefined, sections: { Container: { Volume: ["data.volume:/x"] } } };
  expect(uses(sections, unit("data.volume", ""))).toBe(true);
});

test("units that name each other are made all the same", () => {
  const units = [unit("a.container", "After=b.container"), unit("b.container", "After=a.container")];
  expect(eachAfterWhatItUses(units, (one) => one.name)).toEqual(["a.container", "b.container"]);
});

test("a unit names the secrets of its user in Secret= of its sections, text or drop-ins", () => {
  const names = (one: Parameters<typeof namesSecret>[0]): boolean => namesSecret(one, { user: "web", name: "db" });
  const sections = { ...unit("a.container", ""), content: undefined, sections: { Container: { Secret: ["x", "db,type=env"] } } };
  expect([names(sections), names({ ...sections, user: "other" })]).toEqual([true, false]);
  expect(names(unit("a.container", "[Container]\nSecret = x db\n"))).toBe(true);
  expect(names({ ...unit("a.container", ""), dropins: { "a.conf": '[Container]\nSecret="db,mode=0400"\n' } })).toBe(true);
  expect(names(unit("a.container", "[Container]\nImage=db\nSecret=db-2\n"))).toBe(false);
});
