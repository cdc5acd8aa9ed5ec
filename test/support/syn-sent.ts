import { readFileSync } from 'node:fs';

/** Connections of this machine to a port that nobody has answered yet: `SYN_SENT` in proc(5). */
export function synSent(port: number): number {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .filter(([, , remote = '', state]) => remote.endsWith(ending) && state === '02').length;
}
