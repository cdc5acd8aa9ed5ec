import { readFileSync, readlinkSync } from 'node:fs';
import { parseOwner, type RunOwner, thisOwner } from '../../output/spool/run-owner.ts';
import type { MarkRange } from '../launcher.ts';
import { hasOwnProc } from '../own-proc.ts';
import { scanProcess } from '../process-scan.ts';

/** A process that a server ran in: a parent of it, a parent of that, and so on. */
export interface Ancestor {
  readonly pid: number;
  readonly startTime: string;
}

/** What has to be known of a server so that what it leaves when it is killed can be found. */
export interface ServerRecord extends RunOwner {
  /** The PID namespace whose numbers these are; undefined: that is not known. */
  readonly pidNamespace: string | undefined;
  /** Whoever was above the server: one of these, or process 1, has what it left. */
  readonly ancestors: readonly Ancestor[];
  /** The marks of what it started; undefined: it had none that are its own. */
  readonly marks: { readonly first: bigint; readonly last: bigint } | undefined;
}

/** Parents that are looked at: a server is not this deep in others. */
const MAX_ANCESTORS = 256;

/** That of this process. `marks`: what it marks processes with. */
export async function recordOfThis(marks: MarkRange | undefined): Promise<ServerRecord> {
  return {
    ...(await thisOwner()),
    pidNamespace: pidNamespace(),
    ancestors: ancestorsOfThis(),
    marks: marks?.isServersOwn === true ? marks : undefined,
  };
}

/** A record as the text of a file. */
export function formatRecord(record: ServerRecord): string {
  const { ancestors, bootId, marks, pid, startTime } = record;
  return `${JSON.stringify({
    pid,
    startTime,
    bootId,
    pidNamespace: record.pidNamespace,
    ancestors,
    // More than 53 bits.
    marks: marks && { first: String(marks.first), last: String(marks.last) },
  })}\n`;
}

/** Undefined if the text is no record. */
export function parseRecord(text: string): ServerRecord | undefined {
  const owner = parseOwner(text);
  if (owner === undefined) return undefined;
  const { ancestors, marks, pidNamespace: namespace } = JSON.parse(text) as Fields;
  return {
    ...owner,
    pidNamespace: typeof namespace === 'string' ? namespace : undefined,
    ancestors: Array.isArray(ancestors) ? ancestors.filter(isAncestor) : [],
    marks: parseMarks(marks),
  };
}

/** What a text may have in these fields: anything. */
interface Fields {
  readonly ancestors?: unknown;
  readonly marks?: unknown;
  readonly pidNamespace?: unknown;
}

/** The PID namespace of this process; undefined where there is no proc(5) of its own. */
export function pidNamespace(): string | undefined {
  if (!hasOwnProc()) return undefined;
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

/** Which start of the machine this is; undefined where it does not tell. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

function ancestorsOfThis(): readonly Ancestor[] {
  const found: Ancestor[] = [];
  let above = scanProcess(process.pid)?.parent ?? 0;
  while (above > 0 && found.length < MAX_ANCESTORS) {
    const ancestor = scanProcess(above);
    if (ancestor === undefined) break;
    found.push({ pid: above, startTime: ancestor.startTime });
    above = ancestor.parent;
  }
  return found;
}

function isAncestor(value: unknown): value is Ancestor {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startTime' in value &&
    typeof value.startTime === 'string'
  );
}

function parseMarks(value: unknown): ServerRecord['marks'] {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('first' in value) || !('last' in value)) return undefined;
  const [first, last] = [value.first, value.last].map((mark) =>
    typeof mark === 'string' && /^\d{1,20}$/.test(mark) ? BigInt(mark) : 0n,
  );
  // All limits that are set by others are below.
  if (first === undefined || last === undefined || first <= 1n << 62n || last < first) return;
  return last < 1n << 63n ? { first, last } : undefined;
}
