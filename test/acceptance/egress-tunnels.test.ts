import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TunnelStage } from '../../src/gen/runlet/v1/error_pb.ts';
import { parseEgressRule } from '../../src/network/egress/egress-rule.ts';
import { canMakeRoom, openRoom, type Room } from '../support/egress-room.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { connectedTunnel, openTunnel, startPeer } from '../support/tunnels.ts';
import {
  ADDRESSES,
  BY_DEFAULT,
  isThere,
  NAMES,
  NARROW_FLAGS,
  NARROWED,
  NO_NAMES,
  OWN,
  PORTS,
  ROUTES,
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
  return `${summary} ${TunnelStage[tunnelFailure?.stage ?? 0]}`;
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
  const left = marks.map(([host, port]) => `${host} ${port}`);
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

  it.each(BY_DEFAULT)('by default is $what: $host', async ({ ends, host, port = 80 }) => {
    expect(await refusal('plain', host, port)).toBe(ENDS[ends]);
    expect(await came()).toEqual([]);
  });

  it.each(BY_DEFAULT.filter(isThere))(
    'is there, and reached where it is allowed: $what',
    async ({ host, port = 80 }) => {
      await connect('open', host, port);
      expect(await came()).toHaveLength(1);
    },
  );

  it.each(NO_NAMES)('is what is no name, with $what', async ({ ends, host }) => {
    for (const server of ['plain', 'open', 'narrow']) {
      expect(await refusal(server, host, 80)).toBe(ENDS[ends]);
    }
    expect(await came()).toEqual([]);
  });

  it.each(NARROWED)('by rules is $what: $host', async ({ ends, host, port = 80 }) => {
    expect(await refusal('narrow', host, port)).toBe(ENDS[ends]);
    expect(await came()).toEqual([]);
  });

  it('by rules is not what they allow', async () => {
    expect(await connect('narrow', 'good.example.org', 80)).toBe('10.0.0.5:80');
    expect(await connect('narrow', 'GOOD.example.org.', 80)).toBe('10.0.0.5:80');
    expect(await connect('narrow', 'ported.example.org', 80)).toBe('192.0.2.7:80');
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
