import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A part of the server that encodes events for each watcher, put in place of one that does not. */
const ENCODING_AGAIN = {
  file: 'output/event-block.js',
  was: 'return { bytes: encoded.subarray(start, ends.at(last)), lastSeq: this.firstSeq + last };',
  becomes:
    'return { bytes: encodeAgain(this, encoded, start, ends.at(last)), lastSeq: this.firstSeq + last };',
  // What was decoded is kept, as by a server that keeps events as objects: to encode them
  // is all that is done for each watcher.
  follows: `
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { WatchProcessResponseSchema } from '../gen/runlet/v1/process_pb.js';
const decoded = new WeakMap();
function encodeAgain(block, encoded, start, end) {
  const key = start + '-' + end;
  if (!decoded.has(block)) decoded.set(block, new Map());
  const messages = decoded.get(block);
  if (!messages.has(key)) {
    const copy = Uint8Array.from(encoded.subarray(start, end));
    messages.set(key, fromBinary(WatchProcessResponseSchema, copy));
  }
  return Buffer.from(toBinary(WatchProcessResponseSchema, messages.get(key)));
}
`,
};

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

describe('the guard', () => {
  it('fails for a server whose launcher forks', async () => {
    const { code, missed } = await guard('start-held', '--server-flag=--launcher=child_process');
    expect(missed).toEqual(['start-held']);
    expect(code).toBe(1);
  });

  it('fails for a server that encodes events for each watcher', async () => {
    const dist = await copyOfServer();
    await patch(dist);
    const { code, missed } = await guard('encode-once', `--dist=${dist}`);
    expect(missed).toEqual(['encode-once']);
    expect(code).toBe(1);
  });

  it('passes for a copy of the server that is as it was', async () => {
    const { code, missed } = await guard('encode-once', `--dist=${await copyOfServer()}`);
    expect(missed).toEqual([]);
    expect(code).toBe(0);
  });
});

/** Measures one row; `missed` are the rows of which a ratio was out of its bound. */
async function guard(
  row: string,
  option: string,
): Promise<{ readonly code: number; readonly missed: readonly string[] }> {
  const args = [join(ROOT, 'bench/guard.mjs'), '--row', row, option];
  const { code, stderr, stdout } = await promisify(execFile)(process.execPath, args).then(
    (output) => ({ ...output, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  const missed = stderr.matchAll(/^guard: missed: ([^:]+):/gm);
  return { code, missed: [...new Set(Array.from(missed, ([, id]) => id ?? ''))] };
}

/** What was built, where it can be changed. */
async function copyOfServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-mutant-'));
  folders.push(folder);
  await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'dist');
}

/** Has a copy encode events for each watcher. Throws if that is no longer done as it was. */
async function patch(dist: string): Promise<void> {
  const { becomes, file, follows, was } = ENCODING_AGAIN;
  const path = join(dist, file);
  const text = await readFile(path, 'utf8');
  const parts = text.split(was);
  if (parts.length !== 2) throw new Error(`${file} does not hold once: ${was}`);
  await writeFile(path, `${parts.join(becomes)}${follows}`);
}
