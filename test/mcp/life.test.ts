import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { startHarness } from '../support/harness.ts';
import { makeRig, type RigOptions, startRig } from '../support/mcp.ts';

describe('closing a transport', () => {
  it('ends the stdin of its server, and takes what that says last', async () => {
    const rig = await startRig({ graceMs: 120_000 });
    await rig.ask('last');
    await rig.result('last');
    const { process } = rig.transport;
    await rig.transport.close();
    expect(rig.calls).toEqual(['message', 'message', 'close']);
    expect(await rig.result('after the end')).toEqual({});
    expect(await process?.closed).toMatchObject({ code: 0, reason: 'exited' });
    expect(await errorOf(rig.ask('echo'))).toMatchObject({ reason: 'closed' });
    await rig.transport.close();
    expect(rig.calls).toHaveLength(3);
  });

  it('is what the end of its scope does', async () => {
    const rig = await startRig();
    await rig.transport[Symbol.asyncDispose]();
    expect(rig.calls).toEqual(['close']);
  });

  it('kills a server that does not heed that', async () => {
    const rig = await startRig({ graceMs: 20 });
    await rig.ask('stubborn');
    await rig.result('stubborn');
    const { process } = rig.transport;
    await rig.transport.close();
    expect(await process?.closed).toMatchObject({ signal: 'SIGKILL', reason: 'terminated' });
    expect(rig.calls).toEqual(['message', 'close']);
  });

  it('rejects what is being sent', async () => {
    const rig = await startRig({ graceMs: 20 });
    await rig.transport.process?.kill('SIGSTOP');
    const sending = errorOf(rig.ask('echo', { text: 'x'.repeat(30_000_000) }));
    await rig.transport.close();
    expect(await sending).toMatchObject({ reason: 'closed' });
  });

  it('closes the session that was made for it, and no other', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const given = await client.session();
    const inGiven = makeRig({ session: given });
    const own = makeRig({ address: formatAddress(address) });
    await Promise.all([inGiven.transport.start(), own.transport.start()]);
    const before = await client.sessions();
    await Promise.all([inGiven.transport.close(), own.transport.close()]);
    const after = await client.sessions();
    expect(before.length - after.length).toBe(1);
    expect(after.map(({ id }) => id)).toContain(given.id);
  });

  it('while it starts leaves nothing of it', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const before = (await client.sessions()).length;
    const rig = makeRig({ address: formatAddress(address) });
    const starting = errorOf(rig.transport.start());
    await rig.transport.close();
    expect(await starting).toMatchObject({ reason: 'closed' });
    expect(rig.calls).toEqual(['close']);
    expect(await client.sessions()).toHaveLength(before);
  });
});

describe('starting a transport', () => {
  it('fails where the program is not there, and leaves nothing', async () => {
    const { address } = await startHarness();
    const client = connectTo(address);
    const before = (await client.sessions()).length;
    const rig = makeRig({
      address: formatAddress(address),
      argv: ['/no/such/program'],
    } as RigOptions);
    expect(await errorOf(rig.transport.start())).toMatchObject({ reason: 'START_FAILED' });
    expect(rig.calls).toEqual(['close']);
    expect(await client.sessions()).toHaveLength(before);
    expect(await errorOf(rig.ask('echo'))).toMatchObject({ reason: 'failed' });
  });

  it('twice is a mistake, and sending before it too', async () => {
    const { address } = await startHarness();
    const rig = makeRig({ address: formatAddress(address) });
    expect((await errorOf(rig.ask('echo'))).message).toBe('the transport is not started');
    await rig.transport.start();
    expect((await errorOf(rig.transport.start())).message).toMatch('before');
  });
});
