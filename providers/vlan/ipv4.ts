/** An IPv4 address as a number. */
export const numberOf = (text: string): number => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

/** The same the other way round. */
export const textOf = (number: number): string => [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join(".");

/** The first and the last address of the network that a CIDR address is in, as numbers. */
export function rangeOf(cidr: string): { first: number; last: number } {
  const [address, prefix] = cidr.split("/");
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(numberOf(address!) / size) * size;
  return { first, last: first + size - 1 };
}
