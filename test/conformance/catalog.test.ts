import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DescFile } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { AREAS, CHECKS } from '../../src/conformance/catalog.ts';
import { file_runlet_v1_error } from '../../src/gen/runlet/v1/error_pb.ts';
import { file_runlet_v1_event } from '../../src/gen/runlet/v1/event_pb.ts';
import { file_runlet_v1_file } from '../../src/gen/runlet/v1/file_pb.ts';
import { file_runlet_v1_http } from '../../src/gen/runlet/v1/http_pb.ts';
import { file_runlet_v1_process } from '../../src/gen/runlet/v1/process_pb.ts';
import { file_runlet_v1_sandbox } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import { file_runlet_v1_server } from '../../src/gen/runlet/v1/server_pb.ts';
import { file_runlet_v1_session } from '../../src/gen/runlet/v1/session_pb.ts';
import { file_runlet_v1_signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { file_runlet_v1_stats } from '../../src/gen/runlet/v1/stats_pb.ts';
import { file_runlet_v1_tunnel } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { MUTANTS } from './mutants/catalog.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const FILES = [
  file_runlet_v1_error,
  file_runlet_v1_event,
  file_runlet_v1_file,
  file_runlet_v1_http,
  file_runlet_v1_process,
  file_runlet_v1_sandbox,
  file_runlet_v1_server,
  file_runlet_v1_session,
  file_runlet_v1_signal,
  file_runlet_v1_stats,
  file_runlet_v1_tunnel,
];

/** The names of everything in a proto file, as clauses have them. */
function elementsOf({ enums, messages, services }: DescFile): string[] {
  return [
    ...messages.flatMap(({ fields, name }) => [name, ...fields.map((f) => `${name}.${f.name}`)]),
    ...enums.flatMap(({ name, values }) => [name, ...values.map((value) => value.name)]),
    ...services.flatMap(({ methods, name }) => [name, ...methods.map((m) => `${name}.${m.name}`)]),
  ];
}

/** The headings of a page, as links name them. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(`${ROOT}/${page}`, 'utf8').match(/^#+ .*$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('the catalog of checks', () => {
  it('has at least 60, each with an id of its own', () => {
    expect(CHECKS.length).toBeGreaterThanOrEqual(60);
    const ids = CHECKS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[A-Z]+-\d\d$/.test(id))).toEqual([]);
  });

  it('gives the checks of one area ids with one beginning, in order', () => {
    for (const { checks, title } of AREAS) {
      const ids = checks.map(({ id }) => id);
      expect(new Set(ids.map((id) => id.replace(/-\d+$/, ''))).size, title).toBe(1);
      expect(ids, title).toEqual(ids.toSorted());
    }
  });

  it('names a clause that there is for each', () => {
    const elements = new Set(FILES.flatMap(elementsOf));
    const missing = CHECKS.filter(({ clause }) => {
      const [page = '', anchor = ''] = clause.split('#');
      return page.startsWith('docs/') ? !anchorsOf(page).includes(anchor) : !elements.has(clause);
    });
    expect(missing.map(({ clause, id }) => `${id} ${clause}`)).toEqual([]);
  });

  it('is what the documentation lists', async () => {
    const script = `${ROOT}/scripts/conformance-doc.mjs`;
    await promisify(execFile)(process.execPath, [script, '--check']);
  });

  it('has a mutant for each that this one finds', () => {
    const found = new Set(MUTANTS.flatMap(({ fails }) => fails));
    expect(CHECKS.map(({ id }) => id).filter((id) => !found.has(id))).toEqual([]);
  });

  it('has only mutants whose checks there are, each of which one finds', () => {
    const ids = new Set(CHECKS.map(({ id }) => id));
    for (const { fails, fault } of MUTANTS) {
      expect(fails.length, fault).toBeGreaterThan(0);
      expect(
        fails.filter((id) => !ids.has(id)),
        fault,
      ).toEqual([]);
    }
    const faults = MUTANTS.map(({ fault }) => fault);
    expect(new Set(faults).size).toBe(faults.length);
  });
});
