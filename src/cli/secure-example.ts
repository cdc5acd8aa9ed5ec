import type { Example } from './examples.ts';

/** Flags for a server that asks for TLS, a token and a certificate. */
const FLAGS =
  '--address "$SECURE" --token-file "$FOLDER/token" --tls --ca "$FOLDER/ca.pem" --cert "$FOLDER/cert.pem" --key "$FOLDER/key.pem" --server-name localhost';

/** An example for them, of a command: of `words`, with `rest` after the flags. */
export function secureExample(words: string, rest: string, prints: RegExp): Example {
  return {
    command: `runlet ${words} ${FLAGS}${rest === '' ? '' : ` ${rest}`}`,
    does: 'Show who one is to a server that is reached by TLS',
    prints,
  };
}
