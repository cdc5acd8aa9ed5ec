import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import {
  SandboxAccess,
  SandboxNetwork,
  SandboxPlace,
  SandboxSchema,
} from '../../src/gen/runlet/v1/sandbox_pb.ts';
import type { SandboxLayer, SandboxSpec } from '../../src/sandbox/sandbox-spec.ts';
import { parseSandbox, type SandboxCwd } from '../../src/server/requests/sandbox.ts';

type Init = MessageInitShape<typeof SandboxSchema>;

const { NONE, READ, WRITE } = SandboxAccess;
/** What no enum has. */
const UNKNOWN: number = 9;
const CWD_RULE = { place: SandboxPlace.CWD, access: WRITE };
const PROFILES = new Map<string, SandboxLayer>([
  ['p', { rules: [{ at: { place: 'cwd' }, access: 'read', missingOk: false }], network: 'host' }],
]);

const parse = (init: Init, cwd: SandboxCwd = 'own'): SandboxSpec =>
  parseSandbox('sandbox', create(SandboxSchema, init), PROFILES, cwd);

/** The field that is wrong, or the reason that is not about one. */
function wrong(init: Init, cwd?: SandboxCwd): string | undefined {
  try {
    parse(init, cwd);
  } catch (error) {
    if (!(error instanceof RunletError)) throw error;
    return error.details.violations?.[0]?.field ?? error.reason;
  }
  return undefined;
}

describe('a sandbox in a request', () => {
  it('that says nothing lets nothing be done', () => {
    expect(parse({})).toEqual({
      profile: '',
      layers: [{ rules: [], network: 'none' }],
      cwd: undefined,
    });
  });

  it('has its rules, and a path that is not UTF-8', () => {
    const rules = [
      { path: '/a', access: NONE },
      { rawPath: Buffer.from([0x2f, 0xff]), access: READ, missingOk: true },
      CWD_RULE,
    ];
    expect(parse({ rules, network: SandboxNetwork.HOST, cwd: '/w' })).toEqual({
      profile: '',
      layers: [
        {
          rules: [
            { at: { path: '/a' }, access: 'none', missingOk: false },
            { at: { path: '/\udcff' }, access: 'read', missingOk: true },
            { at: { place: 'cwd' }, access: 'write', missingOk: false },
          ],
          network: 'host',
        },
      ],
      cwd: '/w',
    });
  });

  it('narrows its profile, and where it says nothing that counts', () => {
    const cwd = { field: 'spec.cwd', given: true };
    const own = PROFILES.get('p');
    expect(parse({ profile: 'p' }, cwd).layers).toEqual([own]);
    const rules = [{ path: '/a', access: READ }];
    expect(parse({ profile: 'p', rules }, cwd).layers[1]?.network).toBe('host');
    const network = SandboxNetwork.NONE;
    expect(parse({ profile: 'p', network }, cwd).layers[1]).toEqual({ ...own, network: 'none' });
  });

  it.each<[Init, string]>([
    [{ profile: 'q' }, 'sandbox.profile'],
    [{ network: UNKNOWN }, 'sandbox.network'],
    [{ rules: [{ path: '/a' }] }, 'sandbox.rules[0].access'],
    [{ rules: [{ path: '/a', access: UNKNOWN }] }, 'sandbox.rules[0].access'],
    [{ rules: [{ access: READ }] }, 'sandbox.rules[0].path'],
    [{ rules: [{ place: UNKNOWN, access: READ }] }, 'sandbox.rules[0].place'],
    [{ rules: [{ path: 'a', access: READ }] }, 'sandbox.rules[0].path'],
    [{ rules: [{ path: '/\0', access: READ }] }, 'sandbox.rules[0].path'],
    [{ rules: [{ path: `/${'a'.repeat(4095)}`, access: READ }] }, 'sandbox.rules[0].path'],
    [{ rules: [{ rawPath: Buffer.from('a'), access: READ }] }, 'sandbox.rules[0].raw_path'],
    [{ rules: [{ ...CWD_RULE, path: '/a' }] }, 'sandbox.rules[0].path'],
    [
      { rules: [{ path: '/a', rawPath: Buffer.from('/a'), access: READ }] },
      'sandbox.rules[0].raw_path',
    ],
    [{ rules: [CWD_RULE] }, 'sandbox.cwd'],
    [{ profile: 'p' }, 'sandbox.cwd'],
    [{ cwd: 'w' }, 'sandbox.cwd'],
    [{ cwd: '/w', rawCwd: Buffer.from('/w') }, 'sandbox.raw_cwd'],
    [{ rules: Array.from({ length: 257 }, () => CWD_RULE) }, 'LIMIT_EXCEEDED'],
  ])('is refused with the field that is wrong: %#', (init, field) => {
    expect(wrong(init)).toBe(field);
  });

  it('of a process means the working directory of that', () => {
    const cwd = { field: 'spec.cwd', given: false };
    expect(wrong({ rules: [CWD_RULE] }, cwd)).toBe('spec.cwd');
    expect(wrong({ cwd: '/w' }, cwd)).toBe('sandbox.cwd');
    expect(wrong({}, cwd)).toBeUndefined();
  });
});
