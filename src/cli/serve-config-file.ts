import { MAX_CONFIG_BYTES } from '../limits.ts';
import { readRegularFile } from '../read-file.ts';
import { SourceError, sourceText, YamlSource } from '../yaml-source.ts';
import { printable } from './human-text.ts';
import { nearestName } from './nearest-name.ts';
import { assertValue, COMMAND_LINE_ALONE, type ConfigKey, valuesIn } from './serve-config-keys.ts';
import { aloneThere, type ConfigProblem, refusedValue } from './serve-config-problem.ts';

type Value = YamlSource['root'];

/** What a file says for a key. */
export interface FileSetting {
  readonly key: ConfigKey;
  readonly texts: readonly string[];
  /** Where the key is, from 1. */
  readonly line: number;
  readonly column: number;
}

/** What a file says, and all that is wrong with it. */
export interface FileSettings {
  readonly settings: readonly FileSetting[];
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads the file of `--config`: YAML, so JSON too, with the names of flags as keys. Of what is wrong
 * it says all that can be known: after an error of syntax, nothing else.
 */
export async function readConfigFile(
  file: string,
  keys: readonly ConfigKey[],
): Promise<FileSettings> {
  try {
    const { bytes } = await readRegularFile(file, { maxBytes: MAX_CONFIG_BYTES });
    return settingsIn(sourceText(bytes), file, keys);
  } catch (error) {
    return { settings: [], problems: [problemOf(file, error as Error)] };
  }
}

function settingsIn(text: string, file: string, keys: readonly ConfigKey[]): FileSettings {
  const source = new YamlSource(text);
  const settings: FileSetting[] = [];
  const problems: ConfigProblem[] = [];
  if (source.root === null) source.fail(null, 'it says nothing; {} does so on purpose');
  const entries = source.entries(source.root);
  for (;;) {
    try {
      const { done, value } = entries.next();
      if (done) return { settings, problems };
      const [name, node, content] = value;
      const key = keyOf(source, name, node, keys);
      settings.push({ key, texts: textsOf(source, key, content), ...source.placeOf(node) });
    } catch (error) {
      problems.push(problemOf(file, error as Error));
    }
  }
}

function keyOf(source: YamlSource, name: string, node: Value, keys: readonly ConfigKey[]) {
  const key = keys.find((each) => each.name === name);
  if (key !== undefined) return key;
  const why = COMMAND_LINE_ALONE.get(name);
  return source.fail(node, why === undefined ? unknownKey(name, keys) : aloneThere(why));
}

function unknownKey(name: string, keys: readonly ConfigKey[]): string {
  const names = keys.map((key) => key.name);
  const nearest = nearestName(name, names);
  return nearest === undefined
    ? 'there is no such key; keys are the names of flags, without dashes in front'
    : `there is no such key (did you mean ${nearest}?)`;
}

/** The texts of its value, each of which is looked at where it is. */
function textsOf(source: YamlSource, key: ConfigKey, content: Value): readonly string[] {
  if (key.isSwitch) return [String(source.flag(content))];
  if (key.list === undefined && source.isList(content)) {
    source.fail(content, 'this must be one value, and no list');
  }
  const texts = source.list(content, (item) => {
    const values = valuesIn(key, source.written(item));
    for (const value of values) {
      try {
        assertValue(key, value);
      } catch (error) {
        source.fail(item, refusedValue(value, error));
      }
    }
    return values;
  });
  if (texts.length > 0) return texts.flat();
  return source.fail(content, 'this must have a value; leave the key out where it has none');
}

function problemOf(file: string, error: Error): ConfigProblem {
  if (!(error instanceof SourceError)) return { message: `${file}: ${error.message}`, file };
  const { column, key, line, problem } = error;
  const where = `${file}: line ${line}, column ${column}`;
  const what = key === undefined ? problem : `${printable(key)}: ${problem}`;
  return { message: `${where}: ${what}`, file, key, line, column };
}
