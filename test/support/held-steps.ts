import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import type { AgentRequest } from '../../src/files/agent/messages.ts';
import { Latch } from '../../src/latch.ts';

/** A step of an operation on files that is held on its way to its thread. */
export interface HeldStep {
  /** Resolves when it is. */
  readonly asked: Promise<unknown>;
  /** Lets it go on. */
  release(): void;
}

/**
 * Holds the first step of which this is so that a server in this process asks a thread for, as if
 * the thread were busy.
 */
export function holdStep(isHeld: (request: AgentRequest) => boolean): HeldStep {
  const asked = new Latch();
  const post = Worker.prototype.postMessage;
  let go = (): void => {};
  Worker.prototype.postMessage = function (this: Worker, ...message): void {
    if (asked.isOpen || !isHeld(message[0] as AgentRequest)) {
      post.apply(this, message);
      return;
    }
    go = () => post.apply(this, message);
    asked.open();
  };
  const release = (): void => {
    go();
    go = () => {};
  };
  onTestFinished(() => {
    Worker.prototype.postMessage = post;
    release();
  });
  return { asked: asked.wait(), release };
}
