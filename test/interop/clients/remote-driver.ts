import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Access, environmentOf } from './access.ts';
import { CallFailure, type Driver, type OpenOperation, openOperation } from './driver.ts';
import type { FailureFacts, Note } from './protocol.ts';

/** A line that a driver prints. */
interface Reply {
  readonly id: number;
  readonly note?: Note;
  readonly result?: unknown;
  readonly error?: FailureFacts;
}

/** A program, with its arguments, and the folder in which it is run. */
export interface Program {
  readonly argv: readonly [string, ...string[]];
  readonly folder: string;
}

/** Starts a driver that is a program. */
export function startDriver({ argv: [file, ...args], folder }: Program, access: Access): Driver {
  const env = environmentOf(access);
  const child = spawn(file, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const underWay = new Map<number, OpenOperation<unknown>>();
  let latest = 0;
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, note, result, error } = JSON.parse(line) as Reply;
    const operation = underWay.get(id);
    if (note !== undefined) return operation?.tell(note);
    underWay.delete(id);
    if (error !== undefined) operation?.fail(new CallFailure(error));
    else operation?.succeed(result);
  });
  let ended: Error | undefined;
  const gone = exited.then(([code, signal]) => {
    ended = new Error(`the driver ${file} ended with ${code ?? signal}`);
    for (const operation of underWay.values()) operation.fail(ended);
    return code;
  });
  return {
    begin(address, op, params) {
      const id = ++latest;
      const operation = openOperation<never>();
      if (ended !== undefined) operation.fail(ended);
      underWay.set(id, operation as OpenOperation<unknown>);
      child.stdin.write(`${JSON.stringify({ id, op, address, ...params })}\n`);
      return operation.running;
    },
    async end() {
      child.stdin.end();
      const code = await gone;
      if (code !== 0) throw new Error(`the driver ${file} ended with ${code}`);
    },
  };
}
