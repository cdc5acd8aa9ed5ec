import type { Process as ProcessMessage } from '../../gen/runlet/v1/process_pb.ts';
import type { Session } from '../../session/session.ts';
import { processMessage } from '../messages.ts';
import { processBytes } from './encoded-size.ts';
import { formatPageToken } from './fields.ts';
import { takePage } from './page.ts';

/** A page of a session's processes, which fits into a message. */
export interface ProcessPage {
  readonly processes: ProcessMessage[];
  /** Where the next one begins; empty if there is none. */
  readonly nextPageToken: string;
}

/** The processes of a session after the place `after`, `maximum` of them at most. */
export function processPage(session: Session, after: number, maximum: number): ProcessPage {
  const page = takePage(session.processes.list(after), maximum, ({ process }) =>
    processBytes(process.record),
  );
  const last = page.items.at(-1);
  return {
    processes: page.items.map(({ process }) => processMessage(session.id, process)),
    nextPageToken: page.more && last !== undefined ? formatPageToken(last.ordinal) : '',
  };
}
