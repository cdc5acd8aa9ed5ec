import type { Environment } from '../environment/env-policy.ts';
import { isPlain, shownText } from '../system-text.ts';
import { nearestName } from './nearest-name.ts';
import { mayBeBytes } from './own-bytes.ts';
import {
  assertValue,
  COMMAND_LINE_ALONE,
  type ConfigKey,
  VARIABLE_PREFIX,
  valuesIn,
  variableOf,
} from './serve-config-keys.ts';
import { aloneThere, type ConfigProblem, refusedValue } from './serve-config-problem.ts';

/** The variable that names the file of `--config`. */
export const CONFIG_VARIABLE = variableOf('config');

/** What a variable says for a key. */
export interface VariableSetting {
  readonly key: ConfigKey;
  readonly texts: readonly string[];
}

/** What the variables of a server say, and all that is wrong with it. */
export interface VariableSettings {
  readonly settings: readonly VariableSetting[];
  readonly problems: readonly ConfigProblem[];
}

/** Reads all variables that stand for flags of a server. An empty one counts as none. */
export function readConfigVariables(
  env: Environment,
  keys: readonly ConfigKey[],
): VariableSettings {
  const settings: VariableSetting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of env) {
    if (!variable.startsWith(VARIABLE_PREFIX) || variable === CONFIG_VARIABLE || text === '') {
      continue;
    }
    const key = keys.find((each) => each.variable === variable);
    if (key === undefined) {
      const message = `${shownText(variable)}: ${unknownVariable(variable, keys)}`;
      problems.push({ message, variable });
      continue;
    }
    try {
      settings.push({ key, texts: textsOf(key, text) });
    } catch (error) {
      const message = `${variable} ${(error as Error).message}`;
      problems.push({ message, key: key.name, variable });
    }
  }
  return { settings, problems };
}

function unknownVariable(variable: string, keys: readonly ConfigKey[]): string {
  const word = variable.slice(VARIABLE_PREFIX.length).toLowerCase().replaceAll('_', '-');
  const why = COMMAND_LINE_ALONE.get(word);
  if (why !== undefined) return aloneThere(why);
  const nearest = nearestName(word, [...keys.map(({ name }) => name), 'config']);
  return nearest === undefined
    ? `there is no such variable; after ${VARIABLE_PREFIX} comes the name of a flag`
    : `there is no such variable (did you mean ${variableOf(nearest)}?)`;
}

/** The values that a text has, which is not empty. */
function textsOf(key: ConfigKey, text: string): readonly string[] {
  const texts = key.isSwitch ? [switchText(text)] : apart(key, text);
  if (texts.length === 0) throw new Error("'': it has no value");
  for (const each of texts) {
    if (!isPlain(each) && !mayBeBytes(key.attribute)) {
      throw new Error(refusedValue(shownText(each), new Error('it is not UTF-8')));
    }
    try {
      if (!key.isSwitch) assertValue(key, each);
    } catch (error) {
      throw new Error(refusedValue(each, error));
    }
  }
  return texts;
}

/** `1` and `0` are what other variables of this program have. */
function switchText(text: string): string {
  if (text === 'true' || text === '1') return 'true';
  if (text === 'false' || text === '0') return 'false';
  throw new Error(refusedValue(text, new Error('it is neither true nor false')));
}

/** Several are on lines of their own, or between commas where no value can have one. */
function apart(key: ConfigKey, text: string): readonly string[] {
  const { list } = key;
  if (list?.between === undefined) return valuesIn(key, text);
  const values = list.between === 'commas' ? text.split(/[,\n]/) : text.split('\n');
  return values.map((value) => value.trim()).filter((value) => value !== '');
}
