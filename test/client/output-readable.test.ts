import { describe, expect, it, onTestFinished } from 'vitest';
import type { FeedMember, OutputFeed } from '../../src/client/output-feed.ts';
import { OutputReadable } from '../../src/client/output-readable.ts';

/** What the program fails of, in place of ending the tests. */
function uncaught(): Promise<unknown> {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  return new Promise((resolve) => process.once('uncaughtException', resolve));
}

/** A stream that is being read, and what feeds it. */
function begin(listen: (stream: OutputReadable) => void): Promise<[OutputReadable, FeedMember]> {
  return new Promise((resolve) => {
    const stream = new OutputReadable('stdout', (member) => {
      const feed = { resume: () => {}, leave: () => {} } as unknown as OutputFeed;
      member.feed = feed;
      setImmediate(() => resolve([stream, member]));
      return feed;
    });
    listen(stream);
    stream.resume();
  });
}

describe('a listener that throws', () => {
  it.each(['data', 'gap'])(
    'is an error of the program, and none of the stream (%s)',
    async (of) => {
      const got: string[] = [];
      const thrown = new Error('a mistake');
      const [stream, member] = await begin((begun) => {
        begun.on('data', (data: Buffer) => got.push(data.toString()));
        begun.once(of, () => {
          throw thrown;
        });
      });
      const failure = uncaught();
      member.gap({ stream: 'stdout', offset: 0, length: 1 });
      expect(member.push(Buffer.from('one'))).toBe(true);
      expect(await failure).toBe(thrown);
      member.push(Buffer.from('two'));
      expect(got).toEqual(['one', 'two']);
      expect([stream.destroyed, stream.gaps.length]).toEqual([false, 1]);
    },
  );
});
