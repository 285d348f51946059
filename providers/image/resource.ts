import type * as pulumi from "@pulumi/pulumi";
import { HostResource, type ResourceArgs } from "../resource";
import { type ImageArgs, type ImageSpec, image } from "./schema";

export type { ImageArgs, ImageSpec } from "./schema";

/** The facts that the host reports of it. */
export interface ImageFacts {
  path?: string;
}

/** An image that new volumes are copies of, fetched once and named by its SHA-256. */
export class Image extends HostResource<ImageSpec, ImageFacts> {
  static readonly kind = image;

  constructor(name: string, args: ResourceArgs<ImageArgs>, opts?: pulumi.CustomResourceOptions) {
    super(image, name, args, opts);
  }
}
