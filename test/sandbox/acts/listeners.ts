import { spawn } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect } from 'vitest';
import { firstLineOf } from '../../support/first-line.ts';
import { nonce, type Stage, type Zone } from './stage.ts';

/** What listens outside of every sandbox, and keeps what it was told. */
export interface Listeners {
  /** Where it listens for TCP: addresses of this machine, and ports. */
  readonly tcp: readonly { readonly host: string; readonly port: number }[];
  readonly udpPort: number;
  /** Answers every question for an address with the text {@link answer}. */
  readonly dnsPort: number;
  readonly answer: string;
  /** The name of an abstract Unix socket. */
  readonly abstract: string;
  /** The path of a Unix socket in each of these zones. */
  readonly paths: Readonly<Record<(typeof SOCKET_ZONES)[number], string>>;
  /** Whether a text arrived anywhere; if it was sent, it is waited for. */
  heard(text: string, wasSent: boolean): Promise<boolean>;
  end(): Promise<void>;
}

/** Where there is a socket. */
export const SOCKET_ZONES = [
  'outside',
  'writable',
  'read-only',
  'denied',
  're-opened',
] as const satisfies Zone[];

/** Starts all of it, for the user of a stage. To be ended. */
export async function startListeners(stage: Stage): Promise<Listeners> {
  let all = '';
  const ends: (() => Promise<unknown>)[] = [];
  const listen = async (
    where: { readonly host: string } | { readonly path: string },
  ): Promise<Server> => {
    const server = createServer((socket) => {
      socket.on('data', (data) => {
        all += data.toString('latin1');
      });
      socket.on('error', () => socket.destroy());
    });
    server.listen('path' in where ? where : { ...where, port: 0 });
    await once(server, 'listening');
    ends.push(async () => once(server.close(), 'close'));
    return server;
  };
  const bindUdp = async (): Promise<UdpSocket> => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    ends.push(async () => once(socket.close(), 'close'));
    return socket;
  };

  const udp = await bindUdp();
  udp.on('message', (data) => {
    all += data.toString('latin1');
  });
  const answer = nonce();
  const dns = await bindUdp();
  dns.on('message', (data, { address, port }) => {
    all += data.toString('latin1');
    dns.send(`${answer}`, port, address);
  });

  const paths: Record<string, string> = {};
  for (const zone of SOCKET_ZONES) {
    const path = stage.path(zone, 's');
    await listen({ path });
    chmodSync(path, 0o777);
    paths[zone] = path;
  }

  const abstract = `runlet-${nonce()}`;
  const child = spawn(stage.program, ['listen-abstract', abstract], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await firstLineOf(child);
  child.stdout.on('data', (data: Buffer) => {
    all += data.toString('latin1');
  });
  ends.push(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });

  const tcp = await Promise.all(
    ownAddresses().map(async (host) => {
      const { port } = (await listen({ host })).address() as AddressInfo;
      return { host, port };
    }),
  );
  return {
    tcp,
    udpPort: udp.address().port,
    dnsPort: dns.address().port,
    answer,
    abstract,
    paths: paths as Listeners['paths'],
    heard: async (text, wasSent) => {
      if (wasSent) await expect.poll(() => all).toContain(text);
      return all.includes(text);
    },
    end: async () => {
      await Promise.all(ends.map((end) => end()));
    },
  };
}

/** Addresses of this machine: of its loopback interface, and of another one if there is one. */
function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const [other] = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  const v6 = all.some(({ address }) => address === '::1');
  return ['127.0.0.1', ...(v6 ? ['::1'] : []), ...(other === undefined ? [] : [other.address])];
}
