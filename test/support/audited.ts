import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import { makeToken } from '../../src/identity/tokens/make-token.ts';
import type { AuditLine } from './audit.ts';
import { spawnCli } from './cli.ts';
import { firstLineOf } from './first-line.ts';
import { type Clients, connectClients, temporaryFolder } from './harness.ts';

/** `runlet serve --audit`, as a process of its own without a terminal, and clients of it. */
export interface Audited extends Clients {
  readonly address: Address;
  readonly child: ChildProcess;
  /** A folder of the test's. */
  readonly folder: string;
  /** The options of calls of somebody who may do all, and of one who may look. */
  readonly ada: CallOptions;
  readonly bob: CallOptions;
  /** What the file has so far. */
  lines(): readonly AuditLine[];
  /** Ends it in order; resolves with its log. */
  end(): Promise<string>;
}

/** Starts one, that writes to a file. */
export async function serveAudited(file: string, ...flags: readonly string[]): Promise<Audited> {
  const folder = await temporaryFolder();
  const [ada, bob] = [makeToken(), makeToken()];
  const tokens = join(folder, 'tokens');
  const keys = `ada ${ada.publicKey} all\nbob ${bob.publicKey} observe\n`;
  await writeFile(tokens, keys, { mode: 0o600 });
  const child = spawnCli(
    [
      ...['serve', '--listen', '127.0.0.1:0', '--auth', 'token', '--token-file', tokens],
      ...['--output-disk', '0', '--state-dir', join(folder, 'state'), '--grace', '1'],
      ...['--audit', file, ...flags],
    ],
    // A hangup ends one that has a terminal.
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  const log = child.stderr === null ? '' : text(child.stderr);
  const line = await firstLineOf(child);
  const address = parseAddress(line.replace('runlet listening on ', ''));
  return {
    ...connectClients(address),
    address,
    child,
    folder,
    ada: bearing(ada.token),
    bob: bearing(bob.token),
    lines: () => linesOf(file),
    async end() {
      child.kill('SIGTERM');
      await exited;
      return log;
    },
  };
}

/** The whole lines of an audit. */
export function linesOf(file: string): readonly AuditLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line): AuditLine => JSON.parse(line));
}

function bearing(token: string): CallOptions {
  return { metadata: { authorization: `Bearer ${token}` } };
}
