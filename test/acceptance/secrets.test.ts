import { describe, expect, it } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { PATH, startShell } from '../support/shell.ts';

const SECRET = 'hunter2';

/** Everything that a message says. */
function asText(message: unknown): string {
  return JSON.stringify(message, (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

describe('what a client keeps secret', () => {
  it('is in no listing: environment and stdin', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const target = await startShell(harness, 'cat; echo', {
      env: { PATH, PASSWORD: SECRET },
      envPolicy: { set: { OTHER: SECRET } },
      stdin: StdinMode.PIPE,
    });
    await processes.writeStdin({ ...target, data: Buffer.from(SECRET), eof: true });
    const answers = [
      await processes.waitProcess(target),
      await processes.getProcess(target),
      await processes.listProcesses({ sessionId }),
      await harness.sessions.listSessions({}),
    ];
    for (const answer of answers) expect(asText(answer)).not.toContain(SECRET);
  });

  it('is in no log: environment, stdin, arguments, output', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const target = await startShell(harness, `cat; echo ${SECRET}`, {
      env: { PATH, PASSWORD: SECRET },
      stdin: StdinMode.PIPE,
    });
    const data = Buffer.from(SECRET);
    await processes.writeStdin({ ...target, data, eof: true });
    await collect(processes.watchProcess(target));
    await processes.readProcess(target);
    const spec = { argv: ['/bin/cat', `--${SECRET}`], env: { [SECRET]: SECRET } };
    await collect(processes.run({ spec, stdin: data }));
    await failureOf(processes.startProcess({ sessionId, spec: { argv: [SECRET] } }));
    const calls = (): readonly string[] => harness.log.filter((line) => line.includes('"method"'));
    await expect.poll(calls).toHaveLength(7);
    expect(harness.log.join('')).not.toContain(SECRET);
  });

  it('is in no error', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const target = await startShell(harness, 'exit 0');
    const start = (spec: Parameters<typeof processes.startProcess>[0]['spec']): Promise<unknown> =>
      processes.startProcess({ sessionId, ...(spec === undefined ? {} : { spec }) });
    const argv = ['/bin/cat'];
    const failures = await Promise.all(
      [
        start({ argv, env: { A: `${SECRET}\0` } }),
        start({ argv, env: { [`${SECRET}=`]: SECRET } }),
        start({ argv, envPolicy: { set: { [`${SECRET}\0`]: SECRET } } }),
        start({ argv: [...argv, `${SECRET}\0`] }),
        start({ argv: [SECRET], env: { PASSWORD: SECRET } }),
        start({ argv, cwd: `/${SECRET}`, env: { PASSWORD: SECRET } }),
        start({ argv: [...argv, SECRET.repeat(100_000)] }),
        processes.writeStdin({ ...target, data: Buffer.from(SECRET) }),
        processes.writeStdin({ ...target, data: Buffer.from(SECRET.repeat(1_000_000)) }),
      ].map(failureOf),
    );
    for (const { error } of failures) {
      expect(`${error.message} ${error.metadata.get('grpc-status-details-bin')}`).not.toContain(
        SECRET,
      );
    }
    expect(harness.log.join('')).not.toContain(SECRET);
  });
});
