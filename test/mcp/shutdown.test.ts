import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { transportSettings } from '../../src/mcp/options.ts';
import { startServerProcess } from '../../src/mcp/server-process.ts';
import { shutDown } from '../../src/mcp/shutdown.ts';
import { errorOf } from '../support/client.ts';
import { FakeClock, passTime } from '../support/fake-clock.ts';
import { startHarness } from '../support/harness.ts';
import { HeldLauncher } from '../support/held-launcher.ts';
import { STDIO_SERVER } from '../support/mcp.ts';
import { startProxy } from '../support/tcp-proxy.ts';

describe('ending an MCP server that is out of reach', () => {
  it('is given up in the end, which is said', async () => {
    const harness = await startHarness();
    const proxy = await startProxy(harness.address);
    const settings = transportSettings({
      argv: STDIO_SERVER,
      address: formatAddress(proxy.address),
    });
    const server = await startServerProcess(settings, new AbortController().signal);
    proxy.freeze();
    const clock = new FakeClock();
    const unread = new Promise<void>(() => {});
    const error = await passTime(clock, shutDown(server, unread, { clock, graceMs: 2_000 }));
    expect(error?.name).toBe('McpShutdownError');
    const [session] = await harness.sessions
      .listSessions({})
      .then(({ sessions }) => sessions.filter(({ sessionId }) => sessionId !== harness.sessionId));
    expect(session?.processCount).toBe(1);
  });

  it('is given up when it was not started yet', async () => {
    const launcher = new HeldLauncher();
    const harness = await startHarness({ launcher });
    const proxy = await startProxy(harness.address);
    const clock = new FakeClock();
    const address = formatAddress(proxy.address);
    const settings = { ...transportSettings({ argv: STDIO_SERVER, address }), clock };
    const controller = new AbortController();
    const starting = errorOf(startServerProcess(settings, controller.signal));
    await launcher.asked.wait();
    proxy.freeze();
    controller.abort(new Error('enough'));
    expect((await passTime(clock, starting)).message).toBe('enough');
    launcher.gate.open();
  });
});
