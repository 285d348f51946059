// A container image made without any container tool: one static busybox that
// serves a page. `podman pull docker-archive:/srv/images/web.tar` loads it.
import { createHash } from "node:crypto";
import { Entry, tar } from "./tar";

export const webImageName = "localhost/web:1";

const page = "<!doctype html><title>homelab</title><h1>It works</h1><p>Served by a rootless container.</p>\n";

/** A docker-archive with `busybox` and one link for each of its applets. */
export function webImage(busybox: Buffer, applets: string[]): Buffer {
  const layer = tar(rootFiles(busybox, applets));
  const config = Buffer.from(JSON.stringify(imageConfig(layer)));
  const manifest = [{ Config: "config.json", RepoTags: [webImageName], Layers: ["layer.tar"] }];
  return tar([
    { path: "layer.tar", data: layer },
    { path: "config.json", data: config },
    { path: "manifest.json", data: Buffer.from(JSON.stringify(manifest)) },
  ]);
}

function rootFiles(busybox: Buffer, applets: string[]): Entry[] {
  const links = applets.filter((name) => name !== "busybox").map((name) => ({ path: `bin/${name}`, link: "busybox" }));
  return [
    { path: "bin/", directory: true },
    { path: "bin/busybox", mode: 0o755, data: busybox },
    ...links,
    { path: "etc/", directory: true },
    { path: "etc/passwd", data: Buffer.from("root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/:/bin/sh\n") },
    { path: "etc/group", data: Buffer.from("root:x:0:\nweb:x:1000:\n") },
    { path: "tmp/", directory: true, mode: 0o1777 },
    { path: "www/", directory: true },
    { path: "www/index.html", data: Buffer.from(page) },
  ];
}

function imageConfig(layer: Buffer) {
  const digest = createHash("sha256").update(layer).digest("hex");
  return {
    architecture: "amd64",
    os: "linux",
    created: "2025-01-01T00:00:00Z",
    config: {
      Env: ["PATH=/bin"],
      Cmd: ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"],
      ExposedPorts: { "8080/tcp": {} },
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [{ created: "2025-01-01T00:00:00Z", created_by: "homelab lab" }],
  };
}
