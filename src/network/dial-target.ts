/** Where a connection is to lead. */
export interface DialTarget {
  /** A name or an address, as it was asked for; an IPv6 address is without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** As people write it: `example.org:443`, `[::1]:80`. */
export function targetText({ host, port }: DialTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
