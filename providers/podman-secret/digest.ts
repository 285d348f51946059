import { createHmac } from "node:crypto";

/** A value as HMAC-SHA-256 in hexadecimal, RFC 2104; ansible/lookup_plugins/homelab_secrets.py computes the same. */
export const digestOf = (key: string, value: string): string => createHmac("sha256", key).update(value).digest("hex");
