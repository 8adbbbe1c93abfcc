import { isIP } from 'node:net';

const maxPort = 65_535;

/** Divides `host:port`, or `[host]:port` for IPv6. Undefined if it is no address. */
export function addressParts(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const name = bracketed ?? plain;
  if (name === undefined || port < 1 || port > maxPort) return undefined;
  const isValid = bracketed === undefined ? isHost(name) : isIP(name) === 6;
  return isValid ? { host: name, port } : undefined;
}

/** Joins a host and a port to an address. */
export function addressOf(name: string, port: number): string {
  return isIP(name) === 6 ? `[${name}]:${port}` : `${name}:${port}`;
}

/** Whether a text is a host name or an IP address. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (text.length <= 253 && /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?$/.test(text));
}

/** Whether a host can only be this machine. */
export function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}
