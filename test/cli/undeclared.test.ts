// What of a host's objects is in no configuration, and whose it is.
import { type Held } from "../../cli/state";
import { type Survey, render, undeclaredIn, unreadIn } from "../../cli/undeclared/list";

const survey: Survey = {
  host: [{ name: "host", owner: "lab", present: true }],
  bridge: [
    { name: "br0", owner: "lab", present: true },
    { name: "virbr0", owner: null, present: true },
  ],
  vlan: [{ name: "guests", owner: "garage", present: true }],
  domain: { error: "libvirtError: no answer" },
  "service-user": [{ name: "old", owner: "lab (kept)", present: true }],
  "quadlet-unit": [
    { name: "web/old.container", owner: "lab", present: true },
    { name: "web/page.container", owner: "site", present: true },
    { name: "web/lost.container", owner: "lab", present: false },
    { name: "bad/*", error: "user bad: no answer within 30 s" },
  ],
};
const held = [
  { stack: "lab", id: "hv/quadlet-unit/web/old.container", owner: "lab" },
  { stack: "site", id: "hv/quadlet-unit/web/page.container", owner: "site" },
  // Of the same name, but another owner's.
  { stack: "lab", id: "hv/vlan/guests", owner: "lab" },
] as Held[];
const found = undeclaredIn("hv", survey, new Set(["hv/host", "hv/bridge/br0"]), held);

test("all of it is listed, with its owner and who holds it, and what to do", () => {
  expect(render("hv", "ansible/inventory/lab", "lab", found)).toBe(
    `hv has what ansible/inventory/lab does not declare; nothing is removed:
  kind          name                                           owner       in state
  service-user  old                                            lab (kept)  -
  bridge        virbr0                                         -           -
  vlan          guests                                         garage      -
  quadlet-unit  web/old.container                              lab         lab
  quadlet-unit  web/page.container                             site        site
  quadlet-unit  web/lost.container (gone, but for its record)  lab         -
6 in all
  1 not managed by homelab
  1 of this inventory's owner, lab, and in a state: the next \`npx pulumi up\` removes them
  1 of this inventory's owner, lab, that no state holds: plain Ansible removes them, with \`homelab_prune: true\`
  1 kept with their data, for users of that name: \`deluser --remove-home\` removes one
  1 of other owners, in a state
  1 of other owners that no state here holds: another backend's, or left behind`,
  );
});

test("a host with nothing more is one line", () => {
  expect(render("hv", "ansible/inventory/lab", "lab", [])).toBe("hv has nothing that ansible/inventory/lab does not declare.");
});

test("a kind or a user that cannot be read is reported, and is not taken for empty", () => {
  expect(unreadIn(survey)).toEqual([
    "domain cannot be read: libvirtError: no answer",
    "quadlet-unit bad/* cannot be read: user bad: no answer within 30 s",
  ]);
});
