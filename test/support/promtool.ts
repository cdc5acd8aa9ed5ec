import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { hasTool } from './needed-tools.ts';

/** Whether promtool(1) of Prometheus is there. */
export const HAS_PROMTOOL = hasTool('promtool', '--version');

/** Runs it; resolves with its exit code, and what it says. */
export async function promtool(
  args: readonly string[],
  stdin = '',
): Promise<{ readonly code: number; readonly said: string }> {
  const child = spawn('promtool', args);
  const exited = once(child, 'close') as Promise<[number]>;
  child.stdin.end(stdin);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exited;
  return { code, said: out + err };
}
