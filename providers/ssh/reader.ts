import { UserError } from "../errors";

/** The account of `homelab_host.readers`, whose login can only look (ansible/module_utils/homelab/observe/reader.py). */
export const READER = "homelab-reader";

/** The private key of a login that can only look, which HOMELAB_READER_KEY names; undefined when logins are the operator's own. */
export const readerKey = (): string | undefined => process.env["HOMELAB_READER_KEY"] || undefined;

/** Throws when this program's logins can only look. */
export function assertMayChange(what: string): void {
  if (readerKey() === undefined) return;
  throw new UserError(`${what}: HOMELAB_READER_KEY is set, and that login can only look. Nothing was changed. Unset it to change hosts.`);
}
