import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { ConnectOptions, OptionError, TlsOptions } from '../client/index.ts';
import { pathOfText } from '../system-text.ts';
import { nonEmpty } from './arguments.ts';
import { addHelpAll } from './help-all.ts';
import { systemReason } from './system-reason.ts';
import { UsageError } from './usage-error.ts';

/** The flags with which a command says who calls, and speaks TLS. A token is in none of them. */
export interface ConnectionFlags {
  readonly tokenFile?: string;
  readonly tls?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

/** How a server is connected to. */
export interface ConnectionSetup {
  readonly options: Pick<ConnectOptions, 'tls' | 'token'>;
  /** What of it was typed, or a variable, by the names of options of the client. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Of a server that is this command's own: nobody asks who calls. */
export const PLAIN_CONNECTION: ConnectionSetup = { options: {}, sources: new Map() };

/** What its help says that they are about. */
const HEADING = 'Connection:';

/** Adds the flags to a command; its help shows them where all is asked for. */
export function addConnectionOptions(command: Command): Command {
  const options = [
    new Option(
      '--token-file <path>',
      'a file with the token that says who calls, read again when it changes (default: $RUNLET_TOKEN_FILE, or the token in $RUNLET_TOKEN)',
    ),
    new Option('--tls', 'speak TLS, as RUNLET_TLS=1 has it'),
    new Option(
      '--ca <path>',
      'the authorities that are trusted, as PEM; implies --tls (default: $RUNLET_CA, or those of Node.js)',
    ),
    new Option(
      '--cert <path>',
      'the certificate of this client, as PEM; implies --tls (default: $RUNLET_CERT)',
    ),
    new Option('--key <path>', 'its private key, as PEM (default: $RUNLET_KEY)'),
    new Option(
      '--server-name <name>',
      'the name that the certificate of the server is for; implies --tls (default: $RUNLET_SERVER_NAME, or the host of its address)',
    ),
  ];
  for (const option of options) {
    if (option.required) option.argParser(nonEmpty);
    command.addOption(option.helpGroup(HEADING));
  }
  return addHelpAll(
    command,
    options.map(({ long }) => long ?? ''),
  );
}

/** A value, and where it is from: `--ca` or `RUNLET_CA`. */
interface Given {
  readonly value: string;
  readonly from: string;
}

/** The variables that stand for flags. */
const VARIABLES = {
  tokenFile: ['--token-file', 'RUNLET_TOKEN_FILE'],
  ca: ['--ca', 'RUNLET_CA'],
  cert: ['--cert', 'RUNLET_CERT'],
  key: ['--key', 'RUNLET_KEY'],
  serverName: ['--server-name', 'RUNLET_SERVER_NAME'],
} as const;

function given(flags: ConnectionFlags, name: keyof typeof VARIABLES): Given | undefined {
  const [flag, variable] = VARIABLES[name];
  const typed = flags[name];
  if (typed !== undefined) return { value: typed, from: flag };
  const set = process.env[variable];
  return set === undefined || set === '' ? undefined : { value: set, from: variable };
}

/**
 * What the flags say, and the variables where they do not.
 *
 * @throws UsageError a file cannot be read, or a variable makes no sense
 */
export async function connectionSetup(flags: ConnectionFlags): Promise<ConnectionSetup> {
  const sources = new Map<string, string>();
  const token = tokenOf(flags, sources);
  const tls = await tlsOf(flags, sources);
  return { options: { ...(token && { token }), ...(tls && { tls }) }, sources };
}

function tokenOf(flags: ConnectionFlags, sources: Map<string, string>): ConnectOptions['token'] {
  const file = given(flags, 'tokenFile');
  if (file !== undefined) {
    sources.set('token.file', file.from).set('token', `${file.from} ${file.value}`);
    return { file: file.value };
  }
  const token = process.env['RUNLET_TOKEN'];
  if (token === undefined || token === '') return undefined;
  sources.set('token', 'RUNLET_TOKEN');
  return token;
}

async function tlsOf(
  flags: ConnectionFlags,
  sources: Map<string, string>,
): Promise<TlsOptions | undefined> {
  const [ca, cert, key] = [given(flags, 'ca'), given(flags, 'cert'), given(flags, 'key')];
  const name = given(flags, 'serverName');
  const implied = [ca, cert, name].filter((one) => one !== undefined);
  // What is typed counts before every variable.
  const typed = flags.tls ?? (implied.some(({ from }) => from.startsWith('--')) || undefined);
  if (!(typed ?? tlsVariable() ?? implied.length > 0)) return undefined;
  for (const [option, source] of Object.entries({ ca, cert, key })) {
    if (source !== undefined) sources.set(`tls.${option}`, `${source.from} ${source.value}`);
  }
  if (name !== undefined) sources.set('tls.serverName', name.from);
  return {
    ca: await contentOf(ca),
    cert: await contentOf(cert),
    key: await contentOf(key),
    serverName: name?.value,
  };
}

/** Undefined: it is not set. */
function tlsVariable(): boolean | undefined {
  const value = process.env['RUNLET_TLS'] ?? '';
  if (value === '') return undefined;
  if (['1', 'true', 'yes', 'on'].includes(value)) return true;
  if (['0', 'false', 'no', 'off'].includes(value)) return false;
  throw new UsageError(`RUNLET_TLS ${value}: it is neither 1 nor 0`);
}

async function contentOf(source: Given | undefined): Promise<Buffer | undefined> {
  if (source === undefined) return undefined;
  return readFile(pathOfText(source.value)).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${source.from} ${source.value}: ${systemReason(error)}`);
  });
}

/** The flags that become options of the client. */
const FLAGS: Readonly<Record<string, string>> = {
  'token.file': '--token-file',
  'tls.ca': '--ca',
  'tls.cert': '--cert',
  'tls.key': '--key',
  'tls.serverName': '--server-name',
};

/** What the client refuses of a setup, in the words of the command line; undefined: nothing of it. */
export function connectionMistake(
  { message, option }: OptionError,
  { sources }: ConnectionSetup,
): UsageError | undefined {
  if (!/^(?:tls|token)(?:\.|$)/.test(option)) return undefined;
  // What is told of a token does not begin as files do, whose names are not touched.
  const [, first = '', rest = ''] = /^(\S+)(.*)$/s.exec(message) ?? [];
  const begin = sources.get(first) ?? FLAGS[first] ?? first;
  return new UsageError(
    `${begin}${rest.replace(/\btls(?:\.\w+)?$/, (name) => FLAGS[name] ?? '--tls')}`,
  );
}
