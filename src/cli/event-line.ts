import type { ProcessEvent, ProcessExit, ResourceUsage } from '../client/index.ts';
import { exitFields } from './process-line.ts';

/**
 * An event as `--json` prints it. Output is in base64. `closed` says again how the process
 * ended, where its `exited` was seen, so that the last line tells all.
 */
export function eventLine(
  event: ProcessEvent,
  exit: ProcessExit | undefined,
): Record<string, unknown> {
  const head = { seq: event.seq, time: event.time.toISOString(), kind: event.kind };
  switch (event.kind) {
    case 'started':
      return { ...head, pid: event.pid, sandbox: event.sandbox === '' ? null : event.sandbox };
    case 'output':
      return {
        ...head,
        stream: event.stream,
        offset: event.offset,
        data: event.data.toString('base64'),
      };
    case 'gap':
      return { ...head, ranges: event.ranges };
    case 'resized':
      return { ...head, columns: event.columns, rows: event.rows };
    case 'stdin-closed':
      return head;
    case 'exited':
      return { ...head, ...exitFields(event), usage: usageFields(event.usage) };
    case 'closed':
      return {
        ...head,
        ...(exit === undefined ? {} : exitFields(exit)),
        totals: event.totals,
        outputComplete: event.outputComplete,
      };
  }
}

/** Every key is there: what the server cannot tell is null. */
function usageFields(usage: ResourceUsage): Record<keyof ResourceUsage, number | null> {
  const { peakResidentBytes = null, systemMs = null, userMs = null, wallMs } = usage;
  return { wallMs, userMs, systemMs, peakResidentBytes };
}
