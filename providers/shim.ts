import * as pulumi from "@pulumi/pulumi";

/**
 * All of ours that is serialised into state. Its methods capture nothing and load the project's present
 * code, so a state written today works with the code of tomorrow. Keep it as it is.
 */
export const shim: pulumi.dynamic.ResourceProvider = {
  check: (olds, news) => require("@homelab/providers").lifecycle.check(olds, news),
  diff: (id, olds, news) => require("@homelab/providers").lifecycle.diff(id, olds, news),
  create: (inputs) => require("@homelab/providers").lifecycle.create(inputs),
  read: (id, props) => require("@homelab/providers").lifecycle.read(id, props),
  update: (id, olds, news) => require("@homelab/providers").lifecycle.update(id, olds, news),
  delete: (id, props) => require("@homelab/providers").lifecycle.delete(id, props),
};
