import { readFileSync, statSync } from 'node:fs';
import { FILES_LOOK_MS } from '../../limits.ts';

/** Names of users or groups by their numbers: passwd(5) or group(5), read again when it changed. */
export class UserNames {
  readonly #file: string;
  #read = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  #names = new Map<number, string>();

  constructor(file: '/etc/passwd' | '/etc/group') {
    this.#file = file;
  }

  /** Looks whether the file changed, now and then: listings ask for each of their entries. */
  refresh(): void {
    const looksAt = performance.now();
    if (looksAt - this.#lookedAt < FILES_LOOK_MS) return;
    this.#lookedAt = looksAt;
    try {
      const { ino, mtimeNs, size } = statSync(this.#file, { bigint: true });
      const now = `${ino} ${mtimeNs} ${size}`;
      if (now === this.#read) return;
      this.#names = parse(readFileSync(this.#file, 'utf8'));
      this.#read = now;
    } catch {
      // A container need not have it.
      this.#names = new Map();
    }
  }

  /** Empty: it has none. */
  nameOf(id: number): string {
    return this.#names.get(id) ?? '';
  }
}

function parse(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    // The first one counts, as for getpwuid(3).
    if (/^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}
