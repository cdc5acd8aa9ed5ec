import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ConnectTo, connectFirst, connectTo } from '../../src/network/connect-first.ts';
import { blackHole } from '../support/black-hole.ts';
import { FakeClock } from '../support/fake-clock.ts';

const never = new AbortController().signal;

/** Listens until the test is over. */
async function listening(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  server.listen({ host, port });
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Connects to what stands for each address, and tells what was tried. */
function routes(ports: Readonly<Record<string, number>>) {
  const tried: string[] = [];
  const sockets = new Map<string, Socket>();
  const begin: ConnectTo = (address) => {
    tried.push(address);
    const socket = connectTo('127.0.0.1', ports[address] ?? ports['*'] ?? 0);
    sockets.set(address, socket);
    return socket;
  };
  const left = (): string[] => tried.filter((address) => !sockets.get(address)?.destroyed);
  return { begin, left, sockets, tried };
}

/** A server that answers, and one at which nobody does. */
async function hosts(): Promise<{ readonly open: number; readonly hole: number }> {
  const open = await listening(createServer((socket) => socket.resume()));
  return { open, hole: await blackHole() };
}

describe('the first of some addresses', () => {
  it('is waited for a while where it answers nothing, and then the next is tried too', async () => {
    const { hole, open } = await hosts();
    const { begin, left, tried } = routes({ '192.0.2.1': hole, '192.0.2.2': open });
    const clock = new FakeClock();
    const options = { clock, signal: never, connect: begin };
    const connecting = connectFirst(['192.0.2.1', '192.0.2.2'], 80, options);
    expect(tried).toEqual(['192.0.2.1']);
    clock.advance(249);
    expect(tried).toEqual(['192.0.2.1']);
    clock.advance(1);
    const { address, socket } = await connecting;
    expect([address, tried.length, clock.pending]).toEqual(['192.0.2.2', 2, 0]);
    expect(left()).toEqual(['192.0.2.2']);
    socket.destroy();
  });

  it('that refuses is followed by the next at once, and families come in turn', async () => {
    const { hole, open } = await hosts();
    const refusing = await closedPort();
    const addresses = ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2', '192.0.2.3'];
    const { begin, left, tried } = routes({ '192.0.2.2': open, '192.0.2.3': hole, '*': refusing });
    const clock = new FakeClock();
    const { socket } = await connectFirst(addresses, 80, { clock, signal: never, connect: begin });
    expect(tried).toEqual(['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2']);
    expect([left(), clock.pending]).toEqual([['192.0.2.2'], 0]);
    socket.destroy();
  });

  it('is given up where many answer nothing, of which no more than some are tried', async () => {
    const { hole, open } = await hosts();
    const addresses = Array.from({ length: 40 }, (_, i) => `192.0.2.${i + 1}`);
    const { begin, left, tried } = routes({ '192.0.2.40': open, '*': hole });
    const clock = new FakeClock();
    const giving = new AbortController();
    const options = { clock, signal: giving.signal, connect: begin };
    const connecting = connectFirst(addresses, 80, options);
    for (let i = 0; i < 7; i++) clock.advance(250);
    expect(tried).toEqual(addresses.slice(0, 8));
    expect(left()).toEqual(addresses.slice(2, 8));
    for (let i = 0; i < 50; i++) clock.advance(250);
    expect(tried).toEqual(addresses.slice(0, 32));
    expect(left()).toEqual(addresses.slice(26, 32));
    giving.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    expect([left(), clock.pending]).toEqual([[], 0]);
  });

  it('says why it failed, and not the one for which there is no way', async () => {
    const port = await closedPort();
    const noWay: ConnectTo = (host) => {
      if (host === '192.0.2.1') return connectTo('127.0.0.1', port);
      const error = Object.assign(new Error(`no way to ${host}`), { code: 'ENETUNREACH' });
      return new Socket().destroy(error);
    };
    const options = { clock: new FakeClock(), signal: never, connect: noWay };
    const failing = connectFirst(['2001:db8::1', '192.0.2.1', '2001:db8::2'], port, options);
    await expect(failing).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('is not tried when it is given up before', async () => {
    const { begin, tried } = routes({});
    const signal = AbortSignal.abort(new Error('enough'));
    const options = { clock: new FakeClock(), signal, connect: begin };
    await expect(connectFirst(['192.0.2.1'], 80, options)).rejects.toThrow('enough');
    expect(tried).toEqual([]);
  });
});

describe('a connection', () => {
  it('reads nothing before somebody does, and then all', async () => {
    const data = Buffer.alloc(3_000_000, 'x');
    const port = await listening(createServer((socket) => socket.end(data)));
    const options = { clock: new FakeClock(), signal: never };
    const { socket } = await connectFirst(['127.0.0.1'], port, options);
    expect([socket.isPaused(), socket.bytesRead, socket.allowHalfOpen]).toEqual([true, 0, true]);
    const parts: Buffer[] = [];
    for await (const part of socket.iterator({ destroyOnReturn: false })) parts.push(part);
    expect(Buffer.concat(parts).equals(data)).toBe(true);
    expect(socket.writable).toBe(true);
    socket.destroy();
  });

  it('that breaks before anybody looks ends nothing else', async () => {
    const server = createServer();
    const port = await listening(server);
    const came = once(server, 'connection');
    const options = { clock: new FakeClock(), signal: never };
    const { socket } = await connectFirst(['127.0.0.1'], port, options);
    const [other]: Socket[] = await came;
    other?.resetAndDestroy();
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.errored).toMatchObject({ code: 'ECONNRESET' });
  });

  it('to its own end is none', async () => {
    const port = await closedPort();
    const own: ConnectTo = (host) => connect({ host, port, localAddress: host, localPort: port });
    const options = { clock: new FakeClock(), signal: never, connect: own };
    const connecting = connectFirst(['127.0.0.1'], port, options);
    await expect(connecting).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
