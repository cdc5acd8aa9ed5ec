import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatAddress, parseAddress } from '../../../src/address.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { CallFailure, type Driver, type Running } from './driver.ts';
import type { Facts, FailureFacts, Operation, Params, StartParams } from './protocol.ts';

/** The parameters of an operation, without the session, which the stage adds. */
type Given<O extends Operation> = Omit<Params<O>, 'session_id'> & { readonly session_id?: string };

/** A session of its own, a driver for it, and a way for the scenario to interfere. */
export interface Stage {
  readonly sessionId: string;
  /** A folder made for the scenario: the working directory of {@link shell}. */
  readonly folder: string;
  /** Performs an operation; rejects if it fails. */
  perform<O extends Operation>(op: O, given: Given<O>): Promise<Facts<O>>;
  /** Begins an operation. */
  begin<O extends Operation>(op: O, given: Given<O>): Running<Facts<O>>;
  /** Creates a file in the folder, for which a script waits. */
  release(name: string): Promise<void>;
  /** Lets all further calls go through a proxy. */
  throughProxy(): Promise<TcpProxy>;
}

/** Makes a stage: HOST:PORT is the server. */
export async function setStage(driver: Driver, server: string): Promise<Stage> {
  const sessionId = randomUUID();
  const folder = await temporaryFolder();
  let address = server;
  const begin = <O extends Operation>(op: O, given: Given<O>): Running<Facts<O>> => {
    // The driver has had readers of other stages.
    const own = 'reader' in given ? { reader: `${given.reader} of ${sessionId}` } : {};
    return driver.begin(address, op, { session_id: sessionId, ...given, ...own } as Params<O>);
  };
  const stage: Stage = {
    sessionId,
    folder,
    perform: (op, given) => begin(op, given).facts,
    begin,
    release: (name) => writeFile(join(folder, name), ''),
    async throughProxy() {
      const proxy = await startProxy(parseAddress(server));
      address = formatAddress(proxy.address);
      return proxy;
    },
  };
  await stage.perform('create', {});
  return stage;
}

/** A spec of a shell script in the stage's folder. */
export function shell(
  { folder }: Stage,
  script: string,
  more: Partial<StartParams['spec']> = {},
): StartParams['spec'] {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
  return { argv: ['/bin/sh', '-c', script], cwd: folder, env, ...more };
}

/** How an operation failed, which must fail. */
export async function failureOf(facts: Promise<unknown>): Promise<FailureFacts> {
  try {
    await facts;
  } catch (error) {
    if (error instanceof CallFailure) return error.facts;
    throw error;
  }
  throw new Error('the call succeeded');
}

/** The same, as `NOT_FOUND/PROCESS_EVICTED`. */
export async function summaryOf(facts: Promise<unknown>): Promise<string> {
  const { code, reason } = await failureOf(facts);
  return `${code}/${reason}`;
}

/** Attaches; resolves with the attachment's id and the stream that goes on. */
export async function attach(
  stage: Stage,
  holder: string,
  attempt: number,
): Promise<{ readonly attachmentId: string; readonly stream: Running<object> }> {
  const mode = attempt === 1 ? 'ATTACH_MODE_TAKE_OVER' : 'ATTACH_MODE_RESUME';
  const stream = stage.begin('attach', { mode, holder_id: holder, attempt });
  const { attachment_id } = await stream.note((note) => note.attachment_id !== undefined);
  return { attachmentId: attachment_id ?? '', stream };
}

/** What base64 stands for. */
export function textOf(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString();
}
