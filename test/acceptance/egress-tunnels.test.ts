import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/network/egress/egress-rule.ts';
import { canMakeRoom, openRoom, type Room } from '../support/egress-room.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { connectedTunnel, openTunnel, startPeer } from '../support/tunnels.ts';
import {
  ADDRESSES,
  BY_DEFAULT,
  NAMES,
  NARROW_FLAGS,
  NARROWED,
  NO_NAMES,
  OWN,
  PORTS,
  ROUTES,
  type Trick,
} from './egress-tricks.ts';

const ENDS = {
  denied: 'PERMISSION_DENIED/EGRESS_DENIED DENIED',
  'no name': 'UNAVAILABLE/TUNNEL_FAILED RESOLVE',
};

let room: Room;

/** Connects through a server of the room. */
async function connect(server: string, host: string, port: number): Promise<string> {
  const [address] = room.listeners(server);
  if (address === undefined) throw new Error(`there is no server ${server}`);
  const { connection, sessions } = connectClients(address);
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const tunnel = openTunnel(connection, { sessionId, host, port });
  const { peer } = await tunnel.expect('opened');
  tunnel.cancel();
  return peer;
}

/** How a connection is refused, with the stage that its details tell. */
async function refusal(server: string, host: string, port: number): Promise<string> {
  const { summary, tunnelFailure } = await failureOf(connect(server, host, port));
  return `${summary} ${tunnelFailure?.stage}`;
}

/**
 * What came to the ports. Those who connect to one are accepted in the order in which they came:
 * when each has had one that is known, all before it are known too.
 */
async function came(): Promise<readonly string[]> {
  const marks = ['10.0.0.5', '2001:db8::1'].flatMap((host) =>
    PORTS.map((port) => [host, port] as const),
  );
  for (const [host, port] of marks) await connect('plain', host, port);
  const left = marks.map(([host, port]) => `${host.replace(/^(\d+\.)/, '$1')} ${port}`);
  const others: string[] = [];
  await expect
    .poll(async () => {
      for (const { address, port } of await room.came()) {
        const text = `${address} ${port}`;
        const mark = left.indexOf(text);
        if (mark >= 0) left.splice(mark, 1);
        else others.push(text);
      }
      return left;
    })
    .toEqual([]);
  return others;
}

/** Everything by itself is allowed there, so that nothing but a rule keeps it from being reached. */
const ALLOWED = [
  ...['0.0.0.0/0', '::/0', ...ADDRESSES, ...Object.keys(NAMES)],
  ...['::ffff:a9fe:a9fe', '100.100.100.200'],
].flatMap((rule) => ['--egress-allow', rule]);

const portOf = ({ port = 80 }: Trick): number => port;

describe.skipIf(!canMakeRoom())('what is denied (needs unshare and ip)', () => {
  beforeAll(async () => {
    room = await openRoom({
      addresses: ADDRESSES,
      routes: ROUTES,
      names: NAMES,
      ports: PORTS,
      servers: {
        plain: [],
        narrow: NARROW_FLAGS,
        open: ALLOWED,
        own: [...ALLOWED, '--listen', '[::]:0', '--auth', 'none', '--allow-insecure'],
      },
    });
  });

  afterAll(() => room?.close());

  it.each(BY_DEFAULT)('by default is $what: $host', async (trick) => {
    expect(await refusal('plain', trick.host, portOf(trick))).toBe(ENDS[trick.ends]);
    expect(await came()).toEqual([]);
  });

  it.each(BY_DEFAULT)('is there, and reached where it is allowed: $what', async (trick) => {
    await connect('open', trick.host, portOf(trick)).catch((error: unknown) => {
      // An address of the link is not reached without its zone.
      if (trick.host !== 'fe80::1' && trick.host !== 'link.example.org') throw error;
    });
    const seen = await came();
    expect(seen.length).toBe(/^fe80::1$|^link/.test(trick.host) ? 0 : 1);
  });

  it.each(NO_NAMES)('is what is no name, with $what', async (trick) => {
    for (const server of ['plain', 'open', 'narrow']) {
      expect(await refusal(server, trick.host, portOf(trick))).toBe(ENDS[trick.ends]);
    }
    expect(await came()).toEqual([]);
  });

  it.each(NARROWED)('by rules is $what: $host', async (trick) => {
    expect(await refusal('narrow', trick.host, portOf(trick))).toBe(ENDS[trick.ends]);
    expect(await came()).toEqual([]);
  });

  it('by rules is not what they allow', async () => {
    expect(await connect('narrow', 'good.example.org', 80)).toBe('10.0.0.5:80');
    expect(await connect('narrow', 'GOOD.example.org.', 80)).toBe('10.0.0.5:80');
    expect(await connect('narrow', '10.0.0.5', 8080)).toBe('10.0.0.5:8080');
    expect(await connect('narrow', '2001:db8::1', 8080)).toBe('[2001:db8::1]:8080');
  });

  it.each(OWN)("is the server's own port at $what: $host", async ({ ends, host }) => {
    const [, own] = room.listeners('own');
    const port = own?.kind === 'tcp' ? own.port : 0;
    expect(await refusal('own', host, port)).toBe(ENDS[ends]);
    // Another server reaches it there.
    await connect('open', host, port);
  });
});

describe('a name that changes where it leads', () => {
  it('is looked up once, so that what was checked is connected to', async () => {
    const { port } = await startPeer();
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    let lookups = 0;
    const harness = await startHarness({
      lookup: async () => {
        lookups += 1;
        return answers.shift() ?? [];
      },
    });
    const { connection, sessionId } = harness;
    const open = { sessionId, host: 'rebinds.example.org', port };
    const { peer } = await connectedTunnel(connection, open);
    expect([peer, lookups]).toEqual([`127.0.0.1:${port}`, 1]);
    const { summary } = await failureOf(openTunnel(connection, open).next());
    expect([summary, lookups]).toEqual(['PERMISSION_DENIED/EGRESS_DENIED', 2]);
  });

  it('is not even looked up where its name is denied', async () => {
    const asked: string[] = [];
    const harness = await startHarness({
      egressDeny: ['*.example.org'].map(parseEgressRule),
      lookup: async (name) => {
        asked.push(name);
        return ['127.0.0.1'];
      },
    });
    const { connection, sessionId } = harness;
    const open = { sessionId, host: 'secret.Example.ORG.', port: 80 };
    const { summary } = await failureOf(openTunnel(connection, open).next());
    expect([summary, asked]).toEqual(['PERMISSION_DENIED/EGRESS_DENIED', []]);
  });
});
