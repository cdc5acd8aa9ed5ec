import { MAX_TIMEOUT_MS } from '../limits.ts';
import type { ResourceLimits } from '../process/launcher.ts';
import { HOUR } from '../units.ts';
import type { Readers, YamlSource } from '../yaml-source.ts';
import type { LimitsRule, PrincipalLimitNumbers } from './policy.ts';

type Value = YamlSource['root'];

/** The longest retention that it makes sense to speak of, in milliseconds: a year. */
const MAX_RETENTION_MS = 365 * 24 * HOUR;

/** The keys of limits, as they are written: the protos' names. */
interface LimitFields {
  readonly max_timeout: number;
  readonly timeout_required: boolean;
  readonly max_retained_bytes: number;
  readonly max_retention: number;
  readonly resources: ResourceLimits;
  readonly max_principal_sessions: number;
  readonly max_principal_processes: number;
  readonly max_principal_streams: number;
  readonly max_principal_stdin_bytes: number;
  readonly principal_output_memory_bytes: number;
  readonly principal_output_disk_bytes: number;
  readonly max_principal_starts_per_second: number;
}

/** The keys of resources, as they are written. */
interface ResourceFields {
  readonly open_files: number;
  readonly processes: number;
  readonly address_space_bytes: number;
  readonly file_bytes: number;
  readonly core_bytes: number;
  readonly cpu_seconds: number;
}

/**
 * Reads what processes may have at most; undefined: nothing is said.
 *
 * @throws SourceError
 */
export function parseLimitsRule(source: YamlSource, value: Value): LimitsRule {
  const fields = value === undefined ? {} : source.fields<LimitFields>(value, readers(source));
  return {
    maxTimeoutMs: fields.max_timeout,
    timeoutRequired: fields.timeout_required ?? false,
    maxRetainedBytes: fields.max_retained_bytes,
    maxRetentionMs: fields.max_retention,
    resources: fields.resources ?? {},
    ...principalNumbers(fields),
  };
}

function readers(source: YamlSource): Readers<LimitFields> {
  const count = (value: Value): number => source.count(value);
  const size = (value: Value): number => source.size(value);
  return {
    max_timeout: (value) => source.span(value, 1, MAX_TIMEOUT_MS),
    timeout_required: (value) => source.flag(value),
    max_retained_bytes: (value) => source.size(value, 1),
    max_retention: (value) => source.span(value, 0, MAX_RETENTION_MS),
    resources: (value) => parseResources(source, value),
    max_principal_sessions: count,
    max_principal_processes: count,
    max_principal_streams: count,
    max_principal_stdin_bytes: size,
    principal_output_memory_bytes: size,
    principal_output_disk_bytes: size,
    max_principal_starts_per_second: count,
  };
}

function parseResources(source: YamlSource, value: Value): ResourceLimits {
  const size = (bytes: Value): number => source.size(bytes);
  const fields = source.fields<ResourceFields>(value, {
    // The least that make sense, as in a spec.
    open_files: (count) => source.count(count, 3),
    processes: (count) => source.count(count),
    address_space_bytes: size,
    file_bytes: size,
    core_bytes: size,
    cpu_seconds: (count) => source.count(count, 1),
  });
  return defined({
    openFiles: fields.open_files,
    processes: fields.processes,
    addressSpaceBytes: fields.address_space_bytes,
    fileBytes: fields.file_bytes,
    coreBytes: fields.core_bytes,
    cpuSeconds: fields.cpu_seconds,
  });
}

function principalNumbers(fields: Partial<LimitFields>): PrincipalLimitNumbers {
  return defined({
    maxPrincipalSessions: fields.max_principal_sessions,
    maxPrincipalProcesses: fields.max_principal_processes,
    maxPrincipalStreams: fields.max_principal_streams,
    maxPrincipalStdinBytes: fields.max_principal_stdin_bytes,
    principalOutputMemoryBytes: fields.principal_output_memory_bytes,
    principalOutputDiskBytes: fields.principal_output_disk_bytes,
    maxPrincipalStartsPerSecond: fields.max_principal_starts_per_second,
  });
}

/** The same without the keys that are undefined. */
function defined<K extends string>(
  numbers: Readonly<Record<K, number | undefined>>,
): Partial<Record<K, number>> {
  const result: Partial<Record<K, number>> = {};
  for (const key of Object.keys(numbers) as K[]) {
    const value = numbers[key];
    if (value !== undefined) result[key] = value;
  }
  return result;
}
