import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';

/** Limits of what a process may use. */
export const resourceLimits: readonly Check[] = [
  {
    id: 'LIMIT-01',
    title: 'The limits of a spec are those of its process and of its children, soft and hard',
    clause: 'ResourceLimits',
    needs: 'limits',
    async run(context) {
      const limits = { openFiles: 61n, coreBytes: 0n, cpuSeconds: 17n };
      const script = 'for kind in n c; do ulimit -S -$kind; ulimit -H -$kind; done; ulimit -S -t';
      const output = await context.outputOf(['/bin/sh', '-c', `sh -c '${script}'`], {
        limits,
        env: { PATH: '/usr/bin:/bin' },
      });
      ensureEqual(output.trim().split('\n'), ['61', '61', '0', '0', '17'], 'what they are');
    },
  },
  {
    id: 'LIMIT-02',
    title: 'A limit with which no process could begin is refused',
    clause: 'ResourceLimits.open_files',
    needs: 'limits',
    async run(context) {
      for (const limits of [{ openFiles: 2n }, { cpuSeconds: 0n }]) {
        await ensureFails(
          context.startShell('true', { limits }),
          'INVALID_ARGUMENT/INVALID_REQUEST',
          Object.keys(limits).join(),
        );
      }
    },
  },
];
