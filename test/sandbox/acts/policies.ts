import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  SandboxAccess,
  SandboxNetwork,
  SandboxPlace,
  type SandboxSchema,
} from '../../../src/gen/runlet/v1/sandbox_pb.ts';
import type { SandboxAccess as Access } from '../../../src/sandbox/sandbox-spec.ts';
import type { Policy } from './act.ts';
import { type Stage, ZONES, type Zone } from './stage.ts';

type SandboxInit = MessageInitShape<typeof SandboxSchema>;
type RuleInit = NonNullable<SandboxInit['rules']>[number];

/** A policy, but for who it is for, and what is asked for to have it. */
export interface PolicyCase extends Omit<Policy, 'root'> {
  /** Undefined: no sandbox. */
  readonly sandbox: ((stage: Stage) => SandboxInit) | undefined;
}

const ACCESS = {
  read: SandboxAccess.READ,
  write: SandboxAccess.WRITE,
  none: SandboxAccess.NONE,
} as const;

/** What a folder to work in comes to, with others in it for which there are rules. */
const WORK = {
  writable: 'write',
  'read-only': 'read',
  denied: 'none',
  're-opened': 'write',
  're-opened to be read': 'read',
  'denied again': 'none',
} as const satisfies Partial<Record<Zone, Access>>;

function everywhere(access: Access): Record<Zone, Access> {
  const zones = Object.keys(ZONES) as Zone[];
  return Object.fromEntries(zones.map((zone) => [zone, access])) as Record<Zone, Access>;
}

function toolsOf(stage: Stage): RuleInit {
  return { path: `${stage.base}/tools`, access: SandboxAccess.READ };
}

function workOf(stage: Stage): RuleInit[] {
  const zones = Object.entries(WORK) as [keyof typeof WORK, Access][];
  return [
    toolsOf(stage),
    ...zones.map(([zone, access]) => ({ path: stage.path(zone), access: ACCESS[access] })),
    ...stage.rules.map(({ access, missingOk, path }) => ({
      path,
      missingOk,
      access: ACCESS[access],
    })),
  ];
}

/** What acts are done under. */
export const POLICIES: readonly PolicyCase[] = [
  {
    name: 'nothing confines',
    confined: false,
    access: everywhere('write'),
    network: 'host',
    platform: true,
    sandbox: undefined,
  },
  {
    name: 'a program alone',
    confined: true,
    access: everywhere('none'),
    network: 'none',
    platform: false,
    sandbox: (stage) => ({
      rules: [toolsOf(stage), { place: SandboxPlace.TEMP, access: SandboxAccess.WRITE }],
    }),
  },
  {
    name: 'a folder to work in',
    confined: true,
    access: { outside: 'none', ...WORK },
    network: 'none',
    platform: true,
    sandbox: (stage) => ({
      rules: [
        { place: SandboxPlace.PLATFORM, access: SandboxAccess.READ },
        { place: SandboxPlace.TEMP, access: SandboxAccess.WRITE },
        ...workOf(stage),
      ],
      network: SandboxNetwork.NONE,
    }),
  },
  {
    name: 'all to be read, and the network',
    confined: true,
    access: { outside: 'read', ...WORK },
    network: 'host',
    platform: true,
    sandbox: (stage) => ({
      rules: [{ place: SandboxPlace.ROOT, access: SandboxAccess.READ }, ...workOf(stage)],
      network: SandboxNetwork.HOST,
    }),
  },
  {
    name: 'all to be written',
    confined: true,
    access: { outside: 'write', ...WORK },
    network: 'none',
    platform: true,
    sandbox: (stage) => ({
      rules: [{ place: SandboxPlace.ROOT, access: SandboxAccess.WRITE }, ...workOf(stage)],
      network: SandboxNetwork.NONE,
    }),
  },
];
