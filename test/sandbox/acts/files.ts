import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, type Outcome, type Policy, unconfined } from './act.ts';
import { contentOf, keptBy, seen } from './look.ts';
import { SPOT_BYTES, type Spot, type Stage, ZONES, type Zone } from './stage.ts';

/** An act on a file or a folder, wherever that is. */
interface FileAct {
  readonly needs: 'read' | 'write';
  readonly does: (spot: Spot) => readonly string[];
  readonly done: (spot: Spot) => (outcome: Outcome) => boolean;
}

const answered = ({ answer }: Outcome) => answer === 0;

const tellsSecret =
  ({ secret }: Spot) =>
  ({ told }: Outcome) =>
    told.includes(secret);

const writesTo =
  (name: string) =>
  ({ folder, text }: Spot) =>
  () =>
    contentOf(join(folder, name)).includes(text);

const makes =
  (name: string) =>
  ({ folder }: Spot) =>
  () =>
    seen(join(folder, name)) !== undefined;

const changes =
  (name = 'file') =>
  ({ folder }: Spot): ((outcome: Outcome) => boolean) => {
    const kept = keptBy(join(folder, name));
    return () => !kept();
  };

/** Acts on one file, whatever is beside it. */
const ON_A_FILE: Readonly<Record<string, FileAct>> = {
  read: { needs: 'read', does: ({ file }) => ['read', file], done: tellsSecret },
  'look at': {
    needs: 'read',
    does: ({ file }) => ['stat', file],
    done:
      () =>
      ({ told }) =>
        told === `<${SPOT_BYTES}>`,
  },
  write: {
    needs: 'write',
    does: ({ file, text }) => ['write', file, text],
    done: writesTo('file'),
  },
  'append to': {
    needs: 'write',
    does: ({ file, text }) => ['append', file, text],
    done: writesTo('file'),
  },
  'map and change': {
    needs: 'write',
    does: ({ file, text }) => ['map', file, text],
    done: writesTo('file'),
  },
  truncate: { needs: 'write', does: ({ file }) => ['truncate', file], done: changes() },
  chmod: { needs: 'write', does: ({ file }) => ['chmod', file], done: changes() },
  // To whom it belongs already, which leaves nothing to see: the system's word is all there is.
  chown: { needs: 'write', does: ({ file }) => ['chown', file], done: () => answered },
  'set the times of': {
    needs: 'write',
    does: ({ file }) => ['utimes', file],
    done:
      ({ file }) =>
      () =>
        seen(file)?.mtimeMs === 1_000_000,
  },
};

/** Acts on a folder and what is in it. */
const IN_A_FOLDER: Readonly<Record<string, FileAct>> = {
  list: { needs: 'read', does: ({ folder }) => ['list', folder], done: tellsSecret },
  'change to': {
    needs: 'read',
    does: ({ folder }) => ['chdir', folder, 'file'],
    done: tellsSecret,
  },
  execute: {
    needs: 'read',
    does: ({ folder }) => ['execute', join(folder, 'program')],
    done: tellsSecret,
  },
  'read a link in': {
    needs: 'read',
    does: ({ folder }) => ['readlink', join(folder, 'link')],
    done: tellsSecret,
  },
  watch: {
    needs: 'read',
    does: ({ file, folder }) => ['inotify', folder, file],
    done:
      () =>
      ({ told }) =>
        told.includes('file'),
  },
  'create in': {
    needs: 'write',
    does: ({ folder, text }) => ['create', join(folder, 'new'), text],
    done: writesTo('new'),
  },
  'unlink in': { needs: 'write', does: ({ file }) => ['unlink', file], done: changes() },
  'mkdir in': {
    needs: 'write',
    does: ({ folder }) => ['mkdir', join(folder, 'new')],
    done: makes('new'),
  },
  'rmdir in': {
    needs: 'write',
    does: ({ folder }) => ['rmdir', join(folder, 'folder')],
    done: changes('folder'),
  },
  'rename in': {
    needs: 'write',
    does: ({ file, folder }) => ['rename', file, join(folder, 'new')],
    done: makes('new'),
  },
  'rename onto': {
    needs: 'write',
    does: ({ file, folder }) => ['rename', join(folder, 'mine'), file],
    done: writesTo('file'),
  },
  'exchange in': {
    needs: 'write',
    does: ({ file, folder }) => ['exchange', join(folder, 'mine'), file],
    done: writesTo('file'),
  },
  'link in': {
    needs: 'write',
    does: ({ file, folder }) => ['link', file, join(folder, 'new')],
    done: makes('new'),
  },
  'symlink in': {
    needs: 'write',
    does: ({ folder, text }) => ['symlink', text, join(folder, 'new')],
    done: writesTo('new'),
  },
  'mkfifo in': {
    needs: 'write',
    does: ({ folder }) => ['mkfifo', join(folder, 'new')],
    done: makes('new'),
  },
  'bind a socket in': {
    needs: 'write',
    does: ({ folder }) => ['bind', join(folder, 's')],
    done: makes('s'),
  },
  'name a nameless file in': {
    needs: 'write',
    does: ({ folder, text }) => ['tmpfile', folder, join(folder, 'new'), text],
    done: writesTo('new'),
  },
};

function lets(access: string, needs: 'read' | 'write'): boolean {
  return access === 'write' || access === needs;
}

/** Acts on what is in each zone, and on what is in it by a link that is in a writable one. */
export function fileActs(stage: Stage): readonly Act[] {
  const acts: Act[] = [];
  for (const zone of Object.keys(ZONES) as Zone[]) {
    for (const [name, act] of Object.entries({ ...ON_A_FILE, ...IN_A_FOLDER })) {
      const folder = stage.path(zone, `f${acts.length}`);
      const spot = name in ON_A_FILE ? stage.spot(folder) : stage.richSpot(folder);
      acts.push({
        name: `${name} what is ${zone}`,
        does: act.does(spot),
        allowed: ({ access }) => lets(access[zone], act.needs),
        done: act.done(spot),
        // What it was told of is there whether it was opened or not.
        ...(name === 'look at' ? { answersAnyway: true } : {}),
      });
    }
  }
  return [...acts, ...throughLinks(stage), ...acrossZones(stage)];
}

/** A link that is where all may be written leads no further than what it leads to. */
function throughLinks(stage: Stage): readonly Act[] {
  return (['outside', 'denied', 'read-only', 're-opened'] as const).flatMap((zone) =>
    (['read', 'write', 'create in'] as const).map((name): Act => {
      const act = { ...ON_A_FILE, ...IN_A_FOLDER }[name];
      if (act === undefined) throw new Error('no such act');
      const real = stage.spot(stage.path(zone, `l-${name.replaceAll(' ', '-')}`));
      const folder = stage.path('writable', `l-${zone}-${name}`.replaceAll(' ', '-'));
      symlinkSync(real.folder, folder);
      const linked = { ...real, folder, file: join(folder, 'file') };
      return {
        name: `${name} what is ${zone}, by a link`,
        does: act.does(linked),
        allowed: ({ access }) => access.writable !== 'none' && lets(access[zone], act.needs),
        done: act.done(real),
      };
    }),
  );
}

/** From where it may be read to where it may be written, by the names of both. */
function acrossZones(stage: Stage): readonly Act[] {
  const others = (Object.keys(ZONES) as Zone[]).filter((zone) => zone !== 'writable');
  return others.flatMap((zone, index) => {
    const spots = ['from', 'to', 'link', 'link-to', 'swap'].map((name) => ({
      theirs: stage.spot(stage.path(zone, `x-${name}`)),
      mine: stage.spot(stage.path('writable', `x-${name}-${index}`)),
    }));
    const [from, to, link, linkTo, swap] = spots;
    if (!(from && to && link && linkTo && swap)) throw new Error('too few spots');
    // Between what is mounted apart the system moves nothing: the policy says only what must not be.
    const allowed = (policy: Policy): boolean | undefined =>
      policy.access[zone] === 'write' && policy.access.writable === 'write' && policy.confined
        ? undefined
        : unconfined(policy);
    const taken = (spot: Spot): string => join(spot.folder, 'taken');
    return [
      {
        name: `rename what is ${zone} to where it can be written`,
        does: ['rename', from.theirs.file, taken(from.mine)],
        allowed,
        done: () => seen(taken(from.mine)) !== undefined,
      },
      {
        name: `rename onto what is ${zone} from elsewhere`,
        does: ['rename', to.mine.file, to.theirs.file],
        allowed,
        done: changes()(to.theirs),
      },
      {
        name: `link what is ${zone} to where it can be written`,
        does: ['link', link.theirs.file, taken(link.mine)],
        allowed,
        done: () => seen(taken(link.mine)) !== undefined,
      },
      {
        name: `link to where it is ${zone}`,
        does: ['link', linkTo.mine.file, taken(linkTo.theirs)],
        allowed,
        done: () => seen(taken(linkTo.theirs)) !== undefined,
      },
      {
        name: `exchange what is ${zone} with another`,
        does: ['exchange', swap.mine.file, swap.theirs.file],
        allowed,
        done: changes()(swap.theirs),
      },
    ] satisfies Act[];
  });
}

/** Acts on files for which there is a rule of their own. */
export function ruledFileActs(stage: Stage): readonly Act[] {
  const acts: Act[] = [];
  const rules = [
    ['writable', 'none'],
    ['writable', 'read'],
    ['read-only', 'write'],
    ['denied', 'read'],
  ] as const;
  for (const [zone, access] of rules) {
    for (const [name, act] of Object.entries(ON_A_FILE)) {
      const folder = stage.path(zone, `r${acts.length}`);
      const spot = { ...stage.spot(folder), folder };
      stage.rules.push({ path: spot.file, access, missingOk: false });
      acts.push({
        name: `${name} a file that is ${access}, in a folder that is ${zone}`,
        does: act.does(spot),
        allowed: (policy) =>
          unconfined(policy) || (policy.access.writable !== 'none' && lets(access, act.needs)),
        done: act.done(spot),
        answersAnyway: name === 'look at',
      });
    }
  }
  return acts;
}
