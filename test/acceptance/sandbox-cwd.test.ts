import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { StartStage } from '../../src/gen/runlet/v1/error_pb.ts';
import type { ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { SandboxAccess, SandboxPlace } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import { collect, outputOf } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { readAll } from '../support/files.ts';
import { type Harness, startHarness } from '../support/harness.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const PLATFORM = { place: SandboxPlace.PLATFORM, access: SandboxAccess.READ };
const TEMP = { place: SandboxPlace.TEMP, access: SandboxAccess.WRITE };
const CWD = { place: SandboxPlace.CWD, access: SandboxAccess.WRITE };
const PATH = '/usr/bin:/bin';

const run = (harness: Harness, spec: SpecInit) =>
  collect(harness.processes.run({ spec: { env: { PATH }, argv: ['pwd'], ...spec } }));

async function folderOf(harness: Harness, spec: SpecInit): Promise<string> {
  return outputOf(await run(harness, spec)).toString();
}

describe('the working directory of a sandbox', () => {
  it('is that of temporary files, else the root, where none was named', async () => {
    const harness = await startHarness();
    expect(await folderOf(harness, { sandbox: { rules: [PLATFORM, TEMP] } })).toBe('/tmp\n');
    expect(await folderOf(harness, { sandbox: { rules: [PLATFORM] } })).toBe('/\n');
  });

  it('is not asked for by a policy that does not name it, whatever the server is in', async () => {
    const gone = join('/tmp', `gone-${process.pid}`);
    const harness = await startHarness({ cwd: gone });
    expect(await folderOf(harness, { sandbox: { rules: [PLATFORM] } })).toBe('/\n');
    await writeFile(join(harness.folder, 'file'), 'content');
    const sandbox = { rules: [{ path: harness.folder, access: SandboxAccess.READ }] };
    const { sessionId } = harness;
    const path = join(harness.folder, 'file');
    const { content } = await readAll(harness.files.readFile({ sessionId, path, sandbox }));
    expect(content.toString()).toBe('content');
  });

  it('is required by a policy that names it', async () => {
    const harness = await startHarness();
    const sandbox = { rules: [PLATFORM, CWD] };
    const { summary } = await failureOf(run(harness, { sandbox }));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    const { sessionId } = harness;
    const asked = failureOf(harness.files.statFile({ sessionId, path: '/usr', sandbox }));
    expect((await asked).summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });

  it('is what the rule for it lets be written', async () => {
    const harness = await startHarness();
    const cwd = join(harness.folder, 'work');
    await mkdir(cwd);
    const sandbox = { rules: [PLATFORM, CWD] };
    const argv = ['sh', '-c', 'pwd; echo x > made; cat made'];
    expect(await folderOf(harness, { argv, cwd, sandbox })).toBe(`${cwd}\nx\n`);
  });

  it.each([
    ['is not there, by a rule', [PLATFORM, CWD], 'gone'],
    ['is not there, without one', [PLATFORM, TEMP], 'gone'],
    ['cannot be seen', [PLATFORM], ''],
  ])('fails the start where it %s', async (_, rules, name) => {
    const harness = await startHarness();
    const cwd = join(harness.folder, name);
    const failure = await failureOf(run(harness, { cwd, sandbox: { rules } }));
    expect(failure.summary).toBe('FAILED_PRECONDITION/START_FAILED');
    expect(failure.startFailure?.stage).toBe(StartStage.CWD);
  });
});
