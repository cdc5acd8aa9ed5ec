import { isUtf8 } from 'node:buffer';
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { sizeBytes, spanMs } from './quantities.ts';

/** What is wrong with a text, and where. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  /** What is wrong, without the place. */
  readonly problem: string;
  /** From 1; undefined: it is not about a place. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** The key of the outermost object that it is at, or after; undefined: there is none. */
  readonly key: string | undefined;

  constructor(problem: string, line?: number, column?: number, key?: string) {
    super(line === undefined ? problem : `line ${line}, column ${column}: ${problem}`);
    this.problem = problem;
    this.line = line;
    this.column = column;
    this.key = key;
  }
}

/** A value of a text, as it is written. */
type Value = Node | null | undefined;

/** Reads the values of keys. Each is told the value, and throws what is wrong with it. */
export type Readers<T> = { readonly [K in keyof T]-?: (value: Value) => T[K] };

/** A text of an operator: YAML, so JSON too. All that it reads throws {@link SourceError}. */
export class YamlSource {
  readonly #lines = new LineCounter();
  readonly #root: Value;

  constructor(text: string) {
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      schema: 'core',
      version: '1.2',
      // It compares each with each, which takes minutes for many. `entries` looks for it.
      uniqueKeys: false,
    });
    this.#root = document.contents;
    const [problem] = [...document.errors, ...document.warnings];
    if (problem?.code === 'MULTIPLE_DOCS') {
      this.#failAt(problem.pos[0], 'there must be no second document');
    }
    if (problem?.code === 'RESOURCE_EXHAUSTION') {
      this.#failAt(problem.pos[0], 'this is nested too deeply');
    }
    if (problem !== undefined) this.#failAt(problem.pos[0], problem.message);
  }

  /** All of it. */
  get root(): Value {
    return this.#root;
  }

  /** Says what is wrong with a value. */
  fail(value: Value, problem: string): never {
    return this.#failAt(value?.range?.[0] ?? 0, problem);
  }

  /** An object by what reads its keys, of which all may be missing. */
  fields<T>(value: Value, readers: Readers<T>): Partial<T> {
    const result: Partial<T> = {};
    for (const [key, node, content] of this.entries(value)) {
      if (!Object.hasOwn(readers, key)) this.fail(node, `there is no ${JSON.stringify(key)} here`);
      const name = key as keyof T;
      result[name] = readers[name](content);
    }
    return result;
  }

  /** The keys of an object, with the places where they are, and their values. */
  *entries(value: Value): Generator<readonly [key: string, node: Value, content: Value]> {
    const names = new Set<string>();
    for (const { key, value: content } of this.#map(value).items) {
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.fail(isNode(key) ? key : value, 'the name of a key must be a text');
      }
      if (names.has(key.value)) this.fail(key, `${JSON.stringify(key.value)} is here twice`);
      names.add(key.value);
      yield [key.value, key, content as Value];
    }
  }

  /** Whether it is a list. */
  isList(value: Value): boolean {
    this.#refuseAlias(value);
    return isSeq(value);
  }

  /** A list, of which each is read by `read`. One that is no list stands for a list of it. */
  list<T>(value: Value, read: (item: Value) => T): readonly T[] {
    this.#refuseAlias(value);
    if (isSeq(value)) return value.items.map((item) => read(item as Value));
    return [read(value)];
  }

  /** A text that is not empty. A number is none unless it may be: `numbers`. */
  text(value: Value, numbers = false): string {
    this.#refuseAlias(value);
    const found = isScalar(value) ? value.value : undefined;
    if (numbers && Number.isSafeInteger(found)) return String(found);
    if (typeof found !== 'string' || found === '') this.fail(value, 'this must be a text');
    if (found.includes('\0')) this.fail(value, 'a text must not contain NUL');
    return found;
  }

  /** A text, or a number as it is written: `0660` and `1e3` are these very characters. */
  written(value: Value): string {
    this.#refuseAlias(value);
    const scalar = isScalar(value) ? value : undefined;
    if (typeof scalar?.value === 'number' && scalar.source !== undefined) return scalar.source;
    if (typeof scalar?.value !== 'string') this.fail(value, 'this must be a text or a number');
    if (scalar.value.includes('\0')) this.fail(value, 'a text must not contain NUL');
    if (!scalar.value.isWellFormed()) this.fail(value, 'this must be UTF-8');
    return scalar.value;
  }

  /** One of some words. */
  word<T extends string>(value: Value, words: readonly T[]): T {
    const text = this.text(value);
    const found = words.find((word) => word === text);
    return found ?? this.fail(value, `this must be one of ${words.join(', ')}`);
  }

  flag(value: Value): boolean {
    this.#refuseAlias(value);
    const found = isScalar(value) ? value.value : undefined;
    return typeof found === 'boolean' ? found : this.fail(value, 'this must be true or false');
  }

  /** A whole number, `least` or more. */
  count(value: Value, least = 0): number {
    this.#refuseAlias(value);
    const found = isScalar(value) ? value.value : undefined;
    if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < least) {
      this.fail(value, `this must be a whole number, ${least} or more`);
    }
    return found;
  }

  /** Bytes: a number, or a text such as `64MiB`. */
  size(value: Value, least = 0): number {
    const bytes = sizeBytes(this.text(value, true));
    if (!(bytes >= least)) {
      this.fail(value, `this must be a number of bytes, ${least} or more, such as 4096 or 64MiB`);
    }
    return bytes;
  }

  /** Milliseconds: a number of seconds, or a text such as `1h30m`; from `least` to `most` of them. */
  span(value: Value, least: number, most: number): number {
    const ms = spanMs(this.text(value, true));
    if (!(ms >= least && ms <= most)) {
      this.fail(value, `this must be a span of time up to ${most / 1000} s, such as 90s or 1h30m`);
    }
    return ms;
  }

  /** Where a value is, from 1. */
  placeOf(value: Value): { readonly line: number; readonly column: number } {
    return this.#placeAt(value?.range?.[0] ?? 0);
  }

  #map(value: Value): YAMLMap {
    this.#refuseAlias(value);
    return isMap(value) ? value : this.fail(value, 'this must be an object');
  }

  /** A few could stand for very much. */
  #refuseAlias(value: Value): void {
    if (isAlias(value))
      this.fail(value, 'aliases are not taken here; a text that begins with * needs quotes');
  }

  #failAt(offset: number, problem: string): never {
    const { line, column } = this.#placeAt(offset);
    throw new SourceError(problem, line, column, this.#keyAt(offset));
  }

  #placeAt(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #keyAt(offset: number): string | undefined {
    const items = isMap(this.#root) ? this.#root.items : [];
    const keys = items.flatMap(({ key }) => (isScalar<unknown>(key) ? [key] : []));
    const before = keys.filter(({ range }) => (range?.[0] ?? 0) <= offset);
    return before.map(({ value }) => value).findLast((value) => typeof value === 'string');
  }
}

/**
 * The text that a file has.
 *
 * @throws SourceError if it is not UTF-8
 */
export function sourceText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let line = 1;
  for (let begin = 0; ; line += 1) {
    const end = bytes.indexOf('\n', begin);
    // No byte of a longer character is that of the end of a line.
    const text = bytes.subarray(begin, end === -1 ? undefined : end);
    if (!isUtf8(text)) {
      const [, key] = /^\s*["']?([\w-]+)["']?\s*:/.exec(text.toString('latin1')) ?? [];
      throw new SourceError('it is not UTF-8', line, 1, key);
    }
    begin = end + 1;
  }
}
