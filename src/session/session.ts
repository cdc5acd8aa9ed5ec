import type { ProcessTable } from '../process/process-table.ts';

/** A session: the owner of processes. */
export interface Session {
  /** A UUID in lower case. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createTime: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly processes: ProcessTable;
  /** In the order of creation, for listings. */
  readonly ordinal: number;
}
