import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import {
  type Ended,
  exploreWithGo,
  exploreWithPython,
  type Findings,
  healthProbe,
  missing,
} from './probe-tools.ts';
import { type ServedProcess, serve } from './support.ts';

const SERVICES = [
  'grpc.health.v1.Health',
  'runlet.v1.FileService',
  'runlet.v1.HttpService',
  'runlet.v1.ProcessService',
  'runlet.v1.ServerService',
  'runlet.v1.SessionService',
  'runlet.v1.TunnelService',
];

const FIELDS = Object.fromEntries(
  ProcessSpecSchema.fields.map(({ name, number }) => [name, number]),
);

const withoutGo = await missing('go');
const withoutPython = await missing('python3');

let server: ServedProcess;

beforeAll(async () => {
  server = await serve();
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

describe.skipIf(withoutGo)(`grpc-health-probe${skipped(withoutGo)}`, () => {
  let probe: (...args: readonly string[]) => Promise<Ended>;

  beforeAll(async () => {
    probe = await healthProbe();
  });

  it.each(['', ...SERVICES.slice(1)])('finds the server serving: "%s"', async (service) => {
    const { code, text } = await probe('-addr', server.address, '-service', service);
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('SERVING') });
  });

  it('is told that there is no such service', async () => {
    const { code, text } = await probe('-addr', server.address, '-service', 'nobody.v1.Service');
    expect({ code, text }).toEqual({ code: 3, text: expect.stringContaining('NotFound') });
  });

  it('does not reach a server that has ended', async () => {
    const ended = await serve();
    expect((await probe('-addr', ended.address)).code).toBe(0);
    await ended.stop();
    expect((await probe('-addr', ended.address)).code).toBe(2);
  });
});

describe.skipIf(withoutGo)(`the reflection client of Go${skipped(withoutGo)}`, () => {
  describeFindings(exploreWithGo);
});

describe.skipIf(withoutPython)(`the reflection client of Python${skipped(withoutPython)}`, () => {
  describeFindings(exploreWithPython);
});

function describeFindings(explore: (address: string) => Promise<Findings>): void {
  let found: Findings;

  beforeAll(async () => {
    found = await explore(server.address);
  });

  it('lists the services', () => {
    expect([...found.services].sort()).toEqual(SERVICES);
  });

  it('resolves a message, with every field', () => {
    expect(found.fields).toEqual(FIELDS);
  });

  it('calls a method with messages that it made of that', () => {
    expect(found.answer.got).toBe(found.answer.asked);
  });
}

function skipped(what: string | undefined): string {
  return what === undefined ? '' : ` (skipped, missing: ${what})`;
}
