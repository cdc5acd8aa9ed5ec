import { constants } from 'node:os';
import type { Clock } from '../../clock.ts';
import { MAX_TOOL_OUTPUT_BYTES, TOOL_MS } from '../../limits.ts';
import { textOfBytes } from '../../system-text.ts';
import type { LaunchedProcess, Launcher } from '../launcher.ts';
import { signalProcess } from '../signals.ts';

/** What came of a tool. */
export interface ToolResult {
  /** Undefined: it was killed, by us if it took too long or wrote too much. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** Runs tools of the system: as this program's user, with a clean environment, in bounded time. */
export type RunTool = (program: string, args: readonly string[]) => Promise<ToolResult>;

/** Tools as a launcher starts them. Each rejects with `START_FAILED` if it cannot be started. */
export function toolRunner(launcher: Launcher, clock: Clock): RunTool {
  return async (program, args) => {
    const tool = await launcher.launch({
      program,
      arg0: program,
      args,
      cwd: '/',
      // None that whoever asks has chosen: it may run as root.
      env: new Map([
        ['PATH', '/usr/bin:/bin'],
        ['LC_ALL', 'C'],
      ]),
      stdin: 'closed',
      mergeStderr: false,
      terminal: undefined,
      limits: undefined,
    });
    const kill = (): void => {
      if (!tool.reaped()) signalProcess(tool.pid, constants.signals.SIGKILL);
    };
    const timer = clock.setTimer(TOOL_MS, kill);
    const stdout = collect(tool, kill);
    try {
      const { status } = await tool.exited;
      const code = 'code' in status ? status.code : undefined;
      return { code, stdout: textOfBytes(Buffer.concat(stdout)) };
    } finally {
      timer.cancel();
      for (const stream of Object.values(tool.output)) stream.destroy();
      tool.kin?.release();
    }
  };
}

/** What it writes to standard output, as far as that is taken; the rest ends it. */
function collect(tool: LaunchedProcess, tooMuch: () => void): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let length = 0;
  tool.output.stdout?.on('data', (chunk: Buffer) => {
    length += chunk.byteLength;
    // It is its own only until this returns.
    if (length <= MAX_TOOL_OUTPUT_BYTES) chunks.push(Buffer.from(chunk));
    else tooMuch();
  });
  tool.output.stderr?.resume();
  return chunks;
}
