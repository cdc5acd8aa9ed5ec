import {
  SandboxAccess,
  type SandboxNetwork,
  SandboxPlace,
} from '../../gen/runlet/v1/sandbox_pb.ts';
import { ensureAllFail, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';
import { PLATFORM, type SandboxInit, shellWith } from '../sandboxes.ts';

const { READ } = SandboxAccess;

function start(context: CheckContext, sandbox: SandboxInit): Promise<unknown> {
  return context.startShell('true', { cwd: '/', sandbox });
}

/** Sandboxes that are wrong in themselves. */
export const sandboxRequests: readonly Check[] = [
  {
    id: 'SANDBOX-16',
    title: 'A sandbox that is wrong in itself is refused, with the field that is wrong',
    clause: 'SandboxRule',
    needs: 'sandbox',
    async run(context) {
      const wrong: Record<string, [SandboxInit, RegExp]> = {
        'a path that is not absolute': [
          { rules: [{ path: 'a', access: READ }] },
          /^spec\.sandbox\.rules\[0\]\.path$/,
        ],
        'no access': [
          { rules: [PLATFORM, { path: '/usr' }] },
          /^spec\.sandbox\.rules\[1\]\.access$/,
        ],
        'neither a path nor a place': [{ rules: [{ access: READ }] }, /^spec\.sandbox\.rules\[0\]/],
        'a path and a place': [
          { rules: [{ path: '/usr', place: SandboxPlace.ROOT, access: READ }] },
          /^spec\.sandbox\.rules\[0\]/,
        ],
        'a profile that there is not': [
          { profile: `no-profile-${context.sessionId.slice(0, 8)}` },
          /^spec\.sandbox\.profile$/,
        ],
        'a folder of its own': [{ ...shellWith(), cwd: '/' }, /^spec\.sandbox\.cwd$/],
        'a network that there is not': [
          { ...shellWith(), network: 99 as SandboxNetwork },
          /^spec\.sandbox\.network$/,
        ],
      };
      for (const [what, [sandbox, field]] of Object.entries(wrong)) {
        await ensureInvalid(start(context, sandbox), field, what);
      }
    },
  },
  {
    id: 'SANDBOX-17',
    title: 'A sandbox has no more rules than `max_sandbox_rules`',
    clause: 'Limits.max_sandbox_rules',
    needs: 'sandbox',
    async run(context) {
      const most = context.info.limits?.maxSandboxRules ?? 0;
      const rules = Array.from({ length: most }, () => PLATFORM);
      await start(context, { rules });
      await ensureAllFail(
        { 'one more': start(context, { rules: [...rules, PLATFORM] }) },
        'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED',
      );
    },
  },
];
