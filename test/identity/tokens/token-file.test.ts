import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openTokenFile } from '../../../src/identity/tokens/token-file.ts';
import { FILES_LOOK_MS, MAX_TOKEN_FILE_BYTES } from '../../../src/limits.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { linedToken } from '../../support/token-server.ts';
import { seedOf } from '../../support/tokens.ts';

const ADA = linedToken('ada', { seed: seedOf(1) });
const BEN = linedToken('ben', { seed: seedOf(2) });

/**
 * A file that is looked at when a test says so. One that was changed long ago is read only if its
 * facts tell that it has changed.
 */
async function opened(path: string, changed: 'now' | 'long ago' = 'now') {
  if (changed === 'long ago') {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    onTestFinished(() => void vi.useRealTimers());
  }
  const clock = new FakeClock();
  const said: string[] = [];
  const say = (facts: object, message: string): void => {
    said.push(`${message} ${JSON.stringify(facts)}`);
  };
  const file = await openTokenFile({ path, clock, log: { info: say, error: say } });
  onTestFinished(() => file.close());
  return {
    said,
    /** Who is in it now. */
    async look(): Promise<readonly string[]> {
      for (const _ of ['found', 'found the same']) {
        clock.advance(FILES_LOOK_MS);
        // The next look is set when this one is over.
        await expect.poll(() => clock.pending).toBe(1);
      }
      return [ADA, BEN].flatMap(({ publicKey }) => file.lineOf(publicKey)?.name ?? []);
    },
    lineOf: (publicKey: string) => file.lineOf(publicKey),
  };
}

async function written(content: string, mode = 0o644): Promise<string> {
  const path = join(await temporaryFolder(), 'tokens');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const openOf = (path: string): Promise<unknown> => opened(path);

describe('a token file', () => {
  it.each([0o600, 0o400, 0o644, 0o444])('is taken with mode %o', async (mode) => {
    const { look } = await opened(await written(`${ADA.line}\n`, mode));
    expect(await look()).toEqual(['ada']);
  });

  it.each([0o620, 0o602, 0o666])('is refused with mode %o', async (mode) => {
    const path = await written(`${ADA.line}\n`, mode);
    await expect(openOf(path)).rejects.toThrow(`token file ${path}: other users can write to it`);
  });

  it.skipIf(process.getuid?.() !== 0)('is refused if it is of another user', async () => {
    const path = await written(`${ADA.line}\n`, 0o600);
    chownSync(path, 65534, 65534);
    await expect(openOf(path)).rejects.toThrow('it belongs to another user');
  });

  it('is refused if it is empty, and lets nobody in with a comment alone', async () => {
    await expect(openOf(await written(''))).rejects.toThrow('it is empty');
    const { look } = await opened(await written('# nobody\n'));
    expect(await look()).toEqual([]);
  });

  it('is refused if it is too large', async () => {
    const path = await written('#\n');
    truncateSync(path, MAX_TOKEN_FILE_BYTES + 1);
    await expect(openOf(path)).rejects.toThrow('it has more than');
  });

  it('is refused if it is no file, without waiting for whatever it is', async () => {
    const folder = await temporaryFolder();
    await expect(openOf(folder)).rejects.toThrow('it is no file');
    await expect(openOf(join(folder, 'none'))).rejects.toThrow('it cannot be read (ENOENT)');
    const pipe = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    await expect(openOf(pipe)).rejects.toThrow('it is no file');
  });

  it('is refused with the line that is wrong, and nothing of what is in it', async () => {
    const path = await written(`${ADA.line}\n${BEN.token}\n`);
    const error: unknown = await openOf(path).catch((caught: unknown) => caught);
    expect(String(error)).toMatch(/tokens: line 2: it has a token, where only/);
    expect(String(error)).not.toContain(BEN.token.slice(5));
  });

  it('may have lines that end as those of Windows do, and a last one that does not', async () => {
    const { look } = await opened(await written(`${ADA.line}\r\n${BEN.line}`));
    expect(await look()).toEqual(['ada', 'ben']);
  });
});

describe('a token file that changes', () => {
  it('is read again if another takes its place', async () => {
    const path = await written(`${ADA.line}\n`);
    const { look, said } = await opened(path, 'long ago');
    writeFileSync(`${path}.new`, `${BEN.line}\n`);
    renameSync(`${path}.new`, path);
    expect(await look()).toEqual(['ben']);
    expect(said.at(-1)).toBe(`the token file was read {"path":"${path}","tokens":1}`);
  });

  it('is read again if it is written in place, also to the same size', async () => {
    const path = await written(`${ADA.line}\n`);
    const { look } = await opened(path);
    appendFileSync(path, `${BEN.line}\n`);
    expect(await look()).toEqual(['ada', 'ben']);
    writeFileSync(path, `${BEN.line}\n#${'-'.repeat(ADA.line.length - 1)}\n`);
    expect(await look()).toEqual(['ben']);
  });

  it('is read again if a link on its way leads elsewhere, as secrets of Kubernetes do', async () => {
    const folder = await temporaryFolder();
    for (const [name, { line }] of [
      ['..1', ADA],
      ['..2', BEN],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'tokens'), `${line}\n`);
    }
    symlinkSync('..1', join(folder, '..data'));
    symlinkSync('..data/tokens', join(folder, 'tokens'));
    const { look } = await opened(join(folder, 'tokens'), 'long ago');
    expect(await look()).toEqual(['ada']);
    symlinkSync('..2', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    expect(await look()).toEqual(['ben']);
  });

  it('keeps what it had while it is wrong, which is said once, and without what is in it', async () => {
    const path = await written(`${ADA.line}\n`);
    const { look, said } = await opened(path);
    writeFileSync(path, `${BEN.line}\nsecret words\n`);
    expect(await look()).toEqual(['ada']);
    expect(await look()).toEqual(['ada']);
    const wrong = said.filter((line) => line.includes('not used'));
    expect(wrong).toEqual([
      `the token file is not used: what it had before holds {"path":"${path}","problem":"line 2: the public key is not base64url of the 32 bytes of one"}`,
    ]);
    writeFileSync(path, `${BEN.line}\n`);
    expect(await look()).toEqual(['ben']);
  });

  it('keeps what it had while others could write to it, and while it is empty', async () => {
    const path = await written(`${ADA.line}\n`);
    const { look, said } = await opened(path);
    writeFileSync(path, `${BEN.line}\n`);
    chmodSync(path, 0o666);
    expect(await look()).toEqual(['ada']);
    chmodSync(path, 0o600);
    truncateSync(path);
    expect(await look()).toEqual(['ada']);
    expect(said.filter((line) => line.includes('not used'))).toHaveLength(2);
    writeFileSync(path, `${BEN.line}\n`);
    expect(await look()).toEqual(['ben']);
  });

  it('keeps what it had if it is removed, which is said once each time', async () => {
    const path = await written(`${ADA.line}\n`);
    const { look, said } = await opened(path);
    for (const times of [1, 2]) {
      unlinkSync(path);
      expect(await look()).toEqual(['ada']);
      expect(await look()).toEqual(['ada']);
      expect(said.filter((line) => line.includes('ENOENT'))).toHaveLength(times);
      writeFileSync(path, `${ADA.line}\n`);
      expect(await look()).toEqual(['ada']);
    }
  });

  it('has the same object for a line that says the same', async () => {
    const path = await written(`${ADA.line}\n`);
    const { look, lineOf } = await opened(path);
    const before = lineOf(ADA.publicKey);
    writeFileSync(path, `# again\n\n${ADA.line}\n${BEN.line}\n`);
    expect(await look()).toEqual(['ada', 'ben']);
    expect(lineOf(ADA.publicKey)).toBe(before);
    writeFileSync(path, `${ADA.line} not-after=2030-01-01T00:00:00Z\n`);
    expect(await look()).toEqual(['ada']);
    expect(lineOf(ADA.publicKey)).not.toBe(before);
  });
});
