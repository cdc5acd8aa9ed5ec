import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { spawnCli } from './cli.ts';
import { failureOf } from './failure.ts';
import { firstLinesOf } from './first-line.ts';
import { type Clients, connectClients, temporaryFolder } from './harness.ts';

/** The services that new work comes to first, and the others. */
export const ENTRANCES = ['', 'runlet.v1.SessionService'] as const;
export const OTHERS = [
  'runlet.v1.ProcessService',
  'runlet.v1.FileService',
  'runlet.v1.HttpService',
  'runlet.v1.TunnelService',
  'runlet.v1.ServerService',
] as const;

/** `runlet serve` as a process of its own, of which each service's health is watched. */
export interface Watched extends Clients {
  readonly address: Address;
  readonly child: ChildProcess;
  /** What health has said so far of a service: `SERVING`, `NOT_SERVING`, in turns; last, how that ended. */
  told(service: string): readonly string[];
  /** Resolves when the last that health has said of the entrances is that. */
  untilEntrances(status: 'SERVING' | 'NOT_SERVING'): Promise<void>;
  /** What `/readyz` answers: its status, and its lines. */
  readyz(): Promise<readonly [number, string]>;
  /** Resolves when it has logged a line that has this. */
  untilLogged(text: string): Promise<void>;
  /** Its end, and all that it logged. */
  readonly exited: Promise<readonly [number | null, string]>;
}

/** Starts one, with flags and a folder for state, which ends with the test. */
export async function serveWatched(
  flags: readonly string[],
  { stateFolder }: { readonly stateFolder?: string } = {},
): Promise<Watched> {
  const folder = await temporaryFolder();
  const state = stateFolder ?? join(folder, 'state');
  const place = ['--listen', `unix:${join(folder, 's')}`, '--state-dir', state];
  const child = spawnCli(
    ['serve', ...place, '--metrics', '127.0.0.1:0', '--grace', '1', ...flags],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = once(child, 'close').then(
    ([code]: (number | null)[]) => [code ?? null, log] as const,
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [first = '', second = ''] = await firstLinesOf(child, 2);
  const address = parseAddress(first.replace('runlet listening on ', ''));
  const clients = connectClients(address);
  const told = watchHealth(clients);
  const where = second.replace('runlet metrics on ', '');
  const watched: Watched = {
    ...clients,
    address,
    child,
    exited,
    told: (service) => told.get(service) ?? [],
    async untilEntrances(status) {
      for (const service of ENTRANCES) {
        await expect.poll(() => watched.told(service).at(-1), { interval: 5 }).toBe(status);
      }
    },
    async untilLogged(text) {
      await expect.poll(() => log, { interval: 5 }).toContain(text);
    },
    async readyz() {
      const response = await fetch(`http://${where}/readyz`);
      return [response.status, (await response.text()).trim().replaceAll('\n', ', ')];
    },
  };
  await watched.untilEntrances('SERVING');
  for (const service of OTHERS) {
    await expect.poll(() => watched.told(service)).toEqual(['SERVING']);
  }
  return watched;
}

/** Watches over the connection that calls are made over, too: what it says has an order with them. */
function watchHealth({ connection }: Clients): ReadonlyMap<string, readonly string[]> {
  const health = createClient(Health, connection);
  const told = new Map<string, string[]>();
  for (const service of [...ENTRANCES, ...OTHERS]) {
    const statuses: string[] = [];
    told.set(service, statuses);
    const watch = async (): Promise<void> => {
      for await (const { status } of health.watch({ service })) {
        statuses.push(ServingStatus[status] ?? '');
      }
    };
    // It goes with the server, or with the connection.
    void failureOf(watch()).then(
      ({ summary }) => statuses.push(summary),
      () => {},
    );
  }
  return told;
}

/**
 * Calls again and again, until a call is refused: resolves with how. By then health has said, of
 * all entrances, that no new work is to come, and so has `/readyz`.
 */
export async function untilRefused(
  watched: Watched,
  call: () => Promise<unknown>,
): Promise<string> {
  for (;;) {
    const failure = await call().then(
      () => undefined,
      (error: unknown) => failureOf(Promise.reject(error)),
    );
    if (failure === undefined) continue;
    // What came before it over the same connection has been taken by then.
    await setImmediate();
    for (const service of ENTRANCES) expect(watched.told(service).at(-1)).toBe('NOT_SERVING');
    expect((await watched.readyz())[0]).toBe(503);
    return failure.summary;
  }
}
