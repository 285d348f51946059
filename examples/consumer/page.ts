import { type Network, type Service } from "@homelab/components";
import { type QuadletUnitArgs } from "@homelab/providers";

const PORT = 8090;

/** The start page as a Quadlet unit: links to all services, at the host's address in one of its networks. */
export function startPage(user: string, services: Service[], networks: Network[], network: string): QuadletUnitArgs {
  const address = networks.find(({ name }) => name === network)?.address?.split("/")[0];
  if (address === undefined) {
    const names = networks.map(({ name }) => name).join(", ");
    throw new Error(`network: the other stack has no VLAN "${network}" in which the host has an address; its VLANs: ${names || "none"}`);
  }
  return {
    user,
    name: "start.container",
    sections: {
      Unit: { Description: "The start page" },
      Container: {
        Image: "web.image",
        PublishPort: [`${address}:${PORT}:${PORT}`],
        Volume: ["./start:/www:ro"],
        Exec: `httpd -f -p ${PORT} -h /www`,
      },
      Install: { WantedBy: "default.target" },
    },
    files: { "start/index.html": html(services) },
  };
}

function html(services: Service[]): string {
  const links = services.flatMap(({ host, unit, urls }) =>
    urls.map((url) => `<li><a href="${text(url)}">${text(`${host} ${unit}`)}</a></li>\n`),
  );
  return `<!doctype html><title>Start</title><h1>Services</h1>\n<ul>\n${links.join("")}</ul>\n`;
}

const text = (value: string): string => value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
