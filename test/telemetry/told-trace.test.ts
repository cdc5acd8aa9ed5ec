import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { connectTo } from '../support/client.ts';
import { collect, outputOf } from '../support/events.ts';
import { type Clients, connectClients, startHarness } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { collectTraces, exportTo } from '../support/trace-collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

/** Prints its trace. */
const ARGV = ['/bin/sh', '-c', 'echo "$TRACEPARENT,$TRACESTATE"'];

/** The trace that a process sees which a call with such metadata runs. */
async function told(
  { processes }: Pick<Clients, 'processes'>,
  metadata: Readonly<Record<string, string>>,
  spec: MessageInitShape<typeof ProcessSpecSchema> = { traceContext: true },
): Promise<string> {
  const events = await collect(processes.run({ spec: { ...spec, argv: ARGV } }, { metadata }));
  return outputOf(events).toString().trim();
}

describe('a process that is to know its trace', () => {
  it('knows its own span where the server traces', async () => {
    const collector = await collectTraces();
    exportTo(collector.url);
    const clients = connectClients((await serve()).address);
    const seen = await told(clients, { traceparent: TRACEPARENT, tracestate: 'a=1' });
    const { spanId } = await collector.until((spans) => spans.find(({ name }) => name === 'sh'));
    expect(seen).toBe(`00-${TRACE}-${spanId}-01,a=1`);
  });

  it('knows that of the call where it does not', async () => {
    const harness = await startHarness();
    const metadata = { traceparent: TRACEPARENT, tracestate: 'a=1,b=2' };
    expect(await told(harness, metadata)).toBe(`${TRACEPARENT},a=1,b=2`);
    expect(await told(harness, { traceparent: TRACEPARENT })).toBe(`${TRACEPARENT},`);
  });

  it.each([{}, { traceparent: 'malformed', tracestate: 'a=1' }, { tracestate: 'a=1' }])(
    'knows none where the call is in none: %j',
    async (metadata) => {
      expect(await told(await startHarness(), metadata)).toBe(',');
    },
  );

  it('knows none that is not its own', async () => {
    const theirs = [
      ['TRACEPARENT', 'of the server'],
      ['TRACESTATE', 'of the server'],
    ] as const;
    const harness = await startHarness({ environment: new Map(theirs) });
    const spec = { traceContext: true, envPolicy: { set: { TRACESTATE: 'of the policy' } } };
    const metadata = { traceparent: TRACEPARENT };
    expect(await told(harness, metadata, spec)).toBe(`${TRACEPARENT},`);
    const env = Object.fromEntries(theirs);
    expect(await told(harness, metadata, { traceContext: true, env })).toBe(`${TRACEPARENT},`);
    // Without a context all is as it would be.
    const inherited = { traceContext: true, envPolicy: {} };
    expect(await told(harness, {}, inherited)).toBe('of the server,of the server');
  });

  it('is asked for', async () => {
    const harness = await startHarness();
    expect(await told(harness, { traceparent: TRACEPARENT }, {})).toBe(',');
    const client = connectTo(harness.address, { metadata: { traceparent: TRACEPARENT } });
    const { stdout } = await client.run(ARGV, { encoding: 'utf8', traceContext: true });
    expect(stdout).toBe(`${TRACEPARENT},\n`);
    expect((await client.run(ARGV, { encoding: 'utf8' })).stdout).toBe(',\n');
  });
});
