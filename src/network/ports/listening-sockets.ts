import { open } from 'node:fs/promises';
import { SocketAddress } from 'node:net';
import { NET_TABLE_READ_BYTES } from '../../limits.ts';
import type { DialTarget } from '../dial-target.ts';

/** `TCP_LISTEN` of tcp_states.h, as proc(5) writes it. */
const LISTENING = '0A';

/**
 * The sockets of TCP that listen in the network of a process, by their inodes: `/proc/PID/net/tcp`
 * and its like for IPv6. Empty where they cannot be read.
 */
export async function listeningSockets(pid: number): Promise<ReadonlyMap<string, DialTarget>> {
  const found = new Map<string, DialTarget>();
  for (const name of ['tcp', 'tcp6']) {
    await readTable(`/proc/${pid}/net/${name}`, found).catch(() => {});
  }
  return found;
}

/** Those that listen come first: the rest, which may be many thousands, is not read. */
async function readTable(path: string, found: Map<string, DialTarget>): Promise<void> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(NET_TABLE_READ_BYTES);
    let rest = '';
    for (let isFirst = true; ; isFirst = false) {
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, null);
      if (bytesRead === 0) return;
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      // The first line of all says what the columns are.
      for (const line of isFirst ? lines.slice(1) : lines) {
        if (!takeLine(line, found)) return;
      }
    }
  } finally {
    await file.close();
  }
}

/** Returns whether it is of a socket that listens. */
function takeLine(line: string, found: Map<string, DialTarget>): boolean {
  const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
  if (state !== LISTENING) return false;
  const [address = '', port = ''] = local.split(':');
  found.set(inode, { host: addressOf(address), port: Number.parseInt(port, 16) });
  return true;
}

/** Of words of 32 bits in hexadecimal digits, each with the lowest byte first. */
function addressOf(digits: string): string {
  const bytes = Buffer.from(digits, 'hex').swap32();
  if (bytes.byteLength === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
