import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openAuditFile } from '../../src/telemetry/audit-target.ts';
import { temporaryFolder } from '../support/harness.ts';

/** What is no regular file, by what it is called, and how it comes to be at a path. */
const OTHERS: Readonly<Record<string, (path: string) => unknown>> = {
  'a symbolic link': (path) => symlinkSync(`${path}-target`, path),
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a socket': async (path) => {
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
  },
};

describe('what the audit is written to', () => {
  it.each(Object.entries(OTHERS))('is not %s', async (kind, make) => {
    const path = join(await temporaryFolder(), 'audit');
    await make(path);
    await expect(openAuditFile(path)).rejects.toThrow(
      `the audit is written to a regular file, and ${path} is ${kind}`,
    );
    // Nothing was made through it.
    expect(existsSync(`${path}-target`)).toBe(false);
  });

  it('is not a device, nor a directory', async () => {
    await expect(openAuditFile('/dev/null')).rejects.toThrow('/dev/null is a device');
    await expect(openAuditFile('/')).rejects.toThrow('/ is a directory');
  });

  it('keeps what it has', async () => {
    const path = join(await temporaryFolder(), 'audit');
    writeFileSync(path, '{}\n');
    const { fd, torn } = await openAuditFile(path);
    closeSync(fd);
    expect([torn, readFileSync(path, 'utf8')]).toEqual([false, '{}\n']);
  });
});
