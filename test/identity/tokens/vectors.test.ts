import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GRANTS, type Grant } from '../../../src/identity/grants.ts';
import { makeToken, narrow } from '../../../src/identity/tokens/make-token.ts';
import { parseToken, type Restrictions } from '../../../src/identity/tokens/token-format.ts';
import { parseTokenFile } from '../../../src/identity/tokens/token-line.ts';
import { verifyChain } from '../../../src/identity/tokens/verify-chain.ts';

/*
 * Vectors that implementations in other languages are tested with, too. Two of the keys are those
 * of RFC 8032, section 7.1.
 */

interface Left {
  readonly grants: readonly Grant[] | null;
  readonly session: string | null;
  readonly exp: number | null;
}

interface AnyNarrowing {
  readonly grants?: readonly string[];
  readonly session?: string;
  readonly exp?: number;
}

interface Vectors {
  readonly tokens: readonly {
    readonly name: string;
    readonly seed: string;
    readonly token: string;
    readonly public_key: string;
  }[];
  readonly lines: readonly {
    readonly line: string;
    readonly name: string;
    readonly public_key: string;
    readonly grants: readonly Grant[];
    readonly not_after: string | null;
  }[];
  readonly invalid_files: readonly {
    readonly name: string;
    readonly file: string;
    readonly line: number;
  }[];
  readonly narrowed: readonly {
    readonly name: string;
    readonly token: string;
    readonly next_seed: string;
    readonly narrowing: AnyNarrowing;
    readonly header: string;
    readonly payload: string;
    readonly narrowed: string;
    readonly public_key: string;
    readonly left: Left;
  }[];
  readonly refused_narrowings: readonly {
    readonly name: string;
    readonly token: string;
    readonly narrowing: AnyNarrowing;
  }[];
  readonly valid_tokens: readonly {
    readonly name: string;
    readonly token: string;
    readonly public_key: string;
    readonly left: Left;
  }[];
  readonly invalid_tokens: readonly {
    readonly name: string;
    readonly token: string;
    readonly fault: string;
  }[];
}

const FILE = new URL('../../../docs/token-vectors.json', import.meta.url);
const VECTORS = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;

const narrowing = ({ exp, grants, session }: AnyNarrowing) => ({ exp, grants, sessionId: session });

function leftOf({ exp, grants, sessionId }: Restrictions): Left {
  const names = grants === undefined ? null : GRANTS.filter((grant) => grants.has(grant));
  return { grants: names, session: sessionId ?? null, exp: exp ?? null };
}

async function verified(token: string) {
  const { publicKey, ...left } = await verifyChain(parseToken(token));
  return { public_key: publicKey, left: leftOf(left) };
}

describe('a token', () => {
  it.each(VECTORS.tokens)('is its seed: $name', ({ public_key, seed, token }) => {
    expect(makeToken(Buffer.from(seed, 'hex'))).toEqual({ token, publicKey: public_key });
  });

  it.each(VECTORS.valid_tokens)('is right however it is written: $name', async (vector) => {
    const { left, public_key, token } = vector;
    expect(await verified(token)).toEqual({ public_key, left });
  });

  it.each(VECTORS.invalid_tokens)('is refused: $name', async ({ fault, token }) => {
    await expect((async () => verifyChain(parseToken(token)))()).rejects.toMatchObject({
      name: 'TokenError',
      fault,
    });
  });

  it.each(VECTORS.invalid_tokens)('is not told by what is wrong: $name', async ({ token }) => {
    const error: unknown = await (async () => verifyChain(parseToken(token)))().catch((e) => e);
    for (const part of token.split(/[.~]/).filter((text) => text.length > 20)) {
      expect(String(error)).not.toContain(part);
    }
  });
});

describe('a narrowed token', () => {
  it.each(VECTORS.narrowed)('is one text: $name', async (vector) => {
    const next = Buffer.from(vector.next_seed, 'hex');
    const token = await narrow(vector.token, narrowing(vector.narrowing), next);
    expect(token).toBe(vector.narrowed);
    const { left, public_key } = vector;
    expect(await verified(token)).toEqual({ public_key, left });
    const [header, payload] = (token.split('~').at(-2) ?? '').replace(/^rlt1\./, '').split('.');
    const texts = [header, payload].map((part) => Buffer.from(part ?? '', 'base64url').toString());
    expect(texts).toEqual([vector.header, vector.payload]);
  });

  it.each(VECTORS.refused_narrowings)('is not made: $name', async (vector) => {
    await expect(narrow(vector.token, narrowing(vector.narrowing))).rejects.toMatchObject({
      name: expect.stringMatching(/^(?:Token|Narrowing)Error$/),
    });
  });
});

describe('a token file', () => {
  it.each(VECTORS.lines)('has the line $line', ({ line, not_after, ...expected }) => {
    const [[key, found] = []] = [...parseTokenFile(`# comment\n\n${line}\n`)];
    expect(key).toBe(expected.public_key);
    expect({
      name: found?.name,
      public_key: found?.publicKey,
      grants: GRANTS.filter((grant) => found?.grants.has(grant)),
    }).toEqual(expected);
    const end = not_after === null ? Number.POSITIVE_INFINITY : Date.parse(not_after);
    expect(found?.notAfter).toBe(end);
  });

  it.each(VECTORS.invalid_files)('is refused: $name', ({ file, line }) => {
    expect(() => parseTokenFile(file)).toThrow(new RegExp(`^line ${line}: `));
  });
});
