import { isRecord } from './check-options.ts';
import { OptionError } from './client-error.ts';
import { type CommandArgument, templateScript, templateWords } from './command-line.ts';
import type { SystemText } from './process-spec.ts';
import type { OutputOf, RunningCommand, RunOptions } from './run-options.ts';

/** Options over those that a template has by itself. */
type TemplateOptions<O extends RunOptions> = O extends { readonly encoding: unknown }
  ? O
  : O & { readonly encoding: 'utf8' };

/** Runs a command that is written as a template, or gives a template with other options. */
export interface CommandTemplate<O extends RunOptions = { readonly encoding: 'utf8' }> {
  (
    text: TemplateStringsArray,
    ...inserted: readonly CommandArgument[]
  ): RunningCommand<OutputOf<TemplateOptions<O>>>;
  <const P extends RunOptions>(options: P): CommandTemplate<Omit<O, keyof P> & P>;
}

type Run = (
  command: readonly SystemText[] | string,
  options: RunOptions,
) => RunningCommand<Buffer | string>;

/** A template that runs commands with some options. */
export function commandTemplate(run: Run, options: RunOptions = {}): CommandTemplate {
  const template = (
    first: TemplateStringsArray | RunOptions,
    ...inserted: readonly CommandArgument[]
  ): unknown => {
    if (!isTemplate(first) && !isRecord(first)) {
      throw new OptionError('$', '$ takes a template, or the options of others');
    }
    if (!isTemplate(first)) return commandTemplate(run, { ...options, ...first });
    const { shell = false } = options;
    const command =
      shell === false ? templateWords(first, inserted) : templateScript(first, inserted);
    return run(command, { check: true, encoding: 'utf8', ...options });
  };
  return template as CommandTemplate;
}

function isTemplate(value: TemplateStringsArray | RunOptions): value is TemplateStringsArray {
  return Array.isArray(value) && 'raw' in value;
}
