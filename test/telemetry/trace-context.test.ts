import { describe, expect, it } from 'vitest';
import { sampledTraceId, traceContext } from '../../src/telemetry/tracing/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const WELL = `00-${TRACE}-${SPAN}-01`;

describe('a context of W3C', () => {
  it.each([WELL, `00-${TRACE}-${SPAN}-00`, `01-${TRACE}-${SPAN}-01-what-comes-later`])(
    'is taken as it is: %s',
    (traceparent) => {
      expect(traceContext(traceparent, 'a=1,b=2')).toEqual({ traceparent, tracestate: 'a=1,b=2' });
    },
  );

  it.each([
    undefined,
    '',
    'x',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `${WELL}-more`,
    ` ${WELL}`,
    `${WELL}\n`,
  ])('that is malformed is none: %j', (traceparent) => {
    expect(traceContext(traceparent, 'a=1')).toBeUndefined();
  });

  it.each([
    ['01', TRACE],
    ['03', TRACE],
    ['00', undefined],
    ['02', undefined],
  ])('has a trace that is collected where its flags say so: %s', (flags, id) => {
    expect(sampledTraceId({ traceparent: `00-${TRACE}-${SPAN}-${flags}`, tracestate: '' })).toBe(
      id,
    );
  });

  it.each([undefined, 'a=\u{1}', 'a=é', 'x'.repeat(513)])(
    'has no state where that is malformed: %j',
    (tracestate) => {
      expect(traceContext(WELL, tracestate)).toEqual({ traceparent: WELL, tracestate: '' });
    },
  );
});
