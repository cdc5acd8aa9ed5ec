import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { MAX_TOKEN_BYTES } from '../identity/tokens/token-format.ts';
import { UsageError } from './usage-error.ts';

/**
 * The token that a command is given: never as one of its arguments, which everybody can see.
 *
 * @throws UsageError if there is none
 */
export async function givenToken(path: string | undefined): Promise<string> {
  const file = path ?? fromEnvironment('RUNLET_TOKEN_FILE');
  if (file !== undefined) return readToken(file);
  const token = fromEnvironment('RUNLET_TOKEN');
  if (token !== undefined) return token.trim();
  return readToken(0);
}

function fromEnvironment(name: string): string | undefined {
  return process.env[name] || undefined;
}

async function readToken(from: string | 0): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  // What is longer than any token is none, and not read to its end.
  const end = 2 * MAX_TOKEN_BYTES;
  const input =
    from === 0 ? createReadStream('', { fd: 0, autoClose: false }) : createReadStream(from);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > end) break;
  }
  const token = Buffer.concat(chunks).toString('latin1').trim();
  if (token !== '') return token;
  throw new UsageError(`there is no token in ${from === 0 ? 'standard input' : from}`);
}

/** Makes a file for a line that only this user may read. Nothing that is there is written over. */
export async function writeSecret(path: string, line: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}
