import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { collect } from '../support/events.ts';
import { firstLineOf } from '../support/first-line.ts';
import { type Clients, connectClients, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';

const GREEDY = fileURLToPath(new URL('../support/greedy-client.mjs', import.meta.url));

const ROUNDS = 4;
const SAMPLES = 50;

/** What is slower stays so, and what else the machine was busy with does not. */
const ATTEMPTS = 4;

const MOST = 3;

/** The other is bounded by what the machine does, so that it is never refused, however fast that is. */
const POLICY = `
principals:
  - match: "none:*"
    limits: { max_principal_sessions: 10, max_principal_starts_per_second: 20 }
  - match: "*"
    limits: { max_principal_starts_per_second: 0 }
`;

/** How long each of some commands takes, one after the other, in milliseconds. */
async function commandsTake({ processes }: Clients): Promise<readonly number[]> {
  const took: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const began = performance.now();
    await collect(processes.run({ spec: { argv: ['/bin/true'] } }));
    took.push(performance.now() - began);
  }
  return took;
}

function percentile99(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? Number.NaN;
}

/** 99th percentiles of one caller's commands: while another is still, and while that asks for too much. */
async function measure(modest: Clients, greedy: ChildProcess): Promise<readonly [number, number]> {
  const idle: number[] = [];
  const beside: number[] = [];
  // In turns, so that whatever else happens on the machine happens to both.
  for (let round = 0; round < ROUNDS; round++) {
    greedy.kill('SIGSTOP');
    idle.push(...(await commandsTake(modest)));
    greedy.kill('SIGCONT');
    beside.push(...(await commandsTake(modest)));
  }
  return [percentile99(idle), percentile99(beside)];
}

it('one caller beyond its limits leaves the commands of another within 3 times of idle', async () => {
  // Two callers that can be told apart: this user, and whoever comes by another socket.
  const folder = await temporaryFolder();
  const open = join(folder, 'open.sock');
  const policy = join(folder, 'policy.yaml');
  await writeFile(policy, POLICY);
  const { address } = await serve('--listen', `unix:${open},auth=none`, '--policy', policy);
  const modest = connectClients(address);
  await commandsTake(modest);
  const greedy = spawn(process.execPath, [GREEDY, `unix:${open}`, '16'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void greedy.kill('SIGKILL'));
  expect(await firstLineOf(greedy)).toBe('refused');
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 1; attempt <= ATTEMPTS && least > MOST; attempt++) {
    const [idle, beside] = await measure(modest, greedy);
    least = Math.min(least, beside / idle);
    const [still, busy, ratio] = [idle, beside, beside / idle].map((value) => value.toFixed(2));
    const line = `99th percentile of a command: ${still} ms, ${busy} ms beside: ${ratio} times`;
    process.stdout.write(`${line}\n`);
  }
  expect(greedy.exitCode).toBeNull();
  expect(least).toBeLessThanOrEqual(MOST);
});
