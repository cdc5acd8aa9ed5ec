import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkedAddresses } from '../../src/network/checked-addresses.ts';
import { type ConnectTo, connectTo } from '../../src/network/connect-first.ts';
import { DialError } from '../../src/network/dial-error.ts';
import { directDialer } from '../../src/network/direct-dialer.ts';
import { egressPolicy } from '../../src/network/egress/egress-policy.ts';
import { parseEgressRule } from '../../src/network/egress/egress-rule.ts';
import type { Lookup } from '../../src/network/lookup.ts';
import { OwnListeners } from '../../src/network/own-listeners.ts';
import { Resolver } from '../../src/network/resolver.ts';
import { blackHole } from '../support/black-hole.ts';
import { openedSince, ownDescriptors } from '../support/descriptors.ts';
import { FakeClock } from '../support/fake-clock.ts';

const ASKER = { principal: 'test', asker: 'test' };

interface DialerOptions {
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  readonly lookup?: Lookup;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly connect?: ConnectTo;
  readonly own?: OwnListeners;
}

/** A dialer with a clock that stands still, and what it did. */
function dialer(options: DialerOptions = {}) {
  const own = options.own ?? new OwnListeners();
  if (options.own === undefined) own.complete();
  const clock = new FakeClock();
  const asked: string[] = [];
  const connected: string[] = [];
  const answer: Lookup = async (name) => {
    const found = options.answers?.[name];
    if (found !== undefined) return found;
    throw Object.assign(new Error('getaddrinfo ENOTFOUND'), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
    });
  };
  const lookup: Lookup = (name) => {
    asked.push(name);
    return (options.lookup ?? answer)(name);
  };
  const connect: ConnectTo = (address, port) => {
    connected.push(address);
    return (options.connect ?? connectTo)(address, port);
  };
  const egress = egressPolicy({
    allow: options.allow?.map(parseEgressRule),
    deny: options.deny?.map(parseEgressRule),
    own: (address, port) => own.isReachedAt(address, port),
  });
  const resolver = new Resolver({ lookup, maxUnderWay: 2, maxOfPrincipal: 2 });
  const find = checkedAddresses({ egress, resolver, own });
  const dials = directDialer({ find, own, clock, connect });
  const dial = (host: string, port: number, signal = new AbortController().signal) =>
    dials.dial({ host, port }, { asker: ASKER, timeoutMs: 10_000, signal });
  return { asked, clock, connected, dial, own, resolver };
}

/** How a dial fails, which must. */
async function failureOf(dial: Promise<unknown>): Promise<DialError['failure']> {
  const error = await dial.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DialError) return error.failure;
  throw error ?? new Error('it connected');
}

/** A server, and how many connections came to it. */
async function serve(host = '127.0.0.1') {
  const came = { connections: 0 };
  const server = createServer((socket) => {
    came.connections += 1;
    socket.on('error', () => {});
    socket.resume();
  });
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { came, port: (server.address() as AddressInfo).port };
}

describe('a name', () => {
  it('is looked up once, and the connection goes to what was checked', async () => {
    const { port } = await serve();
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const { asked, connected, dial } = dialer({ lookup: async () => answers.shift() ?? [] });
    const { address, socket } = await dial('rebinds.example', port);
    expect([address, socket.remoteAddress]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect([asked, connected]).toEqual([['rebinds.example'], ['127.0.0.1']]);
    socket.destroy();
    // Asked again, it leads somewhere else, which is checked again.
    expect((await failureOf(dial('rebinds.example', port))).stage).toBe('DENIED');
    expect(connected).toEqual(['127.0.0.1']);
  });

  it('of which one address is denied is connected to at none of them', async () => {
    const { came, port } = await serve();
    const addresses = ['127.0.0.1', '169.254.169.254'];
    for (const found of [addresses, addresses.toReversed(), ['127.0.0.1', '::ffff:a9fe:a9fe']]) {
      const { connected, dial } = dialer({ answers: { 'mixed.example': found } });
      expect(await failureOf(dial('mixed.example', port))).toEqual({
        stage: 'DENIED',
        errnoName: '',
        message: `mixed.example:${port} may not be reached`,
        target: `mixed.example:${port}`,
        rule: 'default 169.254.0.0/16',
      });
      expect(connected).toEqual([]);
    }
    expect(came.connections).toBe(0);
  });

  it('is looked up as it is compared, and not where a rule denies it', async () => {
    const { asked, dial } = dialer({ deny: ['*.internal.example'] });
    expect((await failureOf(dial('BÜCHER。Example.', 80))).stage).toBe('RESOLVE');
    expect((await failureOf(dial('Secret.INTERNAL.example', 80))).stage).toBe('DENIED');
    expect(asked).toEqual(['xn--bcher-kva.example']);
  });

  it('that is none is not looked up', async () => {
    const { asked, dial } = dialer();
    const none = [
      '',
      '.',
      'a..b',
      'a b',
      'a\0.example',
      'a@b',
      'a/b',
      '[::1]',
      '300.1.1.1',
      'a%00b',
    ];
    for (const host of none) {
      const { errnoName, stage } = await failureOf(dial(host, 80));
      expect([host, stage, errnoName]).toEqual([host, 'RESOLVE', 'ENOTFOUND']);
    }
    expect(asked).toEqual([]);
  });

  it('that is not found, or leads nowhere, says so', async () => {
    const { dial } = dialer({ answers: { 'empty.example': [] } });
    for (const host of ['none.example', 'empty.example']) {
      const { errnoName, message, stage } = await failureOf(dial(host, 80));
      expect([stage, errnoName]).toEqual(['RESOLVE', 'ENOTFOUND']);
      expect(message).toBe(`could not find ${host}:80`);
    }
  });

  it('that a fault of ours keeps from being looked up is not called missing', async () => {
    const { dial } = dialer({ lookup: () => Promise.reject(new TypeError('a fault')) });
    await expect(dial('a.example', 80)).rejects.toThrow(new TypeError('a fault'));
  });
});

describe('an address', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0.0.0.0',
    '::ffff:7f00:1',
  ])('written as %s is not looked up, and connected to as what it is', async (host) => {
    const { port } = await serve();
    const { asked, connected, dial } = dialer();
    const { address, socket } = await dial(host, port);
    socket.destroy();
    expect([asked, connected, address]).toEqual([[], ['127.0.0.1'], '127.0.0.1']);
  });

  it('at which nobody listens refuses', async () => {
    const { dial } = dialer();
    const { errnoName, message, stage } = await failureOf(dial('127.0.0.1', 1));
    expect([stage, errnoName]).toEqual(['CONNECT', 'ECONNREFUSED']);
    expect(message).toBe('could not connect to 127.0.0.1:1');
  });
});

describe("the server's own listeners", () => {
  it('are known before anything is connected to', async () => {
    const { came, port } = await serve();
    const own = new OwnListeners();
    const { connected, dial } = dialer({ own });
    const early = failureOf(dial('127.0.0.1', port));
    own.addPort(port);
    own.complete();
    expect(await early).toMatchObject({ stage: 'DENIED', rule: 'the server listens there' });
    expect([connected, came.connections]).toEqual([[], 0]);
  });
});

describe('time', () => {
  it('ends a lookup that hangs', async () => {
    const { asked, clock, dial, resolver } = dialer({ lookup: () => new Promise(() => {}) });
    const failing = failureOf(dial('hangs.example', 80));
    await expect.poll(() => asked.length).toBe(1);
    clock.advance(9_999);
    clock.advance(1);
    expect(await failing).toMatchObject({ stage: 'TIMEOUT', errnoName: 'ETIMEDOUT' });
    expect([clock.pending, resolver.underWay]).toEqual([0, 1]);
  });

  it('ends connections that nobody answers', async () => {
    const hole = await blackHole();
    const answers = { 'hole.example': ['127.0.0.1', '127.0.0.1', '::ffff:127.0.0.1'] };
    const { clock, connected, dial } = dialer({ answers });
    const failing = failureOf(dial('hole.example', hole));
    await expect.poll(() => connected.length).toBe(1);
    clock.advance(10_000);
    expect(await failing).toMatchObject({ stage: 'TIMEOUT', errnoName: 'ETIMEDOUT' });
    expect([connected, clock.pending]).toEqual([['127.0.0.1'], 0]);
  });
});

/** How many are given up in each phase. */
const MANY = 2_000;

describe(`${MANY} that are given up`, () => {
  /** Dials, gives up where the phase says, and looks for what is left. */
  async function giveUpMany(
    made: ReturnType<typeof dialer>,
    target: readonly [string, number],
    phase: (giveUp: () => void) => void,
  ): Promise<void> {
    const { clock, dial, resolver } = made;
    const before = ownDescriptors();
    for (let i = 0; i < MANY; i++) {
      const giving = new AbortController();
      const reason = new Error(`enough of ${i}`);
      phase(() => giving.abort(reason));
      await expect(dial(...target, giving.signal)).rejects.toBe(reason);
      expect(getEventListeners(giving.signal, 'abort')).toEqual([]);
      expect(clock.pending).toBe(0);
    }
    await expect.poll(() => [resolver.underWay, resolver.principals]).toEqual([0, 0]);
    await expect.poll(() => openedSince(before)).toEqual([]);
  }

  it('before they begin', async () => {
    const made = dialer();
    await giveUpMany(made, ['127.0.0.1', 1], (giveUp) => giveUp());
    expect(made.connected).toEqual([]);
  });

  it('before it is known where the server listens', async () => {
    const made = dialer({ own: new OwnListeners() });
    await giveUpMany(made, ['127.0.0.1', 1], (giveUp) => setImmediate(giveUp));
    expect(made.connected).toEqual([]);
  });

  it('while a name is looked up', async () => {
    let then = (): void => {};
    const lookup: Lookup = () =>
      new Promise((resolve) => {
        setImmediate(() => {
          then();
          // It is found all the same, later.
          setImmediate(() => resolve(['127.0.0.1']));
        });
      });
    const made = dialer({ lookup });
    await giveUpMany(made, ['a.example', 1], (giveUp) => {
      then = giveUp;
    });
    expect(made.connected).toEqual([]);
  });

  it('while a connection is made that nobody answers', async () => {
    const hole = await blackHole();
    let then = (): void => {};
    const connect: ConnectTo = (address, port) => {
      setImmediate(() => then());
      return connectTo(address, port);
    };
    const made = dialer({ connect });
    await giveUpMany(made, ['127.0.0.1', hole], (giveUp) => {
      then = giveUp;
    });
    expect(made.connected).toHaveLength(MANY);
  });

  it('while the next address waits for its time, and two are connected to', async () => {
    const hole = await blackHole();
    const answers = { 'hole.example': ['127.0.0.1', '::1', '127.0.0.2'] };
    let then = (): void => {};
    const connect: ConnectTo = (address) => {
      if (address === '::1') setImmediate(() => then());
      else setImmediate(() => made.clock.advance(250));
      return connectTo('127.0.0.1', hole);
    };
    const made = dialer({ answers, connect });
    await giveUpMany(made, ['hole.example', hole], (giveUp) => {
      then = giveUp;
    });
    expect(made.connected).toHaveLength(2 * MANY);
  });

  it.each([
    ['just before it is connected', true],
    ['just when it is connected', false],
  ])('%s', async (_when, first) => {
    const { came, port } = await serve();
    let then = (): void => {};
    const connect: ConnectTo = (address, to) => {
      const socket = connectTo(address, to);
      if (first) socket.once('connect', () => then());
      // After whoever waits for it has added its own.
      else queueMicrotask(() => socket.once('connect', () => then()));
      return socket;
    };
    const made = dialer({ connect });
    await giveUpMany(made, ['127.0.0.1', port], (giveUp) => {
      then = giveUp;
    });
    await expect.poll(() => came.connections).toBe(MANY);
  });
});
