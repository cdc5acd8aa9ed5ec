import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingLogs } from '../../src/output/waiting-logs.ts';

describe('logs that wait', () => {
  it('are told of each owner in turn, and only those that waited by then', () => {
    const waiting = new WaitingLogs<string>();
    for (const log of ['a1', 'a2', 'a3', 'b1']) waiting.add(log.charAt(0), log);
    waiting.tellAll();
    waiting.add('a', 'a4');
    expect(waiting.take(3)).toEqual(['a1', 'b1', 'a2']);
    expect(waiting.take(3)).toEqual(['a3']);
    expect(waiting.hasToTell).toBe(false);
    waiting.remove('a', 'a4');
    expect(waiting.isEmpty).toBe(true);
  });

  it('of one owner are told without those of others', () => {
    const waiting = new WaitingLogs<string>();
    for (const log of ['a1', 'b1', 'b2']) waiting.add(log.charAt(0), log);
    waiting.tell('b');
    expect(waiting.take(10)).toEqual(['b1', 'b2']);
    waiting.tell('c');
    expect(waiting.hasToTell).toBe(false);
  });

  it('are told once each if they wait still, whatever comes and goes', () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'add', 'remove', 'tell', 'tellAll', 'take'),
      owner: fc.constantFrom('a', 'b'),
      log: fc.nat(4),
    });
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const waiting = new WaitingLogs<string>();
      const model = new Set<string>();
      for (const { kind, log, owner } of steps) {
        const name = `${owner}${log}`;
        if (kind === 'add') {
          waiting.add(owner, name);
          model.add(name);
        } else if (kind === 'remove') {
          waiting.remove(owner, name);
          model.delete(name);
        } else if (kind === 'tell') waiting.tell(owner);
        else if (kind === 'tellAll') waiting.tellAll();
        else for (const taken of waiting.take(log)) expect(model.delete(taken)).toBe(true);
        expect(waiting.isEmpty).toBe(model.size === 0);
      }
      waiting.tellAll();
      const rest = [];
      while (waiting.hasToTell) rest.push(...waiting.take(3));
      expect(rest.sort()).toEqual([...model].sort());
      expect(waiting.isEmpty).toBe(true);
    });
    fc.assert(property);
  });
});
