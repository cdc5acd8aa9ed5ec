import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  END_REASONS,
  type EndReasonName,
  OVERFLOWS,
  type OverflowName,
  type SignalName,
  signalName,
  signalValue,
} from '../../src/client/names.ts';
import { EndReason } from '../../src/gen/runlet/v1/event_pb.ts';
import { Overflow } from '../../src/gen/runlet/v1/process_pb.ts';
import type { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';

describe('the names of an enum', () => {
  it('are a union of strings without the prefix, in the spelling of strings', () => {
    expectTypeOf<OverflowName>().toEqualTypeOf<'drop-oldest' | 'pause'>();
    expectTypeOf<'session-expired'>().toExtend<EndReasonName>();
    expectTypeOf<'unspecified'>().not.toExtend<EndReasonName>();
  });

  it('stand for its values, both ways', () => {
    expect(OVERFLOWS.value('drop-oldest')).toBe(Overflow.DROP_OLDEST);
    expect(END_REASONS.name(EndReason.SERVER_SHUTDOWN)).toBe('server-shutdown');
  });

  it('do not include what says nothing, or what a newer server may send', () => {
    expect(OVERFLOWS.name(0)).toBeUndefined();
    expect(OVERFLOWS.name(77)).toBeUndefined();
  });

  it('that are not names are refused with those that are', () => {
    expect(() => OVERFLOWS.value('drop' as OverflowName)).toThrow(
      'drop is none of drop-oldest, pause',
    );
  });
});

describe('the name of a signal', () => {
  it('is that of POSIX', () => {
    type Known = `SIG${Exclude<keyof typeof Signal, 'UNSPECIFIED'>}`;
    expectTypeOf<SignalName>().toEqualTypeOf<Known>();
    expect(signalValue('SIGTERM')).toBe(15);
    expect(signalName(9)).toBe('SIGKILL');
    expect(signalName(0)).toBeUndefined();
    expect(signalName(64)).toBeUndefined();
  });

  it('that is none is refused', () => {
    for (const name of ['TERM', 'SIGNONE', 'SIGUNSPECIFIED', 'SIG15', '']) {
      expect(() => signalValue(name as SignalName)).toThrow('is no signal');
    }
  });
});
