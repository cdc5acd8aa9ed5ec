import { Worker } from 'node:worker_threads';
import { FILE_WORKER_HEAP_MIB } from '../../limits.ts';
import type { AgentOptions } from '../agent/agent.ts';
import type { AgentAnswer, AgentRequest } from '../agent/messages.ts';
import { agentScript } from './agent-script.ts';
import type { OpenLink } from './seat-link.ts';

/** Steps are done in threads of this process. */
export function threadLinks(agent: AgentOptions): OpenLink {
  return (events) => {
    // Descriptors are of the process: one that was opened here may be closed elsewhere.
    const worker = new Worker(agentScript('main'), {
      workerData: agent,
      trackUnmanagedFds: false,
      resourceLimits: { maxOldGenerationSizeMb: FILE_WORKER_HEAP_MIB },
      env: {},
      execArgv: [],
    });
    // It keeps no program from ending.
    worker.unref();
    worker.once('message', () => {
      worker.on('message', (answer: AgentAnswer) => events.onAnswer(answer));
      events.onReady();
    });
    worker.on('error', (error) => events.onEnd(error));
    worker.on('exit', () => events.onEnd(new Error('the thread ended')));
    return {
      send: (request) => worker.postMessage(request, handedOver(request)),
      close: () => void worker.terminate(),
    };
  };
}

/** Smaller ones may be parts of memory that others use. */
const MIN_TRANSFER_BYTES = 64 * 1024;

/** The memory of bytes that a step is given, which whoever gave them has no more use for. */
function handedOver(request: AgentRequest): ArrayBuffer[] {
  if (request.kind !== 'step') return [];
  const { input } = request;
  return input instanceof Uint8Array &&
    input.buffer instanceof ArrayBuffer &&
    input.byteLength >= MIN_TRANSFER_BYTES
    ? [input.buffer]
    : [];
}
