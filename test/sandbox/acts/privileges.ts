import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs';
import { type Act, never, unconfined, unconfinedRoot } from './act.ts';
import { nonce, type Stage } from './stage.ts';

/** Where programs of another user are, by the zone. */
const PROGRAM_ZONES = ['outside', 'writable', 'read-only'] as const;

/** Acts that would have more rights come of it, and what a process was given without its asking. */
export function privilegeActs(stage: Stage, serverSecret: string): readonly Act[] {
  const other = stage.user === 0 ? 65_534 : 0;
  return [
    ...(process.getuid?.() === 0 ? programsOfAnother(stage, other) : []),
    {
      name: 'become another user',
      does: ['setuid', String(other)],
      allowed: unconfinedRoot,
    },
    { name: 'become another group', does: ['setgid', String(other)], allowed: unconfinedRoot },
    { name: 'join a group', does: ['setgroups', '4'], allowed: unconfinedRoot },
    {
      name: 'give a file to another',
      does: ['give-away', stage.spot(stage.path('writable', 'given')).file],
      allowed: unconfinedRoot,
    },
    {
      name: 'give a program capabilities',
      does: ['grant', stage.spot(stage.path('writable', 'granted')).file],
      allowed: unconfinedRoot,
    },
    { name: 'take capabilities', does: ['capset'], allowed: unconfinedRoot },
    {
      name: 'have capabilities that are inherited',
      does: ['ambient'],
      allowed: never,
      onlyInside: true,
    },
    { name: 'gain rights by executing', does: ['gain'], allowed: unconfined },
    { name: 'take priority', does: ['hurry'], allowed: unconfinedRoot },
    { name: 'run in real time', does: ['real-time'], allowed: unconfinedRoot, onlyInside: true },
    {
      name: 'be kept when memory is short',
      does: ['oom'],
      allowed: unconfinedRoot,
      onlyInside: true,
    },
    {
      name: 'use a descriptor that was left open',
      does: ['descriptors'],
      allowed: never,
      onlyInside: true,
      done: ({ told }) => told !== '',
      answersAnyway: true,
    },
    {
      name: 'read the environment of the server',
      does: ['environment'],
      allowed: never,
      onlyInside: true,
      done: ({ told }) => told.includes(serverSecret),
      answersAnyway: true,
    },
    {
      name: 'read the environment of the server, through /proc',
      does: ['read', '/proc/self/environ'],
      allowed: never,
      onlyInside: true,
      done: ({ told }) => told.includes(serverSecret),
      answersAnyway: true,
    },
    ...['tiocsti', 'tiocsti-long', 'tioclinux'].map(
      (does): Act => ({
        name: `type at the terminal, by ${does}`,
        does: [does],
        allowed: never,
        onlyInside: true,
        atTerminal: true,
      }),
    ),
  ];
}

/** Programs that give the rights of another user, of a group and of a capability. */
function programsOfAnother(stage: Stage, other: number): readonly Act[] {
  const secret = nonce();
  return PROGRAM_ZONES.flatMap((zone) => {
    const [file, setuid, setgid, capable] = ['', '-setuid', '-setgid', '-capable'].map((name) =>
      stage.path(zone, `of-another${name}`),
    );
    if (!(file && setuid && setgid && capable)) throw new Error('too few');
    writeFileSync(file, secret, { mode: 0o600 });
    chownSync(file, other, other);
    for (const [path, mode] of [
      [setuid, 0o4755],
      [setgid, 0o2755],
      [capable, 0o755],
    ] as const) {
      copyFileSync(stage.program, path);
      chownSync(path, other, other);
      chmodSync(path, mode);
    }
    // Nobody but root may give capabilities, whoever does the acts.
    stage.asRoot('grant', capable);
    return [
      {
        name: `read a file of another by a setuid program that is ${zone}`,
        does: ['read-through', setuid, file],
        allowed: unconfined,
        done: ({ told }) => told.includes(secret),
      },
      {
        name: `be another by a setuid program that is ${zone}`,
        does: ['who-through', setuid],
        allowed: unconfined,
        done: ({ told }) => told.startsWith(`<${other} `),
        answersAnyway: true,
      },
      {
        name: `be of another group by a setgid program that is ${zone}`,
        does: ['who-through', setgid],
        allowed: unconfined,
        done: ({ told }) => told.endsWith(` ${other}>`),
        answersAnyway: true,
      },
      {
        name: `read a file of another by a program with capabilities that is ${zone}`,
        does: ['read-through', capable, file],
        allowed: unconfined,
        done: ({ told }) => told.includes(secret),
      },
    ] satisfies Act[];
  });
}
