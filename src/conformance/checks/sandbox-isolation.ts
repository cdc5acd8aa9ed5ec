import { SandboxNetwork } from '../../gen/runlet/v1/sandbox_pb.ts';
import { ensure, ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import { outputIn, shellWith } from '../sandboxes.ts';

const { NONE } = SandboxNetwork;

/** What processes in a sandbox are kept from. */
export const sandboxIsolation: readonly Check[] = [
  {
    id: 'SANDBOX-20',
    title: 'What enforces a sandbox is told of its process, and of no other',
    clause: 'ProcessStarted.sandbox',
    needs: 'sandbox',
    async run(context) {
      const { mechanism } = context.info.capabilities?.sandbox ?? {};
      ensure(mechanism, 'the server names no mechanism');
      for (const [sandbox, expected] of [
        [shellWith(), mechanism],
        [undefined, ''],
      ] as const) {
        const target = await context.startShell('true', sandbox === undefined ? {} : { sandbox });
        const [first] = await context.eventsOf(target);
        const { event } = first ?? {};
        ensureEqual(event?.case === 'started' && event.value.sandbox, expected, 'in `started`');
        ensureEqual((await context.get(target)).sandbox, expected, 'Process.sandbox');
      }
    },
  },
  {
    id: 'SANDBOX-21',
    title: 'Processes of the machine are neither seen nor reached from inside',
    clause: 'Sandbox',
    needs: 'sandbox',
    async run(context) {
      const outside = await context.startShell('exec sleep 1000');
      const { pid } = await context.get(outside);
      // A number that is no longer than this one may be given inside, too.
      const script = `for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done | grep -c 's[l]eep 1000'
        kill -0 ${pid} 2> /dev/null && grep -q sleep /proc/${pid}/cmdline && kill -KILL ${pid}; :`;
      ensureEqual(await outputIn(context, shellWith(), script), '0\n', 'how many are seen');
      const { state } = await context.get(outside);
      ensureEqual(state, 1, 'the state of the other');
    },
  },
  {
    id: 'SANDBOX-22',
    title: 'There are no capabilities, no new privileges, and no namespaces to be had',
    clause: 'Sandbox',
    needs: 'sandbox',
    async run(context) {
      const script = `grep -E '^(CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs):' /proc/self/status | tr -d '\\t\\n'
        command -v unshare > /dev/null && unshare -Ur true 2> /dev/null && echo unshared; :`;
      const zero = '0'.repeat(16);
      ensureEqual(
        await outputIn(context, shellWith(), script),
        `CapInh:${zero}CapPrm:${zero}CapEff:${zero}CapAmb:${zero}NoNewPrivs:1`,
        'what it has',
      );
    },
  },
  {
    id: 'SANDBOX-23',
    title: 'What the kernel is told through /proc/sys cannot be changed',
    clause: 'Sandbox',
    needs: 'sandbox',
    async run(context) {
      const path = '/proc/sys/kernel/hostname';
      const script = `{ cat ${path} > /dev/null && cat ${path} > ${path}; } 2> /dev/null && echo changed; :`;
      ensureEqual(await outputIn(context, shellWith(), script), '', 'what can be changed');
    },
  },
  {
    id: 'SANDBOX-24',
    title: 'Without a network there is a loopback interface of its own, and nothing else',
    clause: 'SANDBOX_NETWORK_NONE',
    needs: 'sandbox',
    async run(context) {
      const script = "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev";
      for (const network of [SandboxNetwork.UNSPECIFIED, NONE]) {
        const output = await outputIn(context, { ...shellWith(), network }, script);
        ensureEqual(output, 'lo\n', `interfaces with ${SandboxNetwork[network]}`);
      }
    },
  },
  {
    id: 'SANDBOX-25',
    title: 'With the network of the machine its interfaces are there',
    clause: 'SANDBOX_NETWORK_HOST',
    needs: 'sandbox',
    async run(context) {
      const script = 'readlink /proc/self/ns/net';
      const outside = await context.outputOf(['/bin/sh', '-c', script]);
      const sandbox = { ...shellWith(), network: SandboxNetwork.HOST };
      ensureEqual(await outputIn(context, sandbox, script), outside, 'the network');
    },
  },
  {
    id: 'SANDBOX-26',
    title: 'A process has its environment and three descriptors, as it has outside',
    clause: 'Sandbox',
    needs: 'sandbox',
    async run(context) {
      const env = { PATH: '/usr/bin:/bin', A: 'b' };
      const output = await outputIn(context, shellWith(), 'exec env', { env });
      const expected = ['A=b', 'PATH=/usr/bin:/bin'];
      const found = output.trimEnd().split('\n').sort();
      ensureEqual(
        found.filter((line) => !line.startsWith('PWD=')),
        expected,
        'the variables',
      );
      const script =
        'for fd in 3 4 5 6 7 8 9; do if (eval ": >&$fd") 2>/dev/null; then echo $fd; fi; done';
      ensureEqual(await outputIn(context, shellWith(), script), '', 'further descriptors');
    },
  },
];
