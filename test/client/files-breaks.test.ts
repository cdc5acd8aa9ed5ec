import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RemoteSession, WatchEvent } from '../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const MIB = 1024 * 1024;

interface Rig {
  readonly proxy: TcpProxy;
  readonly session: RemoteSession;
  readonly folder: string;
}

async function startRig(): Promise<Rig> {
  const { address } = await startHarness();
  const proxy = await startProxy(address);
  const session = await connectTo(proxy.address, QUICK).session();
  return { proxy, session, folder: await temporaryFolder() };
}

/** Cuts the connection, and lets none through until `meanwhile` is over. */
async function whileAway(
  { proxy, session }: Rig,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  proxy.admit(false);
  proxy.cut();
  await expect.poll(() => session.connected).toBe(false);
  await meanwhile();
  proxy.admit(true);
}

describe('a client that lost its connection', () => {
  const content = randomBytes(32 * MIB);

  /** Reads a file, of which something else becomes while the connection is away. */
  async function readWhile(become: (path: string) => Promise<unknown>): Promise<Error> {
    const rig = await startRig();
    const path = join(rig.folder, 'file');
    await writeFile(path, content);
    const pieces = rig.session.files.read(path)[Symbol.asyncIterator]();
    await pieces.next();
    await whileAway(rig, () => become(path));
    const rest = async (): Promise<void> => {
      while (!(await pieces.next()).done);
    };
    return errorOf(rest());
  }

  it('reads no other content than that which it began with', async () => {
    const changed = { name: 'FileError', reason: 'FILE_CHANGED' };
    expect(await readWhile((path) => writeFile(path, content))).toMatchObject(changed);
    expect(await readWhile((path) => rm(path))).toMatchObject(changed);
    const replace = async (path: string): Promise<void> => {
      await rm(path);
      await mkdir(path);
    };
    expect(await readWhile(replace)).toMatchObject(changed);
  });

  it('goes on listing and walking, with each file once', async () => {
    const rig = await startRig();
    const names = Array.from({ length: 3000 }, (_, i) => `file-${String(i).padStart(5, '0')}`);
    await Promise.all(names.map((name) => writeFile(join(rig.folder, name), '')));
    for (const way of ['list', 'walk'] as const) {
      const seen: string[] = [];
      for await (const { path } of rig.session.files[way](rig.folder)) {
        seen.push(path.slice(rig.folder.length + 1));
        if (seen.length === 10) await whileAway(rig, async () => {});
      }
      expect(way === 'list' ? seen.sort() : seen).toEqual(names);
    }
  });

  it('is told that it missed changes, and of those that come then', async () => {
    const rig = await startRig();
    const changes = await rig.session.files.watch(rig.folder);
    const next = async (): Promise<WatchEvent | undefined> => (await changes.next()).value;
    const first = next();
    await writeFile(join(rig.folder, 'one'), '');
    expect(await first).toMatchObject({ kind: 'created', path: join(rig.folder, 'one') });
    await whileAway(rig, () => writeFile(join(rig.folder, 'two'), ''));
    for (let event = await next(); event?.kind !== 'overflow'; event = await next()) {
      expect(event).toMatchObject({ path: join(rig.folder, 'one') });
    }
    // At once for the server, which is in this process: it may read a half of it otherwise.
    renameSync(join(rig.folder, 'two'), join(rig.folder, 'three'));
    expect(await next()).toMatchObject({
      kind: 'moved',
      path: join(rig.folder, 'three'),
      fromPath: join(rig.folder, 'two'),
    });
    await rm(rig.folder, { recursive: true });
    const last: WatchEvent[] = [];
    for await (const event of changes) last.push(event);
    expect(last.at(-1)).toMatchObject({ kind: 'removed', path: rig.folder });
  });

  it('does once what it was asked to do meanwhile', async () => {
    const rig = await startRig();
    const { files } = rig.session;
    const at = (name: string): string => join(rig.folder, name);
    await writeFile(at('one'), '1');
    let done: Promise<unknown> = Promise.resolve();
    await whileAway(rig, async () => {
      done = Promise.all([
        files.move(at('one'), at('two')),
        files.write(at('three'), '3'),
        files.makeDirectory(at('four')),
        files.symlink(at('five'), 'three'),
      ]);
    });
    await done;
    expect((await readdir(rig.folder)).sort()).toEqual(['five', 'four', 'three', 'two']);
    expect(await readFile(at('five'), 'utf8')).toBe('3');
  });

  it('says that it does not know what was done where the answer was lost', async () => {
    const rig = await startRig();
    const { files } = rig.session;
    const path = join(rig.folder, 'new');
    // Each is asked for again, and refused since it was done.
    const lost = async (call: () => Promise<unknown>, done: () => Promise<unknown>) => {
      rig.proxy.freeze('server');
      const outcome = errorOf(call());
      await expect.poll(done).toBe(true);
      rig.proxy.cut();
      expect(await outcome).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcomeUnknown: true });
    };
    await lost(
      () => files.makeDirectory(path),
      async () => (await readdir(rig.folder)).length === 1,
    );
    await lost(
      () => files.remove(path),
      async () => (await readdir(rig.folder)).length === 0,
    );
  });

  it('ends an archive that cannot be gone on with, and sends one again that can', async () => {
    const rig = await startRig();
    const { files } = rig.session;
    await mkdir(join(rig.folder, 'from'));
    for (let i = 0; i < 8; i += 1) await writeFile(join(rig.folder, 'from', `${i}`), content);
    const archive = files.readTree(join(rig.folder, 'from'));
    const pieces: Buffer[] = [];
    const readAll = async (): Promise<void> => {
      for await (const piece of archive) {
        pieces.push(piece);
        if (pieces.length === 3) await whileAway(rig, async () => {});
      }
    };
    expect(await errorOf(readAll())).toMatchObject({ code: 'INTERRUPTED' });
    const whole: Buffer[] = [];
    for await (const piece of files.readTree(join(rig.folder, 'from'))) whole.push(piece);
    const cut = rig.proxy.cutAfter(20 * MIB, 'client');
    const give = async function* (): AsyncGenerator<Uint8Array> {
      yield* whole;
    };
    const written = await files.writeTree(join(rig.folder, 'to'), give);
    await cut;
    expect(written).toMatchObject({ entries: 9, bytes: 8 * content.length });
    expect((await readFile(join(rig.folder, 'to', '7'))).equals(content)).toBe(true);
    const again = files.writeTree(join(rig.folder, 'three'), give());
    await rig.proxy.cutAfter(MIB, 'client');
    expect(await errorOf(again)).toMatchObject({ code: 'INTERRUPTED' });
    // What had come is removed by the server once it sees that nobody sends more.
    await expect.poll(async () => (await readdir(rig.folder)).sort()).toEqual(['from', 'to']);
  });
});
