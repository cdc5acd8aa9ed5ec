import { Latch } from '../../src/latch.ts';
import { childProcessLauncher } from '../../src/process/child-process-launcher.ts';
import type { LaunchedProcess, Launcher, LaunchRequest } from '../../src/process/launcher.ts';

/** Launches for real, but not before it is told to. */
export class HeldLauncher implements Launcher {
  readonly name = 'held';
  readonly terminals = false;
  readonly limits = false;
  readonly mergesStderr = false;
  readonly bytes = false;
  readonly tree = 'parents';
  /** Opens when a launch is asked for. */
  readonly asked = new Latch();
  /** To be opened by the test: launches go on then. */
  readonly gate = new Latch();
  /** The pid of the latest that was launched; 0: none was. */
  pid = 0;

  async launch(request: LaunchRequest): Promise<LaunchedProcess> {
    this.asked.open();
    await this.gate.wait();
    const launched = await childProcessLauncher.launch(request);
    this.pid = launched.pid;
    return launched;
  }
}
