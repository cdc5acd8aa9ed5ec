import { describe, expect, it } from 'vitest';
import { SecretScan } from '../../../src/network/http/secret-scan.ts';

const URL_ASKED = new URL('https://api.example.test/');
const SECRET = 'abcdefgh-abcdefgh-0123';

/** What is told of some pieces, and whether they failed. */
async function scanned(
  value: string,
  pieces: readonly string[],
): Promise<{ readonly told: readonly string[]; readonly failed: boolean }> {
  const scan = new SecretScan();
  scan.add(Buffer.from(value));
  async function* source(): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece);
  }
  const told: string[] = [];
  try {
    for await (const piece of scan.pieces(source(), URL_ASKED)) told.push(piece.toString());
    return { told, failed: false };
  } catch {
    return { told, failed: true };
  }
}

describe('what is looked for a secret', () => {
  it.each(Array.from({ length: SECRET.length - 1 }, (_, at) => at + 1))(
    'fails where that is in two pieces, the first of %i bytes',
    async (at) => {
      const pieces = [`before ${SECRET.slice(0, at)}`, `${SECRET.slice(at)} after`];
      const { failed, told } = await scanned(SECRET, pieces);
      expect(failed).toBe(true);
      expect(told.join('').length).toBeLessThan('before '.length + SECRET.length / 2);
    },
  );

  it('fails where it comes byte by byte, with less than half of it told', async () => {
    const { failed, told } = await scanned(SECRET, [...`to: ${SECRET}`]);
    expect(failed).toBe(true);
    expect(told.join('').length).toBeLessThan(4 + SECRET.length / 2);
  });

  it('is told whole where it only begins like it, also more than once', async () => {
    const text = `abcdefgh-abcdefgh-abcdefgh-abcdefgh-012 ${SECRET.slice(0, -1)}`;
    for (const pieces of [[text], [...text], [text.slice(0, 20), text.slice(20)]]) {
      const { failed, told } = await scanned(SECRET, pieces);
      expect([failed, told.join('')]).toEqual([false, text]);
    }
  });

  it('comes at once where it begins with little of it, so that none of it can be guessed', async () => {
    const pieces = ['one a', 'two abcdefgh-', 'three'];
    expect((await scanned(SECRET, pieces)).told).toEqual(pieces);
  });

  it.each([
    ['Bearer', `Bearer ${SECRET}`, SECRET],
    ['Basic, as it is sent', basic('user:a long password'), basic('user:a long password').slice(6)],
    ['Basic, both', basic('user:a long password'), 'user:a long password'],
    ['Basic, the password alone', basic('user:a long password'), 'a long password'],
    ['no scheme', 'one two three', 'one two three'],
  ])('fails where it tells what is secret of %s', async (_what, value, told) => {
    expect((await scanned(value, [`x${told}y`])).failed).toBe(true);
  });
});

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
