import { MAX_TAR_EXTRA_BYTES } from '../../limits.ts';
import { type PaxRecords, parseRecords, parseTime, parseWhole, SPARSE } from './pax-records.ts';
import { BLOCK_BYTES, paddingOf, TarError, type TarKind, type TarMember } from './tar-format.ts';
import { parseHeader, type TarHeader } from './tar-header.ts';

/** What comes in an archive. */
export type TarEvent =
  | { readonly kind: 'member'; readonly member: TarMember }
  /** Some of the content of the last file. */
  | { readonly kind: 'content'; readonly bytes: Buffer }
  /** All of it came. After every file. */
  | { readonly kind: 'content-end' };

/** What of the archive is next. */
type State =
  | { readonly at: 'header' }
  /** Records about the next member. */
  | { readonly at: 'extra'; readonly type: string; readonly bytes: Buffer; filled: number }
  | { readonly at: 'content'; left: number; readonly padding: number }
  /** What is of no interest. */
  | { readonly at: 'skipped'; left: number }
  /** The archive is over; whatever follows is not looked at. */
  | { readonly at: 'end' };

/** Reads an archive whose bytes come in pieces of any size. Holds no more than one piece and one header. */
export class TarReader {
  #state: State = { at: 'header' };
  #piece: Buffer = EMPTY;
  /** What of a header came in the last piece. */
  #rest: Buffer = EMPTY;
  #global: PaxRecords = NONE;
  #local: PaxRecords = NONE;
  #longPath: string | undefined;
  #longLink: string | undefined;

  /** Whether the end of the archive came. */
  get ended(): boolean {
    return this.#state.at === 'end';
  }

  /** Takes the next piece. All of the last must have been read: {@link next} said so. */
  feed(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    this.#piece = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = EMPTY;
  }

  /**
   * What comes next; undefined: nothing, before another piece is there.
   *
   * @throws TarError
   */
  next(): TarEvent | undefined {
    for (;;) {
      const state = this.#state;
      if (state.at === 'end') return undefined;
      if (state.at === 'content') return this.#content(state);
      if (state.at === 'skipped') {
        if (!this.#skip(state)) return undefined;
        continue;
      }
      if (state.at === 'extra') {
        if (!this.#collect(state)) return undefined;
        continue;
      }
      if (this.#piece.length < BLOCK_BYTES) {
        this.#rest = Buffer.from(this.#piece);
        this.#piece = EMPTY;
        return undefined;
      }
      const header = parseHeader(this.#piece);
      this.#piece = this.#piece.subarray(BLOCK_BYTES);
      if (header === undefined) {
        this.#state = { at: 'end' };
        return undefined;
      }
      const member = this.#begin(header);
      if (member !== undefined) return { kind: 'member', member };
    }
  }

  #content(state: Extract<State, { at: 'content' }>): TarEvent | undefined {
    if (state.left === 0) {
      this.#state = { at: 'skipped', left: state.padding };
      return { kind: 'content-end' };
    }
    if (this.#piece.length === 0) return undefined;
    const bytes = this.#piece.subarray(0, state.left);
    this.#piece = this.#piece.subarray(bytes.length);
    state.left -= bytes.length;
    return { kind: 'content', bytes };
  }

  #skip(state: Extract<State, { at: 'skipped' }>): boolean {
    const bytes = Math.min(state.left, this.#piece.length);
    this.#piece = this.#piece.subarray(bytes);
    state.left -= bytes;
    if (state.left > 0) return false;
    this.#state = { at: 'header' };
    return true;
  }

  #collect(state: Extract<State, { at: 'extra' }>): boolean {
    const bytes = this.#piece.copy(state.bytes, state.filled);
    this.#piece = this.#piece.subarray(bytes);
    state.filled += bytes;
    const { bytes: extra, type } = state;
    if (state.filled < extra.length) return false;
    this.#state = { at: 'skipped', left: paddingOf(extra.length) };
    if (type === 'g') this.#global = merged(this.#global, parseRecords(extra));
    else if (type === 'L') this.#longPath = untilNul(extra);
    else if (type === 'K') this.#longLink = untilNul(extra);
    else this.#local = merged(this.#local, parseRecords(extra));
    return true;
  }

  /** A member begins, or what is said about the next; undefined: there is none to be told. */
  #begin(header: TarHeader): TarMember | undefined {
    const { size, type } = header;
    if (size < 0) throw new TarError('a header has a size below zero');
    if (EXTRA_TYPES.includes(type)) {
      if (size > MAX_TAR_EXTRA_BYTES) throw new TarError('a header has too many records');
      this.#state = { at: 'extra', type, bytes: Buffer.alloc(size), filled: 0 };
      return undefined;
    }
    if (type === VOLUME_LABEL) {
      this.#skipContent(size);
      return undefined;
    }
    const member = this.#described(header);
    this.#local = NONE;
    this.#longPath = undefined;
    this.#longLink = undefined;
    const { kind } = member;
    if (kind === 'file') {
      this.#state = { at: 'content', left: member.size, padding: paddingOf(member.size) };
    } else if (kind === 'folder' && type !== FOLDER) this.#skipContent(size);
    return member;
  }

  #skipContent(size: number): void {
    this.#state = { at: 'skipped', left: size + paddingOf(size) };
  }

  /** A header with what its records say. */
  #described(header: TarHeader): TarMember {
    const said = (keyword: string): string | undefined =>
      (this.#local.get(keyword) ?? this.#global.get(keyword)) || undefined;
    const number = (keyword: string, otherwise: number): number => {
      const text = said(keyword);
      return text === undefined ? otherwise : parseWhole(text);
    };
    const mtime = said('mtime');
    const { nanos, seconds } =
      mtime === undefined ? { seconds: header.mtimeSeconds, nanos: 0 } : parseTime(mtime);
    const path = said('path') ?? this.#longPath ?? header.path;
    const linkPath = said('linkpath') ?? this.#longLink ?? header.linkPath;
    if (path === '' || path.includes('\0') || linkPath.includes('\0')) {
      throw new TarError('a member has no name, or one with NUL');
    }
    const kind = this.#local.has(SPARSE) ? 'other' : kindOf(header.type, path);
    const size = kind === 'file' ? number('size', header.size) : 0;
    if (size < 0) throw new TarError('a header has a size below zero');
    return {
      kind,
      path,
      linkPath,
      size,
      mode: header.mode,
      uid: number('uid', header.uid),
      gid: number('gid', header.gid),
      mtimeSeconds: seconds,
      mtimeNanos: nanos,
    };
  }
}

const EMPTY = Buffer.alloc(0);
const NONE: PaxRecords = new Map();

/** pax headers, of POSIX and of Solaris, and GNU's long names and links. */
const EXTRA_TYPES: readonly string[] = ['x', 'X', 'g', 'L', 'K'];

/** Of GNU tar: a name of the archive, and a folder with a list of what was in it. */
const FOLDER = '5';
const VOLUME_LABEL = 'V';
const LISTED_FOLDER = 'D';

function kindOf(type: string, path: string): TarKind {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      // Before there was a type for folders.
      return path.endsWith('/') ? 'folder' : 'file';
    case '1':
      return 'hard-link';
    case '2':
      return 'symlink';
    case FOLDER:
    case LISTED_FOLDER:
      return 'folder';
    default:
      return 'other';
  }
}

function merged(before: PaxRecords, later: PaxRecords): PaxRecords {
  return before.size === 0 ? later : new Map([...before, ...later]);
}

function untilNul(bytes: Buffer): string {
  const nul = bytes.indexOf(0);
  return bytes.toString('latin1', 0, nul < 0 ? bytes.length : nul);
}
