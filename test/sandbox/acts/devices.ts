import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, never, type Outcome, type Policy, unconfined } from './act.ts';
import { seen } from './look.ts';
import { nonce, type Stage } from './stage.ts';

/** What a small `/dev` has, and no more but the first process of a sandbox where all is visible. */
const SMALL = new Set(
  '.runlet-first console core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(
    ' ',
  ),
);

/**
 * Devices that are the machine's, and can be opened and closed again without any effect. Others are
 * looked for by their names alone: to open a watchdog is to start it.
 */
const MACHINE = [
  'mem',
  'port',
  'kmsg',
  'kvm',
  'fuse',
  'loop-control',
  'net/tun',
  'hwrng',
  'tty0',
  'rtc0',
];

const hasPlatform = ({ confined, platform }: Policy): boolean => platform || !confined;

/** Acts on devices, and on what is below `/dev` besides. */
export function deviceActs(stage: Stage): readonly Act[] {
  const disk = firstDisk();
  const nodes = stage.path('writable');
  const shared = `/dev/shm/${nonce()}`;
  const secret = nonce();
  writeFileSync(shared, secret, { mode: 0o666 });
  const tellsAny = ({ told }: Outcome): boolean => told !== '';
  return [
    ...[...MACHINE, ...(disk === undefined ? [] : [disk.name])].map(
      (name): Act => ({
        name: `open /dev/${name}`,
        does: ['open', join('/dev', name)],
        allowed: never,
        onlyInside: true,
      }),
    ),
    {
      name: 'see more than a small /dev',
      does: ['list', '/dev'],
      allowed: unconfined,
      done: ({ told }) => names(told).some((name) => !SMALL.has(name)),
      answersAnyway: true,
    },
    {
      name: 'see terminals of others',
      does: ['list', '/dev/pts'],
      allowed: never,
      done: ({ told }) => names(told).some((name) => /^\d/.test(name)),
      onlyInside: true,
      answersAnyway: true,
    },
    {
      name: 'read shared memory of others',
      does: ['read', shared],
      allowed: unconfined,
      done: ({ told }) => told === secret,
    },
    { name: 'write to /dev/null', does: ['write', '/dev/null', 'x'], allowed: hasPlatform },
    { name: 'read /dev/zero', does: ['read', '/dev/zero'], allowed: hasPlatform, done: tellsAny },
    {
      name: 'read /dev/urandom',
      does: ['read', '/dev/urandom'],
      allowed: hasPlatform,
      done: tellsAny,
    },
    ...Object.entries({
      'of memory': ['char', '1', '1'],
      'of zeros': ['char', '1', '5'],
      ...(disk === undefined ? {} : { 'of a disk': ['block', ...disk.numbers] }),
    }).map(([name, device]): Act => {
      const path = join(nodes, `node-${name.replaceAll(' ', '-')}`);
      return {
        name: `make a device ${name}`,
        does: ['mknod', path, ...device],
        allowed: never,
        onlyInside: true,
        done: ({ told }) => told !== '' || seen(path) !== undefined,
      };
    }),
  ];
}

/** Removes what is not in the stage. */
export function removeShared(acts: readonly Act[]): readonly string[] {
  return acts.flatMap(({ does }) => does.filter((argument) => argument.startsWith('/dev/shm/')));
}

function names(told: string): readonly string[] {
  return told.split('\n').filter((name) => !['', '.', '..'].includes(name));
}

function firstDisk(): { readonly name: string; readonly numbers: readonly string[] } | undefined {
  const folder = '/sys/block';
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((disk) => existsSync(join('/dev', disk)));
  if (name === undefined) return undefined;
  return {
    name,
    numbers: readFileSync(join(folder, name, 'dev'), 'latin1')
      .trim()
      .split(':'),
  };
}
