import { spawnSync } from 'node:child_process';
import { chmod, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StartStage } from '../../src/gen/runlet/v1/error_pb.ts';
import { type ProcessSpecSchema, StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { openedSince, ownDescriptors } from '../support/descriptors.ts';
import { collect, outputOf } from '../support/events.ts';
import { expectNothingLeft } from '../support/failed-start.ts';
import { failureOf } from '../support/failure.ts';
import {
  connectClients,
  type Harness,
  LAUNCHER,
  startHarness,
  temporaryFolder,
} from '../support/harness.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { serveAs } from '../support/served.ts';
import { startShell } from '../support/shell.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

/** What a row says of the process that it asks for. */
interface Wanted {
  readonly argv: string[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

type Row = readonly [what: string, spec: (folder: string) => Wanted, StartStage, errno: string];

const { CWD, PROGRAM, SPAWN } = StartStage;
const KIB = 1024;
const TRUE = '/bin/true';
/** More than a part of a path may have, and than a path. */
const LONG_NAME = 'x'.repeat(300);
const LONG_PATH = '/x'.repeat(3_000);
/** Linux takes 128 KiB in one of them, and with the usual stack of 8 MiB 2 MiB in all. */
const LONG_TEXT = 'x'.repeat(200 * KIB);
const MANY_TEXTS = Array.from({ length: 30 }, () => 'x'.repeat(100 * KIB));

const rows: readonly Row[] = [
  ['its program is nowhere in PATH', () => ({ argv: ['nowhere'] }), PROGRAM, 'ENOENT'],
  ['its program is missing', (folder) => ({ argv: [`${folder}/missing`] }), PROGRAM, 'ENOENT'],
  ['its program is not executable', (folder) => ({ argv: [`${folder}/plain`] }), PROGRAM, 'EACCES'],
  [
    'its program is not executable where PATH has it',
    (folder) => ({ argv: ['plain'], env: { PATH: `/nonexistent:${folder}` } }),
    PROGRAM,
    'EACCES',
  ],
  ['its program is a folder', (folder) => ({ argv: [folder] }), PROGRAM, 'EACCES'],
  [
    'its program is in a file',
    (folder) => ({ argv: [`${folder}/plain/program`] }),
    PROGRAM,
    'ENOTDIR',
  ],
  [
    'its program is a circle of links',
    (folder) => ({ argv: [`${folder}/circle`] }),
    PROGRAM,
    'ELOOP',
  ],
  ['its program has a long name', () => ({ argv: [`/bin/${LONG_NAME}`] }), PROGRAM, 'ENAMETOOLONG'],
  [
    'its program has a long name to look up',
    () => ({ argv: [LONG_NAME], env: { PATH: '/bin' } }),
    PROGRAM,
    'ENAMETOOLONG',
  ],
  ['its program has a long path', () => ({ argv: [LONG_PATH] }), PROGRAM, 'ENAMETOOLONG'],
  ['its interpreter is missing', (folder) => ({ argv: [`${folder}/orphan`] }), PROGRAM, 'ENOENT'],
  [
    'its interpreter is not executable',
    (folder) => ({ argv: [`${folder}/read`] }),
    PROGRAM,
    'EACCES',
  ],
  ['its interpreter is itself', (folder) => ({ argv: [`${folder}/selfish`] }), PROGRAM, 'ELOOP'],
  ['its cwd is missing', (folder) => ({ argv: [TRUE], cwd: `${folder}/missing` }), CWD, 'ENOENT'],
  ['its cwd is a file', (folder) => ({ argv: [TRUE], cwd: `${folder}/plain` }), CWD, 'ENOTDIR'],
  [
    'its cwd is in a file',
    (folder) => ({ argv: [TRUE], cwd: `${folder}/plain/x` }),
    CWD,
    'ENOTDIR',
  ],
  [
    'its cwd is a circle of links',
    (folder) => ({ argv: [TRUE], cwd: `${folder}/circle` }),
    CWD,
    'ELOOP',
  ],
  ['its cwd has a long path', () => ({ argv: [TRUE], cwd: LONG_PATH }), CWD, 'ENAMETOOLONG'],
  ['an argument is too long', () => ({ argv: [TRUE, LONG_TEXT] }), SPAWN, 'E2BIG'],
  ['its arguments are too long', () => ({ argv: [TRUE, ...MANY_TEXTS] }), SPAWN, 'E2BIG'],
  ['a variable is too long', () => ({ argv: [TRUE], env: { LONG: LONG_TEXT } }), SPAWN, 'E2BIG'],
  [
    'its variables are too long',
    () => ({ argv: [TRUE], env: Object.fromEntries(MANY_TEXTS.map((text, i) => [`V${i}`, text])) }),
    SPAWN,
    'E2BIG',
  ],
];

async function writeProgram(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

/** What the rows need in the harness's folder. */
async function prepare(folder: string): Promise<void> {
  await writeFile(join(folder, 'plain'), 'echo plain\n');
  await symlink('circle', join(folder, 'circle'));
  await writeProgram(folder, 'orphan', '#!/nonexistent/interpreter\n');
  await writeProgram(folder, 'read', `#!${join(folder, 'plain')}\n`);
  await writeProgram(folder, 'selfish', `#!${join(folder, 'selfish')}\n`);
}

/** That a spec cannot be started in any way, for this reason, and leaves nothing. */
async function expectFailure(
  harness: Harness,
  spec: SpecInit,
  stage: StartStage,
  errnoName: string,
): Promise<void> {
  const { processes, sessionId } = harness;
  const before = ownDescriptors();
  const failures = await Promise.all([
    failureOf(processes.startProcess({ sessionId, processId: 'p', requestId: 'p', spec })),
    failureOf(processes.startProcess({ sessionId, spec: { ...spec, stdin: StdinMode.PIPE } })),
    failureOf(collect(processes.run({ spec }))),
  ]);
  for (const { startFailure, summary } of failures) {
    expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
    expect(startFailure).toMatchObject({ stage, errnoName });
    expect(startFailure?.message).toContain(errnoName);
  }
  await expect.poll(() => openedSince(before)).toEqual([]);
  await expectNothingLeft(harness, 'p');
}

describe('a process that cannot be started', () => {
  it.each(rows)(
    'says where and why, and leaves nothing: %s',
    async (_what, spec, stage, errnoName) => {
      const harness = await startHarness();
      await prepare(harness.folder);
      await expectFailure(harness, spec(harness.folder), stage, errnoName);
    },
  );

  it.each(rows)('on a terminal says the same: %s', async (_what, spec, stage, errnoName) => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    await prepare(harness.folder);
    await expectFailure(harness, { ...spec(harness.folder), terminal: {} }, stage, errnoName);
  });

  it('says ETXTBSY where its program is being written', async (context) => {
    const harness = await startHarness();
    const path = await writeProgram(harness.folder, 'program', '#!/bin/sh\n');
    const file = await open(path, 'r+');
    onTestFinished(() => file.close());
    // Linux 6.11 and 6.12 do not mind.
    if (spawnSync(path).error === undefined) context.skip('this kernel runs what is being written');
    await expectFailure(harness, { argv: [path] }, PROGRAM, 'ETXTBSY');
  });
});

describe.skipIf(!CAN_SERVE_AS_ORDINARY_USER)('a server of an ordinary user', () => {
  it('says EACCES for what its user may not enter', async () => {
    const served = await serveAs(ORDINARY_USER);
    const { processes } = connectClients(served.address);
    const folder = await temporaryFolder();
    const locked = join(folder, 'locked');
    await mkdir(locked);
    await writeProgram(locked, 'program', '#!/bin/sh\n');
    await chmod(folder, 0o755);
    await chmod(locked, 0);
    onTestFinished(() => chmod(locked, 0o700));
    const failing: readonly (readonly [Wanted, StartStage])[] = [
      [{ argv: [TRUE], cwd: locked }, CWD],
      [{ argv: [TRUE], cwd: join(locked, 'deeper') }, CWD],
      [{ argv: [join(locked, 'program')] }, PROGRAM],
      [{ argv: ['program'], env: { PATH: `/nonexistent:${locked}` } }, PROGRAM],
    ];
    for (const [spec, stage] of failing) {
      const { startFailure, summary } = await failureOf(collect(processes.run({ spec })));
      expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
      expect(startFailure).toMatchObject({ stage, errnoName: 'EACCES' });
    }
  });
});

describe('a program that is no program', () => {
  it.each([
    ['a script that names no interpreter', 'echo run by "$0"\n'],
    ['an empty file', ''],
  ])('is not started by posix_spawn: %s', async (_what, text) => {
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const path = await writeProgram(harness.folder, 'script', text);
    await expectFailure(harness, { argv: [path] }, PROGRAM, 'ENOEXEC');
  });

  it('is run by the shell of the system with child_process, as execvp(3) does', async () => {
    const harness = await startHarness({ launcher: createLauncher('child_process') });
    const path = await writeProgram(harness.folder, 'script', 'echo run by "$0"\n');
    const target = await startShell(harness, '', { argv: [path] });
    const events = await collect(harness.processes.watchProcess(target));
    expect(outputOf(events).toString()).toBe(`run by ${path}\n`);
  });
});

describe('a working directory that goes while a process starts in it', () => {
  it('is what is said to be missing, and not the program', async () => {
    const launcher = createLauncher(LAUNCHER);
    const harness = await startHarness({
      launcher: {
        ...launcher,
        async launch(request) {
          if (request.cwd.endsWith('/going')) await rm(request.cwd, { recursive: true });
          return launcher.launch(request);
        },
      },
    });
    const cwd = join(harness.folder, 'going');
    await mkdir(cwd);
    await expectFailure(harness, { argv: [TRUE], cwd }, CWD, 'ENOENT');
  });
});
