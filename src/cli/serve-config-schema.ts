import {
  absolutePath,
  bytes,
  nonEmpty,
  positive,
  positiveBytes,
  positiveSeconds,
  seconds,
  socketMode,
  wholeNumber,
} from './arguments.ts';
import { sayDefaultsWithUnits } from './help-values.ts';
import { serveCommand } from './serve.ts';
import { type ConfigKey, configKeys } from './serve-config-keys.ts';

/** A JSON Schema, draft 7. */
type Schema = Readonly<Record<string, unknown>>;

/** A text, or a number that is taken as it is written. */
const ANY_TEXT: Schema = { type: ['string', 'number'] };

const WHOLE = String.raw`^\d+$`;
const SPAN = String.raw`^(\d*\.?\d+|(\d*\.?\d+(ms|s|min|m|h|d))+)$`;
const SIZE = String.raw`^\d*\.?\d+([kKmMgGtT]([iI]?[bB])?|[bB])?$`;

/** The longest span, in seconds. */
const MAX_SPAN = 2_147_483;

/** What is known of texts that a function reads; of others it is known that they are texts. */
const FORMS: ReadonlyMap<unknown, Schema> = new Map<unknown, Schema>([
  [positive, numberOr({ type: 'integer', minimum: 1 }, WHOLE)],
  [wholeNumber, numberOr({ type: 'integer', minimum: 0 }, WHOLE)],
  [seconds, numberOr({ type: 'number', minimum: 0, maximum: MAX_SPAN }, SPAN)],
  [positiveSeconds, numberOr({ type: 'number', exclusiveMinimum: 0, maximum: MAX_SPAN }, SPAN)],
  [bytes, numberOr({ type: 'integer', minimum: 0 }, SIZE)],
  [positiveBytes, numberOr({ type: 'integer', minimum: 1 }, SIZE)],
  // YAML takes digits for a number: it is the one whose digits are the mode.
  [socketMode, numberOr({ type: 'integer', minimum: 600, maximum: 777 }, '^0?[67][0-7]{2}$')],
  [absolutePath, { type: 'string', pattern: '^/' }],
  [nonEmpty, { ...ANY_TEXT, minLength: 1 }],
]);

function numberOr(number: Schema, pattern: string): Schema {
  return { anyOf: [number, { type: 'string', pattern }] };
}

/**
 * The JSON Schema of the file of `runlet serve --config`, made of the flags of the command. It takes
 * whatever the command takes; of what that refuses it refuses what can be seen in one value.
 */
export function configSchema(): Schema {
  const command = serveCommand();
  sayDefaultsWithUnits(command);
  const properties = configKeys(command).map((key) => [key.name, propertyOf(key)] as const);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'What `runlet serve` is told by a file: a key for each flag',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function propertyOf(key: ConfigKey): Schema {
  const { isSwitch, option } = key;
  const { defaultValue, defaultValueDescription } = option;
  const common = { description: `${option.description} (variable: ${key.variable})` };
  if (isSwitch) return { ...common, type: 'boolean', default: false };
  if (defaultValue === undefined) return { ...common, ...valuesOf(key) };
  return { ...common, ...valuesOf(key), default: defaultValueDescription ?? defaultValue };
}

function valuesOf({ list, option }: ConfigKey): Schema {
  const choices = option.argChoices;
  if (list === undefined)
    return choices === undefined ? formOf(option.parseArg) : { enum: choices };
  const item = choices === undefined ? formOf(list.parse) : { enum: choices };
  const one = list.between === undefined ? joined(choices ?? []) : item;
  return { anyOf: [one, { type: 'array', items: item, minItems: 1 }] };
}

/** Some of these words, with commas between. */
function joined(words: readonly string[]): Schema {
  const word = `(${words.join('|')})`;
  return { type: 'string', pattern: `^${word}(,${word})*$` };
}

function formOf(parse: unknown): Schema {
  return FORMS.get(parse) ?? ANY_TEXT;
}
