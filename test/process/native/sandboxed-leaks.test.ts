import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { ownChildren } from '../../../src/process/native/own-children.ts';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';
import { openedSince, ownDescriptors } from '../../support/descriptors.ts';
import { hasBwrap, sandboxLaunch } from '../../support/sandbox.ts';

const STARTS = 1000;
const AT_ONCE = 8;

const launcher = posixSpawnLauncher();

/** The namespaces that children of some processes would be made in. */
function namespacesBelow(pids: readonly number[]): readonly string[] {
  return pids.flatMap((pid) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/pid_for_children`)];
    } catch {
      return [];
    }
  });
}

/** The folders of other tests, which have their mounts in this namespace, too. */
const OTHERS = new RegExp(`^(${tmpdir()}|/dev/shm)/runlet-test-`);

/** The mounts of this namespace that could be of a sandbox: those have no folder of a test. */
function mounts(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
  return lines.filter((line) => !OTHERS.test(line.split(' ')[4] ?? ''));
}

/** The cgroups that this program has made; none where it makes none. */
function cgroups(): readonly string[] {
  const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'latin1'))?.[1] ?? '/';
  try {
    const names = readdirSync(`/sys/fs/cgroup${own}`);
    const ours = names.filter((name) => name.startsWith(`runlet-${process.pid}-`));
    return ours.flatMap((name) =>
      readdirSync(`/sys/fs/cgroup${own}/${name}`, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name),
    );
  } catch {
    return [];
  }
}

/** One start, which may fail inside, or leave something that is ended with it. */
async function startOne(index: number): Promise<void> {
  const sandbox = sandboxLaunch();
  const fails = index % 10 === 0;
  const leaves = index % 10 === 1;
  try {
    const launched = await launcher.launch({
      program: fails ? '/no/such/program' : '/bin/sh',
      arg0: 'sh',
      args: ['-c', leaves ? '(setsid sleep 1000 > /dev/null 2>&1 &)' : ':'],
      cwd: '/',
      env: new Map([['PATH', '/usr/bin:/bin']]),
      stdin: 'closed',
      terminal: index % 10 === 2 ? { columns: 80, rows: 24 } : undefined,
      mergeStderr: false,
      limits: undefined,
      sandbox,
    });
    for (const stream of Object.values(launched.output)) stream.resume();
    expect((await launched.exited).status).toEqual({ code: 0 });
    launched.kin?.kill?.();
    launched.stdin?.destroy();
    launched.kin?.release();
  } catch (error) {
    if (!fails) throw error;
  }
  await vi.waitFor(() => expect(sandbox.released()).toBe(1), { timeout: 60_000, interval: 2 });
}

describe.skipIf(!hasBwrap)('a thousand starts in sandboxes', () => {
  it('leave no mount, namespace, cgroup, process and descriptor', async () => {
    await startOne(0);
    await nextTurn();
    const before = {
      descriptors: ownDescriptors(),
      mounts: new Set(mounts()),
      children: new Set(ownChildren()),
      cgroups: cgroups(),
    };
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (next < STARTS) await startOne(next++);
      }),
    );
    expect(next).toBe(STARTS);
    await vi.waitFor(() => {
      const children = ownChildren() ?? [];
      expect(children.filter((pid) => !before.children.has(pid))).toEqual([]);
      expect(namespacesBelow(children).filter((name) => name !== own())).toEqual([]);
    }, 60_000);
    await vi.waitFor(() => {
      expect(mounts().filter((mount) => !before.mounts.has(mount))).toEqual([]);
    }, 60_000);
    await vi.waitFor(() => expect(cgroups()).toEqual(before.cgroups), 60_000);
    await vi.waitFor(() => expect(openedSince(before.descriptors)).toEqual([]), 60_000);
  });
});

function own(): string {
  return readlinkSync('/proc/self/ns/pid');
}
