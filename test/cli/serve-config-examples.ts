import { expect } from 'vitest';

/*
 * Values of each key of a configuration: what they mean by how they are written, two or three that
 * are not the same.
 */

/** What a text means. */
export type Meanings = Readonly<Record<string, unknown>>;

/** Texts that mean themselves. */
const same = (...texts: readonly string[]): Meanings =>
  Object.fromEntries(texts.map((text) => [text, text]));

const FILES = same('/a', 'b', '/c');
const PATHS = same('/a', '/b', '/c');
const COUNTS = { '1': 1, '2': 2, '030': 30 };
const SIZES = { '5': 5, '1KiB': 1024, '2m': 2_097_152 };
const SPANS = { '90': 90, '1.5s': 1.5, '1h30m': 5400 };
const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });

/** Of keys that have one value. */
export const ONE_VALUE: Readonly<Record<string, Meanings>> = {
  'token-file': FILES,
  policy: FILES,
  'socket-mode': { '600': 0o600, '0660': 0o660, '0666': 0o666 },
  launcher: same('posix_spawn', 'child_process'),
  cwd: PATHS,
  'log-level': same('debug', 'warn', 'silent'),
  retention: SPANS,
  'retained-bytes': SIZES,
  'max-retained-bytes': SIZES,
  'output-memory': SIZES,
  'output-disk': { ...SIZES, '0': 0 },
  'state-dir': PATHS,
  'max-sessions': COUNTS,
  'max-processes': COUNTS,
  'detached-ttl': SPANS,
  'min-detached-ttl': { ...SPANS, '0': 0 },
  'max-detached-ttl': SPANS,
  heartbeat: SPANS,
  keepalive: SPANS,
  'keepalive-timeout': SPANS,
  grace: { ...SPANS, '0': 0 },
  jwks: same('/a', 'https://b.example/x', 'c'),
  'jwt-issuer': same('a', 'b, c', '3'),
  'tls-cert': FILES,
  'tls-key': FILES,
  'client-ca': FILES,
  'client-crl': FILES,
  'high-water': {
    'sessions=1': { sessions: 1 },
    'memory=1KiB,sessions=2': { memoryBytes: 1024, sessions: 2 },
  },
  drain: same('wait', 'terminate'),
  'drain-timeout': { ...SPANS, '0': 0 },
  'max-principal-sessions': COUNTS,
  'max-principal-processes': COUNTS,
  'max-principal-streams': COUNTS,
  'max-principal-starts': { ...COUNTS, '0': 0 },
  'principal-output-memory': SIZES,
  'principal-output-disk': { ...SIZES, '0': 0 },
  'sandbox-profiles': FILES,
  'tunnel-idle-timeout': SPANS,
  audit: same('-', '/b', '/c'),
  metrics: { '127.0.0.1:1': tcp('127.0.0.1', 1), '[::1]:2': tcp('::1', 2) },
  'metrics-token-file': PATHS,
};

const listener = (host: string, more: object) =>
  expect.objectContaining({ address: expect.objectContaining({ host }), ...more });
const rule = (text: string) => expect.objectContaining({ text });
const RULES = {
  'a.example': rule('a.example'),
  '10.0.0.0/8': rule('10.0.0.0/8'),
  '[fd00::/8]:443': rule('[fd00::/8]:443'),
};
const aPattern = expect.any(Function);

/** Of keys that have several. */
export const SEVERAL_VALUES: Readonly<Record<string, Meanings>> = {
  listen: {
    '127.0.0.1:0,auth=token+mtls': listener('127.0.0.1', { auth: ['token', 'mtls'] }),
    '[::1]:7,health': listener('::1', { healthOnly: true }),
  },
  auth: same('token', 'mtls', 'none'),
  'allow-uid': { '0': 0, '1000': 1000, '3': 3 },
  'file-root': same('/a', '/b, c', '/d'),
  'jwt-audience': same('a', 'b,c', 'd'),
  'jwt-algorithm': same('ES256', 'EdDSA', 'RS256'),
  'client-name': { 'a.example': aPattern, 'spiffe://b/**': aPattern, '*.c.example': aPattern },
  'egress-allow': RULES,
  'egress-deny': RULES,
  'allow-listen': { '0.0.0.0:1': expect.anything(), '::': expect.anything() },
  'http-credential': {
    'a=a.example,authorization,/a': expect.objectContaining({ name: 'a', file: '/a' }),
    'b=b.example:8443,x-key,/b': expect.objectContaining({ name: 'b', file: '/b' }),
  },
  'http-ca': PATHS,
};

/** Keys that are true or false. */
export const SWITCHES: readonly string[] = [
  'allow-insecure',
  'require-sandbox',
  'no-http-proxy',
  'audit-arguments',
  'audit-required',
];

/** Three of the examples, of which the second is another than those beside it. */
export function threeOf(
  meanings: Meanings,
): readonly [
  text: string,
  value: unknown,
  text: string,
  value: unknown,
  text: string,
  value: unknown,
] {
  const [[a = '', first], [b = '', second], [c, third] = [a, first]] = Object.entries(meanings) as [
    [string, unknown],
    [string, unknown],
    [string, unknown]?,
  ];
  return [a, first, b, second, c, third];
}
