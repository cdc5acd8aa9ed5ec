import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { RememberedRequests } from '../../src/files/remembered-requests.ts';

const { signal } = new AbortController();

/** Work that is done when it is told so, and counts how often it began. */
function work(): {
  readonly begun: () => number;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
  readonly run: () => Promise<string>;
} {
  let resolve: (answer: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const done = new Promise<string>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  let count = 0;
  const run = (): Promise<string> => {
    count += 1;
    return done;
  };
  return { begun: () => count, resolve, reject, run };
}

describe('a request with an id', () => {
  it('is done once, also while the first is under way', async () => {
    const requests = new RememberedRequests();
    const { begun, resolve, run } = work();
    const call = { requestId: 'a', about: ['move', '/a', '/b'], signal };
    const first = requests.once(call, run);
    const repeat = requests.once(call, run);
    resolve('moved');
    expect(await Promise.all([first, repeat, requests.once(call, run)])).toEqual([
      'moved',
      'moved',
      'moved',
    ]);
    expect(begun()).toBe(1);
  });

  it('cannot be another one, neither under way nor after it', async () => {
    const requests = new RememberedRequests();
    const { begun, resolve, run } = work();
    const first = requests.once({ requestId: 'a', about: ['move', '/a'], signal }, run);
    const other = { requestId: 'a', about: ['copy', '/a'], signal };
    const mismatch = expect.objectContaining({ reason: 'REQUEST_MISMATCH' });
    await expect(requests.once(other, run)).rejects.toEqual(mismatch);
    resolve('moved');
    await first;
    await expect(requests.once(other, run)).rejects.toEqual(mismatch);
    expect(begun()).toBe(1);
  });

  it('is not remembered when it failed', async () => {
    const requests = new RememberedRequests();
    const call = { requestId: 'a', about: ['move'], signal };
    const failed = work();
    const both = [requests.once(call, failed.run), requests.once(call, failed.run)];
    failed.reject(new RunletError('FILE_NOT_FOUND'));
    for (const result of await Promise.allSettled(both)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { reason: 'FILE_NOT_FOUND' } });
    }
    expect(failed.begun()).toBe(1);
    await expect(requests.once(call, () => Promise.resolve('moved'))).resolves.toBe('moved');
  });

  it('is done by a repeat where the first gave up with its call', async () => {
    const requests = new RememberedRequests();
    const controller = new AbortController();
    const given = work();
    const call = { requestId: 'a', about: ['move'] };
    const first = requests.once({ ...call, signal: controller.signal }, given.run);
    const repeat = requests.once({ ...call, signal }, () => Promise.resolve('moved'));
    controller.abort(new Error('cut'));
    given.reject(new Error('cut'));
    await expect(first).rejects.toThrow('cut');
    await expect(repeat).resolves.toBe('moved');
  });

  it('is forgotten when enough came after it', async () => {
    const requests = new RememberedRequests(2);
    let count = 0;
    const run = (requestId: string): Promise<number> =>
      requests.once({ requestId, about: [], signal }, () => Promise.resolve(++count));
    expect([await run('a'), await run('b'), await run('a'), await run('c')]).toEqual([1, 2, 1, 3]);
    expect([await run('b'), await run('a')]).toEqual([2, 4]);
  });

  it('without one is done each time', async () => {
    const requests = new RememberedRequests();
    let count = 0;
    const run = (): Promise<number> => Promise.resolve(++count);
    const call = { requestId: '', about: [], signal };
    expect([await requests.once(call, run), await requests.once(call, run)]).toEqual([1, 2]);
  });
});
