import { describe, expect, it } from 'vitest';
import { Reloads } from '../../src/cli/reloads.ts';
import { deferred } from '../../src/client/deferred.ts';

function made() {
  const told: string[] = [];
  const tell = (fields: object, text: string) =>
    told.push(`${'what' in fields ? fields.what : ''} ${text}`);
  const log = { debug: tell, info: tell, warn: tell, error: tell, fatal: tell };
  return { told, reloads: new Reloads(log as never) };
}

describe('what is read again', () => {
  it('goes on after what fails', async () => {
    const { reloads, told } = made();
    reloads.add('one', () => Promise.reject(new Error('broken')));
    reloads.add('other', () => Promise.resolve());
    await reloads.run();
    expect(told).toEqual([
      'one could not be read again; what was before stays in force',
      'other read again',
    ]);
  });

  it('is read once more where it was asked for meanwhile, and never twice at a time', async () => {
    const { reloads, told } = made();
    const first = deferred<void>();
    let times = 0;
    reloads.add('one', () => {
      times += 1;
      return times === 1 ? first.promise : Promise.resolve();
    });
    const all = [reloads.run(), reloads.run(), reloads.run()];
    expect(times).toBe(1);
    first.resolve();
    await Promise.all(all);
    expect(times).toBe(2);
    expect(told).toEqual(['one read again', 'one read again']);
  });
});
