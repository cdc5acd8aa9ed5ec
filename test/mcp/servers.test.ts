import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/client.ts';
import { callTool, type DrivenServer, driveServer } from '../support/mcp-client.ts';

const MIB = 1024 * 1024;

/** Every request had one response, and nothing came that the client could not place. */
function expectNoneDoubled({ errors, responses }: DrivenServer): void {
  expect([...responses.values()].every((count) => count === 1)).toBe(true);
  expect(errors).toEqual([]);
}

/** How many bytes come over the first connection that is broken, and how many more over each later one. */
const FIRST_CUT_BYTES = 4_096;
const CUT_GROWTH = 1.25;

/**
 * Breaks the connections again and again until the calls have their results. Each carries more
 * than the one before, or a large message would never get through.
 */
async function cutDuring<T>(driven: DrivenServer, calls: readonly Promise<T>[]): Promise<T[]> {
  const all = Promise.all(calls);
  let over = false;
  const settled = all.then(
    () => true,
    () => true,
  );
  void settled.then(() => {
    over = true;
  });
  let cuts = 0;
  for (let bytes = FIRST_CUT_BYTES; !over; bytes *= CUT_GROWTH) {
    const cut = driven.cutAfter(bytes).then(() => {
      cuts += 1;
    });
    await Promise.race([cut, settled]);
  }
  expect(cuts).toBeGreaterThan(0);
  return all;
}

describe('the server "everything" on a runlet server', () => {
  it('introduces itself, lists its tools and runs them', async () => {
    const driven = await driveServer('everything');
    const { client } = driven;
    expect(client.getServerVersion()?.name).toContain('everything');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['echo', 'get-sum', 'trigger-long-running-operation']),
    );
    expect(await callTool(client, 'echo', { message: 'over there' })).toBe('Echo: over there');
    expect(await callTool(client, 'get-sum', { a: 2, b: 40 })).toContain('42');
    expectNoneDoubled(driven);
  });

  it('is told that a call is cancelled, and answers others', async () => {
    const driven = await driveServer('everything');
    const { client, responses, session } = driven;
    const [info] = await session.processes();
    const server = await session.process(info?.id ?? '');
    // It stands still, so that it finds the call and its end together, however long both take.
    await server.kill('SIGSTOP');
    const before = responses.size;
    const controller = new AbortController();
    const long = { duration: 0.3, steps: 1 };
    const cancelled = errorOf(
      callTool(client, 'trigger-long-running-operation', long, { signal: controller.signal }),
    );
    // What was sent before is in its pipe once this is, of which it takes no notice.
    const arrived = async () =>
      client.transport?.send({ jsonrpc: '2.0', method: 'notifications/nothing' });
    await arrived();
    controller.abort(new Error('never mind'));
    expect((await cancelled).message).toContain('never mind');
    await arrived();
    await server.kill('SIGCONT');
    expect(await callTool(client, 'echo', { message: 'meanwhile' })).toBe('Echo: meanwhile');
    // Begun after it and as long, so the answer to the first would have come before.
    expect(await callTool(client, 'trigger-long-running-operation', long)).toContain('completed');
    expect(responses.size).toBe(before + 2);
    expectNoneDoubled(driven);
  });

  it('goes on with a call when the connection breaks in the middle of it', async () => {
    const driven = await driveServer('everything');
    const result = await callTool(
      driven.client,
      'trigger-long-running-operation',
      { duration: 0.5, steps: 5 },
      {
        onprogress: ({ progress }) => {
          if (progress === 1 || progress === 3) driven.cut();
        },
      },
    );
    expect(result).toContain('completed');
    // What the client makes of the last is its own affair: it takes none for a call that is
    // answered, and the answer may have come with it.
    expect(driven.progress).toEqual([1, 2, 3, 4, 5]);
    expect([...driven.responses.values()].every((count) => count === 1)).toBe(true);
  });

  it('answers every one of many calls once, while the connection breaks again and again', async () => {
    const driven = await driveServer('everything');
    const messages = Array.from({ length: 300 }, (_, i) => `number ${i} → ✓`);
    const calls = messages.map((message) => callTool(driven.client, 'echo', { message }));
    expect(await cutDuring(driven, calls)).toEqual(messages.map((message) => `Echo: ${message}`));
    expectNoneDoubled(driven);
  });
});

describe('the server "filesystem" on a runlet server', () => {
  it('lists its tools and writes a file', async () => {
    const driven = await driveServer('filesystem', (folder) => [folder]);
    const { client, harness } = driven;
    expect(client.getServerVersion()?.name).toContain('filesystem');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['read_text_file', 'write_file']),
    );
    const path = join(harness.folder, 'a.txt');
    await callTool(client, 'write_file', { path, content: 'written' });
    expect(await callTool(client, 'read_text_file', { path })).toBe('written');
    expectNoneDoubled(driven);
  });

  it('gives a result of 1 MiB', async () => {
    const driven = await driveServer('filesystem', (folder) => [folder]);
    const path = join(driven.harness.folder, 'large.txt');
    const content = 'a line of text → ✓\n'.repeat(MIB).slice(0, MIB);
    await writeFile(path, content);
    const text = await callTool(driven.client, 'read_text_file', { path });
    // Not compared by the test's own means, which would print both.
    expect(text === content).toBe(true);
    expectNoneDoubled(driven);
  });

  it('gives several such results while the connection breaks again and again', async () => {
    const driven = await driveServer('filesystem', (folder) => [folder]);
    const contents = Array.from({ length: 5 }, (_, i) => `${i} of many\n`.repeat(MIB / 10));
    const paths = contents.map((_, i) => join(driven.harness.folder, `${i}.txt`));
    await Promise.all(paths.map((path, i) => writeFile(path, contents[i] ?? '')));
    const calls = paths.map((path) => callTool(driven.client, 'read_text_file', { path }));
    const texts = await cutDuring(driven, calls);
    expect(texts.map((text, i) => text === contents[i])).toEqual(contents.map(() => true));
    expectNoneDoubled(driven);
  });
});
