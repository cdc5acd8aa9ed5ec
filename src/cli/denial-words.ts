import type { RemoteError } from '../client/index.ts';
import { printable } from './human-text.ts';

/** What a server says of who calls, in the words of the command line; undefined: it is not that. */
export function denialWords({ message, metadata, reason }: RemoteError): string | undefined {
  switch (reason) {
    case 'UNAUTHENTICATED':
      return 'the server does not let this caller in: the token of --token-file, $RUNLET_TOKEN_FILE or $RUNLET_TOKEN, or the certificate of --cert, is missing, wrong or over';
    case 'GRANT_MISSING':
      return `it is not granted: the caller lacks the grant ${printable(metadata['grant'] ?? '?')}, and \`runlet info\` tells what it has`;
    case 'SANDBOX_REQUIRED':
      return 'the server does nothing without a sandbox: --sandbox, --allow-read or --allow-write asks for one';
    case 'POLICY_DENIED': {
      const rule = metadata['rule'];
      return rule === undefined
        ? message
        : `the policy of the server forbids it, by its rule ${printable(rule)}`;
    }
    default:
      return undefined;
  }
}
