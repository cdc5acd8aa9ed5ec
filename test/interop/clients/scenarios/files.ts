import { createCipheriv, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CallFailure } from '../driver.ts';
import { sha256 } from '../numbers.ts';
import type { DownloadFacts, Facts } from '../protocol.ts';
import type { Scenario } from '../scenario.ts';
import { failureOf, type Stage, summaryOf } from '../stage.ts';

const MIB = 1024 * 1024;

const HUGE = 64 * MIB;
/** Half of it, about: what is on its way at a cut is lost. */
const CUT_AFTER = HUGE / 2;

/** More than one message of a listing has. */
const MANY = 300;

/** In ISO 8859-1, where it is `café`. */
const ODD_NAME = Buffer.from('636166e9', 'hex');

/** Bytes of which no part is like another, the same every time. */
const noise = (bytes: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes));

const HASH = sha256(noise(HUGE));

/** A file of the driver's machine. */
async function written(stage: Stage, name: string, data: string | Buffer): Promise<string> {
  const path = join(stage.folder, name);
  await writeFile(path, data);
  return path;
}

/** How often a client may have to ask until it has noticed that its connection is gone. */
const TRIES = 20;

/** How far an upload is, after a cut: not every library waits for a new connection by itself. */
async function uploadOf(
  stage: Stage,
  upload: { readonly upload_id: string },
): Promise<Facts<'get_upload'>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await stage.perform('get_upload', upload);
    } catch (error) {
      const isAnswer = !(error instanceof CallFailure) || error.facts.reason !== undefined;
      if (isAnswer || tries === TRIES) throw error;
    }
  }
}

/** How much of a download came by the last call alone is up to the connection. */
function withoutEnd({ bytes, end, exact, sha256: hash }: DownloadFacts) {
  return { bytes, exact, hash, resumed: end.bytes > 0 && end.bytes < bytes };
}

/** Files of the server's machine. */
export const FILES: readonly Scenario[] = [
  {
    name: 'a folder is listed with all that is in it, and what is none says so',
    async play(stage) {
      const path = join(stage.folder, 'listed');
      await mkdir(join(path, 'folder'), { recursive: true });
      await symlink('nowhere', join(path, 'link'));
      const names = Array.from({ length: MANY }, (_, i) => `file ${i} ✓`);
      await Promise.all(names.map((name, i) => writeFile(join(path, name), 'x'.repeat(i))));
      const { files } = await stage.perform('list_files', { path });
      const of = (kind: string) => files.filter((file) => file.kind === kind);
      const regular = of('FILE_KIND_REGULAR');
      const failures = [join(path, 'none'), join(path, 'file 0 ✓')].map((wrong) =>
        failureOf(stage.perform('list_files', { path: wrong })),
      );
      return {
        count: files.length,
        folders: of('FILE_KIND_DIRECTORY').map((file) => file.path === join(path, 'folder')),
        links: of('FILE_KIND_SYMLINK').map(({ size }) => size),
        regular: new Set(regular.map((file) => file.path)).size,
        same: regular.every((file) => file.path === join(path, `file ${file.size} ✓`)),
        versions: new Set(files.map(({ version }) => version)).size,
        failures: (await Promise.all(failures)).map(
          ({ code, errno_name, reason }) => `${code}/${reason}: ${errno_name}`,
        ),
      };
    },
    expected: {
      count: MANY + 2,
      folders: [true],
      links: ['nowhere'.length],
      regular: MANY,
      same: true,
      versions: MANY + 2,
      failures: [
        'NOT_FOUND/FILE_NOT_FOUND: ENOENT',
        'FAILED_PRECONDITION/NOT_A_DIRECTORY: ENOTDIR',
      ],
    },
  },
  {
    name: 'an upload of 64 MiB that is cut goes on where it was, and its download as well',
    bulky: true,
    async play(stage) {
      const from = await written(stage, 'source', noise(HUGE));
      const folder = join(stage.folder, 'uploaded');
      await mkdir(folder);
      const path = join(folder, 'file');
      const proxy = await stage.throughProxy();
      const upload = { path, from, upload_id: randomUUID() };
      proxy.cutAfter(CUT_AFTER, 'client');
      const reasons = [(await failureOf(stage.perform('upload', upload))).reason];
      const before = await readdir(folder);
      const { accepted_offset: offset, finished } = await uploadOf(stage, upload);
      const answer = await stage.perform('upload', { ...upload, offset });
      const hash = sha256(await readFile(path));
      proxy.cutAfter(CUT_AFTER);
      reasons.push((await failureOf(stage.perform('download', { path, reader: 'r' }))).reason);
      const after = await uploadOf(stage, upload);
      const download = await stage.perform('download', { path, reader: 'r' });
      return {
        reasons,
        appearedWhole: !before.includes('file'),
        resumed: offset > 0 && offset < HUGE,
        finished: [finished, after.finished],
        size: answer.file.size,
        hashes: [hash, answer.sha256],
        left: await readdir(folder),
        download: withoutEnd(download),
        sameVersion: download.file.version === answer.file.version,
      };
    },
    expected: {
      // The library gives the status, and not every library the same; none has a reason.
      reasons: [undefined, undefined],
      appearedWhole: true,
      resumed: true,
      finished: [false, true],
      size: HUGE,
      hashes: [HASH, HASH],
      left: ['file'],
      download: { bytes: HUGE, exact: true, hash: HASH, resumed: true },
      sameVersion: true,
    },
  },
  {
    name: 'a file is replaced only where it is the version that was read',
    async play(stage) {
      const path = join(stage.folder, 'state');
      const first = await written(stage, 'first', 'first');
      const second = await written(stage, 'second', 'second');
      const { file } = await stage.perform('upload', { path, from: first });
      await writeFile(path, 'by others');
      const stale = { path, from: second, if_version: file.version };
      const refused = await summaryOf(stage.perform('upload', stale));
      const kept = await readFile(path, 'utf8');
      const { file: known } = await stage.perform('download', { path, reader: 'r' });
      const fresh = { ...stale, if_version: known.version };
      const { file: replaced } = await stage.perform('upload', fresh);
      return {
        refused,
        kept,
        content: await readFile(path, 'utf8'),
        told: replaced.version !== known.version && replaced.path === path,
        left: (await readdir(stage.folder)).sort(),
      };
    },
    expected: {
      refused: 'FAILED_PRECONDITION/VERSION_MISMATCH',
      kept: 'by others',
      content: 'second',
      told: true,
      left: ['first', 'second', 'state'],
    },
  },
  {
    name: 'a name that is not UTF-8 is written, listed and read by its bytes',
    async play(stage) {
      const folder = join(stage.folder, 'odd');
      await mkdir(folder);
      const bytes = Buffer.concat([Buffer.from(`${folder}/`), ODD_NAME]);
      const raw_path = bytes.toString('base64');
      const from = await written(stage, 'source', 'odd\n');
      const { file } = await stage.perform('upload', { raw_path, from });
      const { files } = await stage.perform('list_files', { path: folder });
      const download = await stage.perform('download', { raw_path, reader: 'r' });
      const [shown] = files;
      const missing = Buffer.concat([bytes, ODD_NAME]).toString('base64');
      const { code, errno_name, reason } = await failureOf(
        stage.perform('download', { raw_path: missing, reader: 'none' }),
      );
      return {
        names: (await readdir(folder, { encoding: 'buffer' })).map((name) => name.equals(ODD_NAME)),
        told: [file, shown, download.file].map((each) => each?.raw_path === raw_path),
        shown: shown?.path === `${folder}/caf\u{fffd}`,
        content: download.sha256 === sha256(Buffer.from('odd\n')),
        end: download.end.sha256 === download.sha256,
        missing: `${code}/${reason}: ${errno_name}`,
      };
    },
    expected: {
      names: [true],
      told: [true, true, true],
      shown: true,
      content: true,
      end: true,
      missing: 'NOT_FOUND/FILE_NOT_FOUND: ENOENT',
    },
  },
];
