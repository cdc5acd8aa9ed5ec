import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DOOR_LOOK_MS, MAX_HEALTH_CONNECTIONS, MAX_UNSPOKEN_BYTES } from '../../src/limits.ts';
import { Door, type DoorSocket, type Visit } from '../../src/server/door.ts';
import { sourceOf } from '../../src/server/source.ts';
import { VisitQueue } from '../../src/server/visit-queue.ts';
import { FakeClock } from '../support/fake-clock.ts';

class FakeSocket extends EventEmitter implements DoorSocket {
  bytesRead = 0;
  destroyed = false;

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

const FIRST_CALL_MS = 1000;

function openDoor({ maxConnections = 100, maxUnspoken = 3 } = {}) {
  const clock = new FakeClock();
  const door = new Door({ maxConnections, maxUnspoken, firstCallMs: FIRST_CALL_MS, clock });
  const enter = (
    source = 'a',
  ): { readonly socket: FakeSocket; readonly visit: Visit | undefined } => {
    const socket = new FakeSocket();
    return { socket, visit: door.enter(socket, source) };
  };
  return { clock, door, enter };
}

describe('connections on which nobody was let in', () => {
  it('go where there are too many: of the source that has most, the oldest', () => {
    const { enter } = openDoor();
    const [first, other, second, third] = ['a', 'b', 'a', 'a'].map((source) => enter(source));
    expect(first?.socket.destroyed).toBe(true);
    for (const each of [other, second, third]) expect(each?.socket.destroyed).toBe(false);
    // From elsewhere there is room, whoever came before.
    enter('b');
    expect(second?.socket.destroyed).toBe(true);
    expect(other?.socket.destroyed).toBe(false);
  });

  it('do not push out those on which somebody was', () => {
    const { enter } = openDoor();
    const admitted = enter();
    admitted.visit?.admit();
    for (let i = 0; i < 10; i++) enter();
    expect(admitted.socket.destroyed).toBe(false);
  });

  it('go after a time, and those on which somebody was let in or asked for health stay', () => {
    const { clock, enter } = openDoor();
    const [silent, admitted, healthy] = [enter(), enter(), enter()];
    admitted.visit?.admit();
    expect(healthy.visit?.begin('health')).toBe(true);
    clock.advance(FIRST_CALL_MS + DOOR_LOOK_MS);
    expect(silent.socket.destroyed).toBe(true);
    clock.advance(100 * FIRST_CALL_MS);
    expect(admitted.socket.destroyed).toBe(false);
    expect(healthy.socket.destroyed).toBe(false);
  });

  it('go when they have received too much, in whatever time where they ask for health', () => {
    const { clock, enter } = openDoor();
    const [loud, healthy, admitted] = [enter(), enter(), enter()];
    healthy.visit?.begin('health');
    admitted.visit?.admit();
    for (const { socket } of [loud, admitted]) socket.bytesRead = MAX_UNSPOKEN_BYTES + 1;
    clock.advance(DOOR_LOOK_MS);
    expect(loud.socket.destroyed).toBe(true);
    for (let i = 0; i < 10; i++) {
      healthy.socket.bytesRead += MAX_UNSPOKEN_BYTES / 4;
      clock.advance(2 * FIRST_CALL_MS);
    }
    expect(healthy.socket.destroyed).toBe(false);
    healthy.socket.bytesRead += MAX_UNSPOKEN_BYTES + 1;
    clock.advance(DOOR_LOOK_MS);
    expect(healthy.socket.destroyed).toBe(true);
    expect(admitted.socket.destroyed).toBe(false);
  });

  it('are asked to go where many calls were refused, and go then', () => {
    const { clock, enter } = openDoor();
    const { socket, visit } = enter();
    let asked = 0;
    for (let i = 0; i < 1000; i++) visit?.refuse(() => void asked++);
    expect(asked).toBe(1);
    expect(socket.destroyed).toBe(false);
    clock.advance(DOOR_LOOK_MS);
    expect(socket.destroyed).toBe(true);
  });
});

describe('connections on which health alone was asked for', () => {
  it('have a bound of their own, beyond which goes who has not asked for longest', () => {
    const { enter } = openDoor({ maxConnections: 10_000 });
    const healthy = Array.from({ length: MAX_HEALTH_CONNECTIONS }, () => {
      const entered = enter();
      entered.visit?.begin('health');
      entered.visit?.end('health');
      return entered;
    });
    const [first, second] = healthy;
    first?.visit?.begin('health');
    enter().visit?.begin('health');
    expect(first?.socket.destroyed).toBe(false);
    expect(second?.socket.destroyed).toBe(true);
    expect(healthy.filter(({ socket }) => socket.destroyed)).toHaveLength(1);
  });

  it('have few such calls under way', () => {
    const { visit } = openDoor().enter();
    let begun = 0;
    while (visit?.begin('health') === true) begun += 1;
    expect(begun).toBeGreaterThan(1);
    visit?.end('health');
    expect(visit?.begin('health')).toBe(true);
    expect(visit?.begin('health')).toBe(false);
  });
});

describe('all connections', () => {
  it('are bounded: one on which nobody was let in goes for the next, else that does', () => {
    const { enter } = openDoor({ maxConnections: 2, maxUnspoken: 10 });
    const admitted = enter();
    admitted.visit?.admit();
    const silent = enter();
    const next = enter();
    expect(silent.socket.destroyed).toBe(true);
    next.visit?.admit();
    expect(enter()).toMatchObject({ visit: undefined, socket: { destroyed: true } });
    admitted.socket.destroy();
    expect(enter().visit).toBeDefined();
  });
});

describe('a queue of visits', () => {
  it('knows who is first of the source that has most, whatever came and went', () => {
    const step = fc.record({ add: fc.boolean(), source: fc.nat(3), at: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new VisitQueue<{ readonly source: string }>();
        const model: { readonly source: string }[] = [];
        for (const { add, at, source } of steps) {
          const one = { source: String(source) };
          const gone = model[at % Math.max(1, model.length)];
          if (add) {
            queue.add(one);
            model.push(one);
          } else if (gone !== undefined) {
            expect(queue.remove(gone)).toBe(true);
            expect(queue.remove(gone)).toBe(false);
            model.splice(model.indexOf(gone), 1);
          }
          expect([...queue]).toEqual(model);
          const first = queue.firstOfMost();
          const countOf = (of: string): number => model.filter((each) => each.source === of).length;
          if (first === undefined) expect(model).toEqual([]);
          else {
            expect(countOf(first.source)).toBe(
              Math.max(...model.map((each) => countOf(each.source))),
            );
            expect(model.find((each) => each.source === first.source)).toBe(first);
          }
        }
      }),
    );
  });
});

describe('the source of a connection', () => {
  it.each([
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['::ffff:10.0.0.1', undefined, '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', undefined, '2001:db8:1:2::/64'],
    ['2001:db8::6', undefined, '2001:db8:0:0::/64'],
    ['fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
    ['::1', undefined, '0:0:0:0::/64'],
    [undefined, 1000, 'uid 1000'],
    [undefined, undefined, 'unix'],
  ])('of %s and the user %s is %s', (remoteAddress, uid, source) => {
    expect(sourceOf({ remoteAddress }, uid)).toBe(source);
  });
});
