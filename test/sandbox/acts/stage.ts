import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SandboxAccess } from '../../../src/sandbox/sandbox-spec.ts';

/** A folder of the stage with rules of its own, and where it is. */
export const ZONES = {
  outside: 'outside',
  writable: 'work',
  'read-only': 'work/read-only',
  denied: 'work/denied',
  're-opened': 'work/denied/open',
  're-opened to be read': 'work/denied/read',
  'denied again': 'work/denied/open/shut',
} as const;

export type Zone = keyof typeof ZONES;

/** What a rule of a policy says, but for those that all policies with a folder to work in have. */
export interface PathRule {
  readonly path: string;
  readonly access: SandboxAccess;
  readonly missingOk: boolean;
}

/** Files for one act: what it may read is found nowhere else, and is of an odd size. */
export interface Spot {
  readonly folder: string;
  /** A file whose content begins with `secret`, of {@link SPOT_BYTES}. */
  readonly file: string;
  readonly secret: string;
  /** A text that the act may write, which no other does. */
  readonly text: string;
}

/** Bytes of the file of a spot. */
export const SPOT_BYTES = 7_777;

/** A word that nothing else has. */
export function nonce(): string {
  return randomBytes(9).toString('hex');
}

/** Folders with files that acts are done to, for one user and one policy. */
export class Stage {
  /** Where all is. Of root alone there may be what the acts do not use. */
  readonly base: string;
  /** Who does the acts: a uid, and the gid with the same number. */
  readonly user: number;
  /** The program that does acts: visible in every sandbox. */
  readonly program: string;
  /** Rules for paths of which each is for one act. */
  readonly rules: PathRule[] = [];
  #plans = 0;

  constructor(base: string, program: string, user: number) {
    this.base = base;
    this.user = user;
    // Programs with the rights of others get there too.
    chmodSync(base, 0o755);
    if (process.getuid?.() !== user) chownSync(base, user, user);
    for (const folder of ['tools', ...Object.values(ZONES)]) {
      mkdirSync(join(base, folder), { recursive: true });
    }
    this.program = join(base, 'tools/acts');
    copyFileSync(program, this.program);
  }

  /** The path of a zone, or of something in it. */
  path(zone: Zone, ...names: readonly string[]): string {
    return join(this.base, ZONES[zone], ...names);
  }

  /** Makes what an act is done to: a folder with a file. */
  spot(folder: string): Spot {
    const [secret, text, file] = [nonce(), nonce(), join(folder, 'file')];
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, secret.padEnd(SPOT_BYTES, '.'));
    return { folder, file, secret, text };
  }

  /** With a folder, a link, a program, another file and one whose name is the secret. */
  richSpot(at: string): Spot {
    const spot = this.spot(at);
    const { folder, secret, text } = spot;
    mkdirSync(join(folder, 'folder'));
    symlinkSync(secret, join(folder, 'link'));
    writeFileSync(join(folder, secret), '');
    writeFileSync(join(folder, 'mine'), text);
    writeFileSync(join(folder, 'program'), `#!${this.program} say ${secret}\n`);
    chmodSync(join(folder, 'program'), 0o755);
    return spot;
  }

  /** Gives all to the user who does the acts. To be called when all was made. */
  handOver(): void {
    if (process.getuid?.() === this.user) return;
    for (const entry of readdirSync(this.base, { recursive: true, withFileTypes: true })) {
      // A program that gives the rights of its owner has one already.
      if (!entry.name.startsWith('of-another')) {
        lchownSync(join(entry.parentPath, entry.name), this.user, this.user);
      }
    }
  }

  /** Writes down what is to be done, and returns where. */
  plan(acts: readonly (readonly string[])[]): string {
    this.#plans += 1;
    const path = join(this.base, `tools/plan-${this.#plans}`);
    const lines = acts.map((does, index) => [index, ...does].join('\t'));
    writeFileSync(path, `${lines.join('\n')}\n`);
    chmodSync(path, 0o644);
    return path;
  }

  /** Does an act here, where nothing confines it, as the user, and returns what it told. */
  here(...does: readonly string[]): string {
    return this.#act(does, process.getuid?.() === this.user ? {} : idsOf(this.user));
  }

  /** The same as root, where the tests run as that. */
  asRoot(...does: readonly string[]): string {
    return this.#act(does, {});
  }

  #act(does: readonly string[], ids: Partial<ReturnType<typeof idsOf>>): string {
    const { status, stdout } = spawnSync(this.program, does, { encoding: 'latin1', ...ids });
    if (status !== 0) throw new Error(`acts ${does.join(' ')}: ${status}`);
    return stdout;
  }
}

function idsOf(user: number): { readonly uid: number; readonly gid: number } {
  return { uid: user, gid: user };
}
