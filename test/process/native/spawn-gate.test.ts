import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadLibc } from '../../../src/process/native/libc.ts';
import { newActions } from '../../../src/process/native/spawn-actions.ts';
import { spawnAttributes } from '../../../src/process/native/spawn-attributes.ts';
import { type SpawnGate, SpawnGates } from '../../../src/process/native/spawn-gate.ts';

/** What came of a child, an errno or 0, that stood at a gate where something was done to that. */
function spawnThrough(gates: SpawnGates, onArrival: (gate: SpawnGate) => void): Promise<number> {
  const libc = loadLibc();
  const gate = gates.close(() => onArrival(gate));
  const actions = newActions(libc);
  gate.addTo(actions);
  const attributes = spawnAttributes(libc, []);
  return new Promise((resolve) => {
    const pid = [0];
    const argv = ['true', null];
    libc.posixSpawn.async(pid, '/bin/true', actions, attributes, argv, [null], (_, errno) => {
      libc.fileActionsDestroy(actions);
      gate.leave();
      if (errno === 0) libc.wait4(pid[0] ?? 0, [0], 0, null);
      resolve(errno);
    });
  });
}

function createGates(): SpawnGates {
  const gates = SpawnGates.create(loadLibc());
  if (gates === undefined) throw new Error('this machine has no leases');
  return gates;
}

describe('a child at a gate', () => {
  it('becomes its program when it is opened, and not when it is refused', async () => {
    const gates = createGates();
    expect(await spawnThrough(gates, (gate) => gate.open())).toBe(0);
    expect(await spawnThrough(gates, (gate) => gate.refuse())).toBe(constants.errno.EAGAIN);
    expect(await spawnThrough(gates, (gate) => gate.open())).toBe(0);
  });

  it('ends with the process that made it, and does not become its program', async () => {
    const script = fileURLToPath(new URL('gated-spawn.mjs', import.meta.url));
    const maker = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(maker, 'close');
    await once(maker.stdout, 'data');
    maker.kill('SIGKILL');
    // The child has its standard output, too, and so has its program.
    expect(await closed).toEqual([null, 'SIGKILL']);
  });
});
