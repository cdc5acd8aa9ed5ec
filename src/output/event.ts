/**
 * The events of a process, as the core speaks of them. The protos' `ProcessEvent`
 * documents what each one means.
 */

/** A stream that a process writes to. */
export type OutputStream = 'stdout' | 'stderr' | 'terminal';

/** For each stream, a position in it in bytes. Never changed once made. */
export type StreamOffsets = Readonly<Record<OutputStream, number>>;

/** The same while it is being added up. */
export type MutableOffsets = Record<OutputStream, number>;

/** The streams, in the order in which gaps and totals list them. */
export const OUTPUT_STREAMS: readonly OutputStream[] = ['stdout', 'stderr', 'terminal'];

/** The beginning of every stream. */
export const ZERO_OFFSETS: StreamOffsets = { stdout: 0, stderr: 0, terminal: 0 };

/** How a process ended, as the system reported it. Signals are numbered as Linux does. */
export type ExitStatus = { readonly code: number } | { readonly signal: number };

/** What a process used, with those of its descendants that it waited for. */
export interface ResourceUsage {
  /** CPU time in its own code, in milliseconds. */
  readonly userMs: number;
  /** CPU time in the kernel for it, in milliseconds. */
  readonly systemMs: number;
  /** The most memory that it, or one of these descendants, had at a time; undefined: unknown. */
  readonly peakResidentBytes: number | undefined;
}

/** All of {@link EndReason}. */
export const END_REASONS = [
  'exited',
  'signaled',
  'timed-out',
  'terminated',
  'session-expired',
  'session-closed',
  'call-cancelled',
  'server-shutdown',
] as const;

/** Why a process ended. */
export type EndReason = (typeof END_REASONS)[number];

/** Bytes of one stream that are no longer retained. */
export interface GapRange {
  readonly stream: OutputStream;
  readonly offset: number;
  readonly length: number;
}

/** An event that stays as long as its process does, but for sizes of which there are many. */
export type LifecycleEvent =
  | {
      readonly kind: 'started';
      readonly pid: number;
      /** What enforces its sandbox. Absent: it runs in none. */
      readonly sandbox?: string | undefined;
    }
  | { readonly kind: 'resized'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'stdin-closed' }
  | {
      readonly kind: 'exited';
      readonly status: ExitStatus;
      readonly reason: EndReason;
      readonly wallMs: number;
      readonly usage: ResourceUsage | undefined;
    }
  | {
      readonly kind: 'closed';
      /** Of the streams that the process had. */
      readonly totals: Partial<StreamOffsets>;
      readonly outputComplete: boolean;
    };
