import { GRANTS } from '../../../src/identity/grants.ts';
import {
  encoded,
  headerOf,
  keyOf,
  narrowedByHand,
  payloadOf,
  signedBlock,
  tokenOf,
} from '../../support/tokens.ts';

/** What whoever has a narrowed token knows: its text, and the seed of its last holder. */
export interface Narrowed {
  readonly token: string;
  readonly seed: Buffer;
}

type Random = (below: number) => number;
type Mutation = (narrowed: Narrowed, random: Random, other: Narrowed) => string;

/** Numbers that only look like chance, so that what fails can be tried again: Mulberry32. */
function randomFrom(start: number): Random {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const PREFIX = 'rlt1.';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const blocksOf = (token: string): string[] => token.slice(PREFIX.length).split('~').slice(0, -1);
const join = (blocks: readonly string[], seed: Uint8Array): string =>
  PREFIX + [...blocks, encoded(seed)].join('~');
const pick = <T>(all: readonly T[], random: Random): T => all[random(all.length)] as T;
const freshSeed = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: 32 }, () => random(256)));
/** What a header can carry. */
const anyByte = (random: Random): string => String.fromCharCode(0x21 + random(0x7e - 0x20));

/** Another text in place of a part of a block, whose signature stays. */
function edited(
  { seed, token }: Narrowed,
  random: Random,
  part: 0 | 1,
  edit: (object: Record<string, unknown>) => object | string,
): string {
  const blocks = blocksOf(token);
  const which = random(blocks.length);
  const parts = (blocks[which] ?? '').split('.');
  const object = JSON.parse(Buffer.from(parts[part] ?? '', 'base64url').toString());
  const changed = edit(object as Record<string, unknown>);
  parts[part] = encoded(typeof changed === 'string' ? changed : JSON.stringify(changed));
  return join(blocks.with(which, parts.join('.')), seed);
}

const uuid = (random: Random): string => {
  const hex = freshSeed(random).toString('hex');
  return [8, 4, 4, 4, 12].map((length, i) => hex.slice(i * 5, i * 5 + length)).join('-');
};

/** Every way in which somebody may try to make more of a narrowed token, by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'another byte': ({ token }, random) => {
    const at = random(token.length);
    return token.slice(0, at) + anyByte(random) + token.slice(at + 1);
  },
  'another letter of base64url': ({ token }, random) => {
    const at = random(token.length);
    return token.slice(0, at) + pick([...BASE64URL], random) + token.slice(at + 1);
  },
  'a bit': ({ token }, random) => {
    const blocks = blocksOf(token);
    const which = random(blocks.length);
    const parts = (blocks[which] ?? '').split('.');
    const part = random(3);
    const bytes = Buffer.from(parts[part] ?? '', 'base64url');
    const at = random(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    parts[part] = encoded(bytes);
    return join(
      blocks.with(which, parts.join('.')),
      Buffer.from(token.split('~').at(-1) ?? '', 'base64url'),
    );
  },
  'a bit of the seed': ({ seed, token }, random) => {
    const changed = Buffer.from(seed);
    const at = random(32);
    changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    return join(blocksOf(token), changed);
  },
  'a byte more': ({ token }, random) => {
    const at = random(token.length + 1);
    return token.slice(0, at) + anyByte(random) + token.slice(at);
  },
  'a part less': ({ token }, random) => {
    const at = random(token.length);
    return token.slice(0, at) + token.slice(at + 1 + random(80));
  },
  truncation: ({ token }, random) => token.slice(0, random(token.length)),
  'a part twice': ({ token }, random) => {
    const at = random(token.length);
    return token.slice(0, at) + token.slice(random(at + 1));
  },
  concatenation: ({ token }, random, other) =>
    token +
    pick(['', '~', '.', ','], random) +
    pick([other.token, token], random).slice(pick([0, 5], random)),
  'blocks of two': ({ seed, token }, random, other) => {
    const all = [...blocksOf(token), ...blocksOf(other.token)];
    const some = all.filter(() => random(2) === 0);
    return join(some, pick([seed, other.seed, freshSeed(random)], random));
  },
  order: ({ seed, token }, random) => {
    const blocks = blocksOf(token);
    return join(
      Array.from({ length: 1 + random(8) }, () => pick(blocks, random)),
      seed,
    );
  },
  grants: (narrowed, random) =>
    edited(narrowed, random, 1, (payload) => ({
      ...payload,
      grants: GRANTS.filter(() => random(2) === 0).join(','),
    })),
  session: (narrowed, random) =>
    edited(narrowed, random, 1, (payload) => ({ ...payload, session: uuid(random) })),
  expiry: (narrowed, random) =>
    edited(narrowed, random, 1, (payload) => ({ ...payload, exp: 4_100_000_000 + random(1e9) })),
  'a restriction less': (narrowed, random) =>
    edited(narrowed, random, 1, ({ cnf, ...rest }) => {
      const left = Object.entries(rest).filter(() => random(2) === 0);
      return { cnf, ...Object.fromEntries(left.slice(0, Object.keys(rest).length - 1)) };
    }),
  'white space in JSON': (narrowed, random) =>
    edited(narrowed, random, 1, (payload) => JSON.stringify(payload) + ' '.repeat(1 + random(99))),
  'the next holder': (narrowed, random) =>
    edited(narrowed, random, 1, (payload) => ({
      ...payload,
      ...payloadOf(pick([narrowed.seed, freshSeed(random)], random)),
    })),
  'the key of a header': (narrowed, random) =>
    edited(narrowed, random, 0, (header) => ({
      ...header,
      kid: keyOf(pick([narrowed.seed, freshSeed(random)], random)),
    })),
  'the algorithm': (narrowed, random) =>
    edited(narrowed, random, 0, (header) => ({
      ...header,
      alg: pick(['none', 'HS256', 'Ed25519', 'ES256', 'eddsa'], random),
      ...(random(2) === 0 ? { crit: [] } : {}),
    })),
  'a block by the last holder in place of another': ({ seed, token }, random) => {
    const blocks = blocksOf(token);
    const next = freshSeed(random);
    const which = random(blocks.length);
    const { kid } = JSON.parse(
      Buffer.from((blocks[which] ?? '').split('.')[0] ?? '', 'base64url').toString(),
    ) as { kid: string };
    const header = pick([headerOf(seed), { ...headerOf(seed), kid }], random);
    return join([...blocks.slice(0, which), signedBlock(seed, next, { header })], next);
  },
  'the last seed by itself': ({ seed }, random) =>
    random(2) === 0
      ? narrowedByHand(seed, freshSeed(random))
      : tokenOf(pick([seed, freshSeed(random)], random)),
};

/** A text that was made of a token, and how. */
export interface Mutant {
  readonly kind: string;
  readonly text: string;
}

/** As many texts as are asked for, none of which is there twice or one of the two tokens. */
export function* mutants(narrowed: Narrowed, other: Narrowed, count: number): Generator<Mutant> {
  const random = randomFrom(16);
  const seen = new Set([narrowed.token, other.token]);
  for (let left = count; left > 0; ) {
    const [kind, mutate] = pick(Object.entries(MUTATIONS), random);
    const text = mutate(narrowed, random, other);
    if (seen.has(text)) continue;
    seen.add(text);
    left -= 1;
    yield { kind, text };
  }
}
