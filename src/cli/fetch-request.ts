import { InvalidArgumentError } from 'commander';
import { type RequestBody, requestBody } from './request-body.ts';
import type { ServerFlags } from './server-connection.ts';
import { UsageError } from './usage-error.ts';

/** A header that is sent; undefined: that of this name is left out. */
type HeaderLine = readonly [name: string, value: string | undefined];

/** The flags of `runlet fetch`. */
export interface FetchFlags extends ServerFlags {
  readonly request?: string;
  readonly header?: readonly HeaderLine[];
  readonly data?: readonly string[];
  readonly dataBinary?: readonly string[];
  readonly head?: boolean;
  readonly include?: boolean;
  readonly location?: boolean;
  readonly fail?: boolean;
  readonly output?: string;
  readonly remoteName?: boolean;
  readonly silent?: boolean;
  readonly showError?: boolean;
  readonly maxTime?: number;
  readonly compressed?: boolean;
  readonly credential?: string;
  readonly session?: string;
}

/** What is asked of whom. */
export interface FetchRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: RequestBody | undefined;
  readonly follow: boolean;
  /** Whether a compressed body is told as it was before. */
  readonly decompress: boolean;
  readonly credential: string | undefined;
}

/** Reads `NAME: VALUE`, `NAME;` for one without a value and `NAME:` for one that is left out. */
export function collectHeader(
  text: string,
  earlier: readonly HeaderLine[] = [],
): readonly HeaderLine[] {
  const [, name = '', sign, rest = ''] = /^([!#$%&'*+.^_`|~\w-]+)([:;])(.*)$/s.exec(text) ?? [];
  const value = rest.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what cannot be sent
  if (name === '' || /[\0-\x08\x0a-\x1f\x7f]/.test(value) || (sign === ';' && value !== '')) {
    throw new InvalidArgumentError('expected NAME: VALUE');
  }
  const sent = sign === ';' ? '' : value === '' ? undefined : value;
  return [...earlier, [name, sent]];
}

/**
 * What the flags ask for.
 *
 * @throws UsageError they make no sense
 * @throws LocalFileError the body cannot be read
 */
export async function fetchRequest(text: string, flags: FetchFlags): Promise<FetchRequest> {
  const url = urlOf(text);
  const values = flags.data ?? flags.dataBinary;
  if (values !== undefined && flags.head === true) {
    throw new UsageError('--head cannot be used with --data and --data-binary');
  }
  const body = values && (await requestBody(values, flags.data === undefined));
  const method =
    flags.request ?? (flags.head === true ? 'HEAD' : body === undefined ? 'GET' : 'POST');
  const given = flags.header ?? [];
  const defaults: (readonly [string, string])[] = [
    ...(body === undefined ? [] : [['content-type', 'application/x-www-form-urlencoded'] as const]),
    ...(body?.kind === 'streamed' && body.length !== undefined
      ? [['content-length', String(body.length)] as const]
      : []),
    ...(flags.compressed === true ? [['accept-encoding', 'gzip, deflate, br'] as const] : []),
  ];
  const isGiven = (name: string): boolean => given.some(([one]) => one.toLowerCase() === name);
  const sent = given.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return {
    url,
    method,
    headers: [...sent, ...defaults.filter(([name]) => !isGiven(name))],
    body,
    follow: flags.location === true,
    decompress: flags.compressed === true,
    credential: flags.credential,
  };
}

function urlOf(text: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined) throw new UsageError(`${text}: it is no URL`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError(`${url.protocol}//: it is neither http:// nor https://`);
  }
  // It may be a secret: none of it is said.
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('the URL has a user or a password', 'send them as a header, with -H');
  }
  return url;
}
