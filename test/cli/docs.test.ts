import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as exitCodes from '../../src/cli/exit-codes.ts';
import { processLine } from '../../src/cli/process-line.ts';
import type { ProcessInfo } from '../../src/client/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const INFO: ProcessInfo = {
  id: 'id',
  sessionId: 'session',
  state: 'running',
  pid: 1,
  sandbox: '',
  rawArgv: undefined,
  argv: ['true'],
  labels: {},
  startTime: new Date(0),
  lastSeq: 1,
  hasTerminal: false,
  terminal: undefined,
  hasStdin: false,
  overflow: undefined,
  exit: undefined,
  exitTime: undefined,
  closure: undefined,
  closeTime: undefined,
};

describe('docs/cli.md', () => {
  it('has the help of every command as it is', async () => {
    await promisify(execFile)(process.execPath, ['scripts/cli-docs.mjs', '--check'], { cwd: ROOT });
  });

  it('has every exit code, and every key of a process', async () => {
    const page = await readFile(`${ROOT}/docs/cli.md`, 'utf8');
    for (const code of Object.values(exitCodes)) {
      if (typeof code === 'number') expect(page).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
    }
    for (const key of Object.keys(processLine(INFO))) expect(page).toContain(`\`${key}\``);
  });
});
