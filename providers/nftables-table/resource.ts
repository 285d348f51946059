import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type NftablesTableArgs, type NftablesTableSpec, nftablesTable } from "./schema";

export type { NftablesTableArgs, NftablesTableSpec } from "./schema";

/** An nftables table that is owned as a whole and replaced in one transaction, nft(8). */
export class NftablesTable extends HostResource<NftablesTableSpec> {
  static readonly kind = nftablesTable;

  constructor(name: string, args: ResourceArgs<NftablesTableArgs>, opts?: pulumi.CustomResourceOptions) {
    super(nftablesTable, name, args, opts);
  }
}
