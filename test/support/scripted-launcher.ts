import { PassThrough } from 'node:stream';
import type {
  LaunchedProcess,
  Launcher,
  LaunchRequest,
  ProcessEnd,
} from '../../src/process/launcher.ts';
import type { StartRequest } from '../../src/process/process-table.ts';

/**
 * Launches processes that exist in the test alone, and end when it says so. For
 * tests of what is above processes; their pids are beyond what a kernel gives, so
 * that no signal reaches anybody.
 */
export class ScriptedLauncher implements Launcher {
  readonly name = 'scripted';
  readonly terminals = false;
  readonly limits = false;
  readonly mergesStderr = false;
  readonly bytes = false;
  readonly tree = 'parents';
  readonly #exits: (() => void)[] = [];
  #nextPid = 0x3fff_0000;
  #stdout: PassThrough | undefined;

  /** How many run. */
  get running(): number {
    return this.#exits.length;
  }

  /** A request that it can launch. */
  request(): StartRequest {
    return {
      processId: '',
      requestId: '',
      fingerprint: '',
      spec: {
        argv: ['/bin/true'],
        arg0: 'true',
        cwd: '/',
        envPolicy: undefined,
        user: undefined,
        sandbox: undefined,
        env: new Map(),
        stdin: 'closed',
        terminal: undefined,
        mergeStderr: false,
        limits: undefined,
        timeoutMs: undefined,
        drainTimeoutMs: undefined,
        retainedBytes: 1_000,
        overflow: 'drop-oldest',
        retentionMs: 1_000_000_000,
        labels: new Map(),
      },
    };
  }

  /** Lets the one that was launched last write to its standard output. */
  print(data: Buffer): void {
    this.#stdout?.write(data);
  }

  /** Lets the oldest that runs exit, and close its output. */
  exitOne(): void {
    this.#exits.shift()?.();
  }

  /** Lets all of them exit. */
  exitAll(): void {
    while (this.running > 0) this.exitOne();
  }

  launch(request?: Pick<LaunchRequest, 'stdin'>): Promise<LaunchedProcess> {
    const output = { stdout: new PassThrough(), stderr: new PassThrough() };
    this.#stdout = output.stdout;
    let over = false;
    const exited = new Promise<ProcessEnd>((resolve) => {
      this.#exits.push(() => {
        over = true;
        resolve({ status: { code: 0 }, usage: undefined });
        for (const stream of Object.values(output)) stream.end();
      });
    });
    return Promise.resolve({
      pid: this.#nextPid++,
      stdin: request?.stdin === 'pipe' ? new PassThrough() : undefined,
      output,
      resize: undefined,
      exited,
      reaped: () => over,
      kin: undefined,
    });
  }
}
