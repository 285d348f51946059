// Every type of Quadlet unit, rootless and system-wide, and what becomes of it when it changes, fails or is bad.
import { stringify } from "yaml";
import { type Lab } from "./lab";
import { started, text } from "./look";
import { changed, configured, playbook, stack, up, withMore } from "./project";

jest.setTimeout(1_800_000);

type Unit = Record<string, unknown> & { name: string; sections: Record<string, Record<string, unknown>> };

const wanted = { Install: { WantedBy: "default.target" } };
const shell = (script: string): string => `sh -c '${script}'`;
const forever = "trap exit TERM; while :; do sleep 0.2; done";

const units: Record<string, Unit> = {
  network: { user: "web", name: "back.network", sections: { Network: { Subnet: "10.89.7.0/24" } } },
  volume: { user: "web", name: "data.volume", sections: { Volume: { Label: "a=1" } } },
  pod: { user: "web", name: "stack.pod", sections: { Pod: { Network: "back.network" }, ...wanted } },
  inPod: {
    user: "web",
    name: "member.container",
    sections: {
      Container: {
        Image: "web.image",
        Pod: "stack.pod",
        Volume: "data.volume:/data",
        Exec: shell(`echo $$GREETING > /data/said; ${forever}`),
        HealthCmd: "test -s /data/said",
        HealthInterval: "2s",
      },
      ...wanted,
    },
    dropins: { "10-greeting.conf": "[Container]\nEnvironment=GREETING=hello\n" },
  },
  build: {
    user: "web",
    name: "own.build",
    sections: {
      Unit: { Requires: "web-image.service", After: "web-image.service" },
      Build: { ImageTag: "localhost/own:1", SetWorkingDirectory: "unit" },
    },
    files: { Containerfile: "FROM localhost/web:1\nRUN echo built > /built\n" },
  },
  ofBuild: {
    user: "web",
    name: "own.container",
    sections: { Container: { Image: "own.build", Network: "none", Exec: shell(`test -s /built || exit 1; ${forever}`) }, ...wanted },
  },
  kube: {
    user: "web",
    name: "play.kube",
    sections: { Unit: { Requires: "web-image.service", After: "web-image.service" }, Kube: { Yaml: "./play.yml" }, ...wanted },
    files: {
      "play.yml": stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "play" },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: "one", image: "localhost/web:1", command: ["sh", "-c", forever] }],
        },
      }),
    },
  },
  systemImage: {
    name: "web.image",
    sections: { Image: { Image: "docker-archive:/srv/images/web.tar", ImageTag: "localhost/web:1" } },
  },
  system: {
    name: "whole.container",
    sections: { Container: { Image: "web.image", Network: "none", Exec: shell(forever) }, Install: { WantedBy: "multi-user.target" } },
  },
};

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
});

afterAll(() => lab.reset());

const configure = (...list: Unit[]): void => withMore({ quadlet_units: list });

const all = (changes: Record<string, Partial<Unit>> = {}): Unit[] =>
  Object.entries(units).map(([key, unit]) => ({ ...unit, ...changes[key] }) as Unit);
const tryUp = () => stack(["up", "--yes", "--skip-preview"]);
const said = () => text("hv", "cat /home/web/.local/share/containers/storage/volumes/systemd-data/_data/said");
const startOf = async (service: string): Promise<string> =>
  (await started("hv", "web")).split("\n").find((line) => line.startsWith(service)) ?? "";

test("pods, networks, volumes, builds, kube files, drop-ins and system-wide units run", async () => {
  configure(...all());
  expect((await up()).output).toMatch(/\+ 9 created/);
  expect(await said()).toBe("hello\n");
  expect(await text("hv", "systemctl is-active whole.service")).toBe("active\n");
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
});

test("a changed network is recreated with its users stopped and started, and nothing else", async () => {
  const [own, member] = [await startOf("own.service"), await startOf("member.service")];
  configure(...all({ network: { sections: { Network: { Subnet: "10.89.8.0/24" } } } }));
  expect((await up()).output).toMatch(/~ 1 updated/);
  expect(await text("hv", "cd /; runuser -u web -- podman network inspect systemd-back")).toContain("10.89.8.0/24");
  expect(await startOf("own.service")).toBe(own);
  expect(await startOf("member.service")).not.toBe(member);
  units["network"]!.sections = { Network: { Subnet: "10.89.8.0/24" } };
});

test("a changed volume loses its data only with the user's word", async () => {
  await text("hv", "touch /home/web/.local/share/containers/storage/volumes/systemd-data/_data/kept");
  const kept = () => text("hv", "ls /home/web/.local/share/containers/storage/volumes/systemd-data/_data");
  const other = { sections: { Volume: { Label: "a=2" } } };
  configure(...all({ volume: other }));
  const refused = await tryUp();
  expect([refused.code, refused.output]).toEqual([1, expect.stringMatching(/a changed volume is recreated and loses its data/)]);
  expect(await kept()).toContain("kept");
  configure(...all({ volume: { ...other, on_delete: "destroy" } }));
  await up();
  expect(await kept()).not.toContain("kept");
  expect(await said()).toBe("hello\n");
  units["volume"] = { ...units["volume"]!, ...other, on_delete: "destroy" };
});

test("a unit that may not be restarted is not, nor by what it uses; without a need it goes on", async () => {
  const denied = { restart: "denied" };
  configure(...all({ ofBuild: denied }));
  const own = await startOf("own.service");
  await up();
  expect(await startOf("own.service")).toBe(own);
  units["ofBuild"] = { ...units["ofBuild"]!, ...denied };
  configure(...all({ build: { files: { Containerfile: "FROM localhost/web:1\nRUN echo again > /built\n" } } }));
  const refused = await tryUp();
  expect([refused.code, refused.output]).toEqual([1, expect.stringMatching(/the change restarts own.container; set `restart: allowed`/)]);
  expect(await startOf("own.service")).toBe(own);
});

test("bad units fail alone, with the reason; one that crashes fails with its journal, and is repaired by the next up", async () => {
  const bad = (name: string, Container: Record<string, unknown>, more = {}): Unit => ({
    user: "web",
    name,
    sections: { Container: { Image: "web.image", Network: "none", ...Container }, Service: { Restart: "always" }, ...wanted },
    ...more,
  });
  const crashing = bad("crash.container", { Exec: shell("echo no such thing here; exit 3") });
  configure(
    ...all(),
    bad("key.container", { Imgae: "x" }),
    { user: "web", name: "syntax.container", content: "[Container\nImage=web.image\n" } as unknown as Unit,
    bad("good.container", { Exec: shell(forever) }),
    bad("sick.container", { Exec: shell(forever), HealthCmd: "false", HealthInterval: "1s", HealthRetries: 2 }),
    crashing,
  );
  const { code, output } = await tryUp();
  expect(code).toBe(1);
  expect(output).toMatch(/key.container[^]*Quadlet's generator rejects it[^]*Imgae/);
  expect(output).toMatch(/syntax.container[^]*Quadlet's generator rejects it/);
  expect(output).toMatch(/crash.service (is|ends) [^]*no such thing here/);
  expect(output).toMatch(/sick.service is unhealthy, wanted healthy/);
  expect(output).toMatch(/\+ 1 created/);
  configure(...all(), bad("good.container", { Exec: shell(forever) }), {
    ...crashing,
    ...bad("crash.container", { Exec: shell(forever) }),
  });
  expect((await up()).output).toMatch(/~ 1 updated/);
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
});

test("`running: false` stops a unit, and removing all of them leaves what was there before", async () => {
  configure(...all({ kube: { running: false } }));
  await up();
  expect(await text("hv", "systemctl --user -M web@ is-active play.service || true")).toBe("inactive\n");
  const wants = "/run/user/2001/systemd/generator/default.target.wants";
  expect(await text("hv", `ls ${wants}`)).toMatch(/web.service/);
  expect(await text("hv", `ls ${wants}`)).not.toMatch(/play.service/);
  configure(...all({ kube: { running: false } }).filter(({ name }) => name !== "back.network"));
  const refused = await tryUp();
  expect([refused.code, refused.output]).toEqual([
    1,
    expect.stringMatching(/stack.pod names back.network in Network=, and no such unit is declared/),
  ]);
  configure();
  expect((await up()).output).toMatch(/- 9 deleted/);
  expect(
    await text(
      "hv",
      "cd /; runuser -u web -- podman ps --format '{{.Names}}'; find /etc/containers/systemd /home/web/.config -name '*.*' -type f | sort",
    ),
  ).toBe(
    "systemd-web\n/home/web/.config/containers/systemd/lab/site/index.html\n/home/web/.config/containers/systemd/lab/web.container\n" +
      "/home/web/.config/containers/systemd/lab/web.image\n",
  );
});
