import type { ProcessEvent } from '../process/process-table.ts';

/** Something that happened in a session. */
export type SessionEvent = ProcessEvent | { readonly kind: 'draining' };
