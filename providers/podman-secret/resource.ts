import * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { digestOf } from "./digest";
import { type PodmanSecretArgs, type PodmanSecretSpec, podmanSecret } from "./schema";

export type { PodmanSecretArgs, PodmanSecretSpec } from "./schema";

/**
 * A Podman secret. The one of an inventory has `from` and `digest`, and its value stays in the vault. A program gives
 * `value` and `key` itself, such as another resource's secret output: state then holds its HMAC under `key`, a secret
 * text of at least 16 random characters; neither value nor key is kept. The engine's own verbose logs (`-v`) may show
 * what a program passes to it; values of the vault never pass the engine.
 */
export class PodmanSecret extends HostResource<PodmanSecretSpec> {
  static readonly kind = podmanSecret;

  constructor(
    name: string,
    args: ResourceArgs<PodmanSecretArgs> & { value?: pulumi.Input<string>; key?: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    const { value, key, unit } = args;
    if (value === undefined || key === undefined) {
      super(podmanSecret, name, { ...args, value: undefined }, opts);
      return;
    }
    const digest = pulumi.unsecret(pulumi.all([key, value]).apply(([key, value]) => digestOf(key, value)));
    const withDigest = pulumi.all([unit, digest]).apply(([unit, digest]) => ({ ...unit, digest }));
    super(podmanSecret, name, { ...args, unit: withDigest }, opts);
  }
}
