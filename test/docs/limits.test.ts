import { readFile } from 'node:fs/promises';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { flagOfLimit } from '../../src/cli/flag-words.ts';
import { serveCommand } from '../../src/cli/serve.ts';
import { type Limits, LimitsSchema } from '../../src/gen/runlet/v1/server_pb.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { as, namedCallers } from '../support/named-callers.ts';

const PAGE = new URL('../../docs/limits.md', import.meta.url);

/** A row of a table of limits, without its reason. */
interface Row {
  readonly name: string;
  /** What holds for the only caller, and for one of several where that is another. */
  readonly values: readonly string[];
  readonly flag: string;
}

async function rows(): Promise<readonly Row[]> {
  const text = await readFile(PAGE, 'utf8');
  return text.split('\n').flatMap((line) => {
    const [name, ...others] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const reason = others.pop();
    const flag = others.pop();
    if (!name?.startsWith('`') || reason === undefined || flag === undefined) return [];
    expect(reason, name).not.toBe('');
    return [{ name: name.slice(1, -1), values: others, flag: flag.replaceAll('`', '') }];
  });
}

/** The limits of a server with all defaults, as one of its callers is told. */
async function limitsWith(auth?: readonly Authenticator[]): Promise<Limits> {
  const { defaultRetentionMs, heartbeatMs } = DEFAULT_LIMITS;
  const { address } = await serveHere({
    stateFolder: await temporaryFolder(),
    limits: { defaultRetentionMs, heartbeatMs },
    ...(auth === undefined ? {} : { auth }),
  });
  const { limits } = await connectClients(address).server.getServerInfo({}, as('ada'));
  if (limits === undefined) throw new Error('there are no limits');
  return limits;
}

const SIZES = ['bytes', 'KiB', 'MiB', 'GiB'];

function sizeText(bytes: number, unit = 0): string {
  return bytes >= 1024 ? sizeText(bytes / 1024, unit + 1) : `${bytes} ${SIZES[unit]}`;
}

function spanText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${ms / 1000} s`;
  return ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`;
}

/** A limit as the page has it. */
function shownLimit(limits: Limits, name: string): string {
  const field = LimitsSchema.fields.find((one) => one.name === name);
  const value = limits[field?.localName as Exclude<keyof Limits, `$${string}`>];
  if (typeof value === 'object') return spanText(durationMs(value));
  if (name.endsWith('_bytes')) return sizeText(Number(value));
  return value === 0 ? 'any number' : Number(value).toLocaleString('en');
}

it('the page of limits has all of them, with what they are by default', async () => {
  const found = await rows();
  const names = LimitsSchema.fields.map(({ name }) => name);
  expect(found.map(({ name }) => name).sort()).toEqual(names.sort());
  const sole = await limitsWith();
  const shared = await limitsWith([namedCallers({ ada: {} })]);
  for (const { name, values } of found) {
    const both = [shownLimit(sole, name), shownLimit(shared, name)];
    expect(values, name).toEqual(values.length === 1 ? [both[0]] : both);
    if (values.length === 1) expect(both[1], name).toBe(both[0]);
  }
});

it('the page of limits has the flags that set them', async () => {
  const options = new Map(serveCommand().options.map((option) => [option.long, option]));
  for (const { flag, name } of await rows()) {
    if (flag !== '') expect(options.has(flag), flag).toBe(true);
    const known = flagOfLimit(name);
    if (known !== undefined) expect(flag, name).toBe(known);
  }
});
