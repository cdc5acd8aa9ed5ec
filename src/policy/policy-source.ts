import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { sizeBytes, spanMs } from '../quantities.ts';

/** What is wrong with a policy, and where. */
export class PolicyError extends Error {
  /** From 1; undefined: it is not about a place. */
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(problem: string, line?: number, column?: number) {
    super(line === undefined ? problem : `line ${line}, column ${column}: ${problem}`);
    this.name = 'PolicyError';
    this.line = line;
    this.column = column;
  }
}

/** A value of a policy, as it is written. */
type Value = Node | null | undefined;

/** Reads the values of keys. Each is told the value, and throws what is wrong with it. */
export type Readers<T> = { readonly [K in keyof T]-?: (value: Value) => T[K] };

/** The text of a policy: YAML, so JSON too. All that it reads throws {@link PolicyError}. */
export class PolicySource {
  readonly #lines = new LineCounter();
  readonly #root: Value;

  constructor(text: string) {
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      schema: 'core',
      version: '1.2',
    });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem?.code === 'MULTIPLE_DOCS') {
      this.#failAt(problem.pos[0], 'there must be no second document');
    }
    if (problem !== undefined) this.#failAt(problem.pos[0], problem.message);
    this.#root = document.contents;
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
    for (const { key, value: content } of this.#map(value).items) {
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.fail(isScalar(key) ? key : value, 'the name of a key must be a text');
      }
      yield [key.value, key, content as Value];
    }
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

  #map(value: Value): YAMLMap {
    this.#refuseAlias(value);
    return isMap(value) ? value : this.fail(value, 'this must be an object');
  }

  /** A few could stand for very much. */
  #refuseAlias(value: Value): void {
    if (isAlias(value)) this.fail(value, 'aliases are not taken here');
  }

  #failAt(offset: number, problem: string): never {
    const { line, col } = this.#lines.linePos(offset);
    throw new PolicyError(problem, Math.max(line, 1), Math.max(col, 1));
  }
}
