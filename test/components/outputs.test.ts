import { urlsOf } from "../../components/outputs";

const port = (host_ip: string, host_port: string, protocol = "tcp") => ({ host_ip, host_port, protocol });

test("a URL leads to where a port is bound", () => {
  const ports = [port("", "8080"), port("", "8443"), port("10.0.0.5", "80"), port("127.0.0.1", "1"), port("[::1]", "2")];
  expect(urlsOf("192.0.2.1", [...ports, port("", "8000-8010"), port("", "53", "udp")])).toEqual([
    "http://192.0.2.1:8080/",
    "https://192.0.2.1:8443/",
    "http://10.0.0.5:80/",
  ]);
  expect(urlsOf(undefined, [port("", "8080")])).toEqual([]);
});
