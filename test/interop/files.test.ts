import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FILES_PAGE,
  installGrpcurl,
  parseMessages,
  runPageCommands,
  type ServedProcess,
  serve,
  type Transcript,
} from './support.ts';

let server: ServedProcess | undefined;
let transcript: Transcript;

/** What a block of the page printed, message by message. */
function printed(block: string): readonly Record<string, unknown>[] {
  const text = transcript.get(block);
  if (text === undefined) throw new Error(`the page has no block of commands named ${block}`);
  return parseMessages(text);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

beforeAll(async () => {
  await installGrpcurl();
  server = await serve();
  transcript = await runPageCommands(server.address, FILES_PAGE);
});

// Also if the above failed halfway.
afterAll(async () => {
  if (server !== undefined) expect(await server.stop()).toBe(0);
});

describe('the commands of docs/files.md', () => {
  it('write a file', () => {
    expect(printed('write')).toMatchObject([
      { file: { kind: 'FILE_KIND_REGULAR', size: '12', mode: 0o600 }, sha256: expect.any(String) },
    ]);
  });

  it('read it, and a part of it', () => {
    const dataOf = (messages: readonly Record<string, unknown>[]): unknown[] =>
      messages.flatMap(({ data }) => (data === undefined ? [] : [data]));
    const messages = printed('read');
    expect(dataOf(messages)).toEqual([
      { data: base64('hello world\n') },
      { offset: '6', data: base64('world') },
    ]);
    expect(messages.at(-1)).toMatchObject({ end: { bytes: '5' } });
  });

  it('write nothing over what it was not to be', () => {
    expect(printed('version')).toEqual([]);
  });

  it('go on with an upload that broke', () => {
    expect(printed('upload')).toMatchObject([
      { acceptedOffset: '4' },
      { file: { size: '8', kind: 'FILE_KIND_REGULAR' } },
    ]);
  });

  it('make a folder, move into it, and list', () => {
    const [made, moved, ...rest] = printed('change');
    expect(made).toMatchObject({ file: { kind: 'FILE_KIND_DIRECTORY' } });
    expect(moved).toMatchObject({ file: { path: expect.stringMatching(/\/a\/moved$/) } });
    const paths = rest.flatMap(({ files = [] }) =>
      (files as { readonly path: string }[]).map(({ path }) => path.replace(/^.*\/a\//, '')),
    );
    // The listing in as many messages as it came in, and then the walk.
    expect(paths.slice(0, 2).toSorted()).toEqual(['b', 'moved']);
    expect(paths.slice(2)).toEqual(['moved']);
    expect(rest.at(-1)).toMatchObject({ summary: { entries: '1' } });
  });

  it('watch it', () => {
    expect(printed('watch')).toEqual([{ started: {} }]);
  });

  it('remove it', () => {
    expect(printed('remove')).toEqual([{}]);
  });
});
