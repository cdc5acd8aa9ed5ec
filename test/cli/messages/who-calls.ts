import type { Refused } from './refused.ts';

/*
 * Command lines that say who calls, and speak TLS, and are not let in. `$NAME` stands for what is
 * set up by who-calls.test.ts. All exit codes are those of a fault, or of words that are wrong.
 */

const NOT_LET_IN =
  'the server does not let this caller in: the token of --token-file, $RUNLET_TOKEN_FILE or $RUNLET_TOKEN, or the certificate of --cert, is missing, wrong or over (UNAUTHENTICATED)';
const TRUSTING = '--address $SECURE --ca $FOLDER/ca.pem';

/** Where the server refuses, or is not trusted. */
export const REFUSED_CALLERS: readonly Refused[] = [
  [`info ${TRUSTING}`, 125, NOT_LET_IN],
  [`info ${TRUSTING} --token-file $FOLDER/wrong`, 125, NOT_LET_IN],
  [`run ${TRUSTING} --token-file $FOLDER/wrong true`, 125, NOT_LET_IN],
  [`version ${TRUSTING} --token-file $FOLDER/wrong`, 125, NOT_LET_IN],
  [`conformance ${TRUSTING} --token-file $FOLDER/wrong --only STDIN-04`, 125, NOT_LET_IN],
  [
    `run ${TRUSTING} --token-file $FOLDER/limited true`,
    125,
    'it is not granted: the caller lacks the grant start, and `runlet info` tells what it has (GRANT_MISSING)',
  ],
  [
    'info --address $SECURE --tls --token-file $FOLDER/token',
    125,
    'no server answers at $SECURE: its certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): --ca names whom to trust (UNAVAILABLE)',
  ],
  [
    'info --address $SECURE --ca $FOLDER/other.pem --token-file $FOLDER/token',
    125,
    'no server answers at $SECURE: its certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): --ca names whom to trust (UNAVAILABLE)',
  ],
  [
    `info ${TRUSTING} --server-name other.example --token-file $FOLDER/token`,
    125,
    'no server answers at $SECURE: its certificate is for IP Address:127.0.0.1, and not for other.example: --server-name names another (UNAVAILABLE)',
  ],
  [
    'conformance --address $SECURE --tls --token-file $FOLDER/token --only STDIN-04',
    125,
    'no server answers at $SECURE: its certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): --ca names whom to trust (UNAVAILABLE)',
  ],
  [
    'info --address $EXPIRED --ca $FOLDER/ca.pem',
    125,
    'no server answers at $EXPIRED: its certificate has expired (UNAVAILABLE)',
  ],
  [
    'info --address $FUTURE --ca $FOLDER/ca.pem',
    125,
    'no server answers at $FUTURE: its certificate is not valid yet (UNAVAILABLE)',
  ],
  [
    'info --address $SECURE --token-file $FOLDER/token',
    125,
    'no server answers at $SECURE: a server of TLS is there, and none without it: use --tls (UNAVAILABLE)',
  ],
  [
    'info --address $PLAIN --tls --token-file $FOLDER/token',
    125,
    'no server answers at $PLAIN: a server without TLS is there, and TLS was asked for (UNAVAILABLE)',
  ],
  [
    'info --address $HTTP1 --tls',
    125,
    'no server answers at $HTTP1: a server of HTTP/1 is there, and none of gRPC (UNAVAILABLE)',
  ],
  [
    'info --address $CLOSING --tls',
    125,
    'no server answers at $CLOSING: TLS cannot be spoken with whoever listens there (UNAVAILABLE)',
  ],
  [
    'info --address 127.0.0.1:1 --tls',
    125,
    'no server answers at 127.0.0.1:1: the connection is refused: nobody listens there (UNAVAILABLE)',
  ],
  [
    'info --address $MUTUAL --ca $FOLDER/ca.pem --token-file $FOLDER/token',
    125,
    'no server answers at $MUTUAL: it ended the connection: it may want a certificate, which --cert gives it (UNAVAILABLE)',
  ],
  [
    'info --address $MUTUAL --ca $FOLDER/ca.pem --cert $FOLDER/stranger.pem --key $FOLDER/stranger.key --token-file $FOLDER/token',
    125,
    'no server answers at $MUTUAL: it ended the connection: it may not accept the certificate of --cert (UNAVAILABLE)',
  ],
];

/** What makes no sense, before a server is asked. Each leads to the help. */
export const WRONG_CALLERS: readonly Refused[] = [
  [
    'info --token-file $FOLDER/none',
    2,
    '--token-file $FOLDER/none: no such file or directory (ENOENT)',
  ],
  [
    'info --token-file $FOLDER/words',
    2,
    '--token-file $FOLDER/words: what it has must be 1 to 15872 printable ASCII characters without a space',
  ],
  [
    'conformance --token-file $FOLDER/none --only STDIN-04',
    2,
    '--token-file $FOLDER/none: no such file or directory (ENOENT)',
  ],
  [
    'start --token-file $FOLDER/none true',
    2,
    '--token-file $FOLDER/none: no such file or directory (ENOENT)',
  ],
  ["info --token-file ''", 2, "--token-file '': it must not be empty"],
  [
    'info --address 192.0.2.1:1 --token-file $FOLDER/token',
    2,
    '--token-file $FOLDER/token is not sent to 192.0.2.1:1 in plaintext: it takes --tls',
  ],
  ['info --ca $FOLDER/none', 2, '--ca $FOLDER/none: no such file or directory (ENOENT)'],
  ['info --ca $FOLDER/token', 2, '--ca $FOLDER/token has no certificate in PEM'],
  ['info --cert $FOLDER/cert.pem', 2, '--cert $FOLDER/cert.pem needs --key'],
  ['info --tls --key $FOLDER/key.pem', 2, '--key $FOLDER/key.pem needs --cert'],
  [
    'info --cert $FOLDER/cert.pem --key $FOLDER/stranger.key',
    2,
    '--key $FOLDER/stranger.key is not the key of --cert',
  ],
  [
    'info --cert $FOLDER/cert.pem --key $FOLDER/token',
    2,
    '--key $FOLDER/token has no private key in PEM, or an encrypted one',
  ],
  ["info --server-name 'two words'", 2, '--server-name must be the name of a host'],
];
