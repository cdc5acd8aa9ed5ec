import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './harness.ts';

const PROGRAM = fileURLToPath(new URL('./notices.py', import.meta.url));

/** What a service has told its manager. */
export interface Told {
  /** Who, as the kernel says. */
  readonly pid: number;
  readonly notice: Readonly<Record<string, string>>;
}

/** What a service manager is as far as services tell it something. */
export interface NoticesReceiver {
  /** What `NOTIFY_SOCKET` says. */
  readonly where: string;
  /** The next of what is told. */
  next(): Promise<Told>;
  /** All that is told up to the first that is meant, that included. */
  until(isMeant: (told: Told) => boolean): Promise<readonly Told[]>;
  /** All that was told before now and is not read. */
  before(): Promise<readonly Told[]>;
}

/** A line of the program. */
type Line = Told | { readonly ready: true } | { readonly mark: string };

/** Receives what is told at a socket, until the test is over. Default: a new one with a path. */
export async function receiveNotices(name?: string): Promise<NoticesReceiver> {
  const where = name ?? join(await temporaryFolder(), 'notify');
  const child: ChildProcess = spawn('python3', [PROGRAM, where], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('it has no pipes');
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    stdin.end();
    await ended;
  });
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  const read = async (): Promise<Line> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error('nothing is received any more');
    return JSON.parse(value) as Line;
  };
  await read();
  let marks = 0;
  const next = async (): Promise<Told> => {
    const line = await read();
    if ('notice' in line) return line;
    throw new Error(`it was not told: ${JSON.stringify(line)}`);
  };
  return {
    where,
    next,
    async until(isMeant) {
      const all: Told[] = [];
      do all.push(await next());
      while (!all.slice(-1).some(isMeant));
      return all;
    },
    async before() {
      const mark = String(marks++);
      stdin.write(`${mark}\n`);
      const all: Told[] = [];
      for (let line = await read(); 'notice' in line; line = await read()) all.push(line);
      return all;
    },
  };
}
