import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { inheritedDescriptors } from '../support/descriptors.ts';
import { collect, outputOf } from '../support/events.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { PATH, startShell } from '../support/shell.ts';

const FILES = 400;
/** Each is two sockets of this process: the server's and that of its client. */
const CONNECTIONS = 300;

/** Lets the server, which is in this process, hold a thousand files and sockets. */
async function holdMany({ address }: Harness): Promise<void> {
  const count = (): number => readdirSync('/proc/self/fd').length;
  const before = count();
  const files = Array.from({ length: FILES }, () => openSync('/dev/null', 'r'));
  onTestFinished(() => {
    for (const fd of files) closeSync(fd);
  });
  if (address.kind !== 'unix') throw new Error('it does not listen on a path');
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect(address.path);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
  }
  await expect.poll(count).toBeGreaterThanOrEqual(before + FILES + 2 * CONNECTIONS);
}

describe('a process of a server that holds a thousand files and sockets', () => {
  it('has three descriptors, and that of the folder which it lists', async () => {
    const harness = await startHarness();
    await holdMany(harness);
    const spec = { argv: ['ls', '-l', '/proc/self/fd'], env: { PATH } };
    const listing = outputOf(await collect(harness.processes.run({ spec }))).toString();
    const descriptors = new Map(
      [...listing.matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd = '', target = '']) => [fd, target]),
    );
    const own = [...descriptors].filter(([, target]) => /^\/proc\/\d+\/fd$/.test(target));
    expect(own).toHaveLength(1);
    descriptors.delete(own[0]?.[0] ?? '');
    expect([...descriptors.keys()].sort((a, b) => Number(a) - Number(b))).toEqual([
      '0',
      '1',
      '2',
      ...inheritedDescriptors(),
    ]);
    expect(descriptors.get('0')).toBe('/dev/null');
  });
});

describe('a process that opens its standard streams by their paths', () => {
  it('reads and writes them, where the launcher gives it pipes', async () => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const { processes } = harness;
    const stdin = StdinMode.PIPE;
    const target = await startShell(harness, 'cat /dev/stdin > /dev/stdout', { stdin });
    await processes.writeStdin({ ...target, data: Buffer.from('by path'), eof: true });
    const events = await collect(processes.watchProcess(target));
    expect(outputOf(events).toString()).toBe('by path');
    const exited = events.at(-2)?.event;
    expect(exited?.case === 'exited' && exited.value.status?.status.value).toBe(0);
  });
});
