import type { OptionError } from '../client/index.ts';

/** The flags, and what else is typed, that become the fields of requests. */
const FIELD_FLAGS: Readonly<Record<string, string>> = {
  after_seq: '--since-seq',
  detached_ttl: '--ttl',
  grace: '--grace',
  interval: '--interval',
  'head.credential': '--credential',
  'head.headers': '--header',
  'head.method': '--request',
  'head.url': 'the URL',
  process_id: '--id',
  sandbox: '--sandbox',
  'sandbox.rules': '--allow-read, --allow-write or --deny',
  session_id: '--session',
  signal: '--signal',
  'spec.argv': 'the program and its arguments',
  'spec.cwd': '--cwd',
  'spec.drain_timeout': '--drain-timeout',
  'spec.env': '--env',
  'spec.env_policy': '--env-policy',
  'spec.env_policy.exclude': '--env-exclude',
  'spec.env_policy.include_only': '--env-include-only',
  'spec.labels': '--label',
  'spec.limits.address_space_bytes': '--limit address-space',
  'spec.limits.core_bytes': '--limit core-size',
  'spec.limits.cpu_seconds': '--limit cpu-time',
  'spec.limits.file_bytes': '--limit file-size',
  'spec.limits.open_files': '--limit open-files',
  'spec.limits.processes': '--limit processes',
  'spec.output.retained_bytes': '--retained-bytes',
  'spec.raw_argv': 'the program and its arguments',
  'spec.raw_cwd': '--cwd',
  'spec.raw_env': '--env',
  'spec.retention': '--retention',
  'spec.sandbox': '--sandbox',
  'spec.sandbox.network': '--network',
  'spec.sandbox.rules': '--allow-read, --allow-write or --deny',
  'spec.timeout': '--timeout',
};

/** What is typed for a field of a request, by its path; the path itself: nothing is. */
export function flagOfField(path: string): string {
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const flag = FIELD_FLAGS[path.slice(0, end)];
    if (flag !== undefined) return flag;
  }
  return path;
}

/** The flags that become options of the client which it looks at before anything is sent. */
const OPTION_FLAGS: Readonly<Record<string, string>> = { id: '--id', labels: '--label' };

/** What is wrong with an option of the client, with the flag that it is from if there is one. */
export function optionWords({ message, option }: OptionError): string {
  const flag = OPTION_FLAGS[option.replace(/[.[].*/, '')];
  return flag === undefined ? message : message.replace(option, flag);
}

/** The flags of `runlet serve` that set limits of a server, by how those are called in errors. */
const LIMIT_FLAGS: Readonly<Record<string, string>> = {
  max_principal_processes: '--max-principal-processes',
  max_principal_sessions: '--max-principal-sessions',
  max_principal_starts_per_second: '--max-principal-starts',
  max_principal_streams: '--max-principal-streams',
  max_processes: '--max-processes',
  max_sessions: '--max-sessions',
};

/** The flag of `runlet serve` that sets a limit; undefined: none does. */
export function flagOfLimit(name: string): string | undefined {
  return LIMIT_FLAGS[name];
}
