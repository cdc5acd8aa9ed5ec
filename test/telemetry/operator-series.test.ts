import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { MAX_AUDIT_FIELD, MAX_QUEUED_AUDIT_BYTES } from '../../src/limits.ts';
import { DENIALS } from '../../src/server/denials.ts';
import { AuditFile } from '../../src/telemetry/audit-file.ts';
import { NO_METER, UNREADY_REASONS } from '../../src/telemetry/meter.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { parseExposition } from '../support/exposition.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { HAS_PRLIMIT, lowerLimit } from '../support/rlimits.ts';
import { serveScraped } from '../support/scraping.ts';
import { serve } from '../support/served.ts';
import { openedTls, pairOf, tlsFolder } from '../support/tls.ts';

const DAY_MS = 86_400_000;

const EXPIRY = 'runlet_certificate_expiry_timestamp_seconds';

describe('the metrics of a server', () => {
  it('say whether new work is to come, and why not', async () => {
    const server = await serveScraped({ highWater: { sessions: 1 } });
    const { sessions } = connectClients(server.address);
    const told = async (): Promise<readonly string[]> =>
      [...(await server.samples())].flatMap(([key, value]) =>
        /^runlet_(?:un)?ready/.test(key) && value === 1 ? [key] : [],
      );
    expect(await told()).toEqual(['runlet_ready']);
    const { session } = await sessions.createSession({});
    expect(await told()).toEqual(['runlet_unready{reason="sessions"}']);
    await sessions.closeSession({ sessionId: session?.sessionId ?? '' });
    expect(await told()).toEqual(['runlet_ready']);
    const reasons = [...(await server.samples()).keys()].filter((key) =>
      /^runlet_unready/.test(key),
    );
    expect(reasons).toEqual(UNREADY_REASONS.map((reason) => `runlet_unready{reason="${reason}"}`));
  });

  it('say how much there may be of what there is', async () => {
    const limits = {
      maxSessions: 7,
      maxProcesses: 8,
      maxConnections: 9,
      outputMemoryBytes: 1_000_000,
      outputDiskBytes: 2_000_000,
    };
    const bounds = async (stateFolder?: string): Promise<Readonly<Record<string, number>>> => {
      const server = await serveScraped({ limits, ...(stateFolder && { stateFolder }) });
      const all = [...(await server.samples())];
      return Object.fromEntries(all.filter(([key]) => /^runlet_max_(?!heap)/.test(key)));
    };
    const inMemory = {
      runlet_max_sessions: 7,
      runlet_max_processes: 8,
      runlet_max_connections: 9,
      'runlet_max_retained_bytes{tier="memory"}': 1_000_000,
      'runlet_max_retained_bytes{tier="files"}': 0,
    };
    expect(await bounds()).toEqual(inMemory);
    const files = { 'runlet_max_retained_bytes{tier="files"}': 2_000_000 };
    expect(await bounds(await temporaryFolder())).toEqual({ ...inMemory, ...files });
  });

  it('count connections, and know what the heap may be', async () => {
    const server = await serveScraped();
    const connections = async (): Promise<number | undefined> =>
      (await server.samples()).get('runlet_connections');
    expect(await connections()).toBe(0);
    const clients = [connectClients(server.address), connectClients(server.address)];
    await Promise.all(clients.map(({ sessions }) => sessions.listSessions({})));
    expect(await connections()).toBe(2);
    clients[0]?.connection.close();
    await expect.poll(connections).toBe(1);
    const samples = await server.samples();
    const heap = samples.get('nodejs_heap_size_used_bytes') ?? Number.NaN;
    expect(samples.get('runlet_max_heap_bytes')).toBeGreaterThan(heap);
  });

  it('say when the first of its certificates is over, where it has one', async () => {
    const authority = await makeAuthority('authority');
    const listeners = await Promise.all(
      [20, 10].map(async (days) => {
        const notAfter = new Date(Date.now() + days * DAY_MS);
        const identity = await certify('server', authority, { notAfter });
        const { files } = await tlsFolder(pairOf(identity));
        const { cert, key } = files;
        return {
          identity,
          address: { kind: 'tcp', host: '127.0.0.1', port: 0 } as const,
          auth: [anybodyAuthenticator()],
          tls: await openedTls({ files: { cert, key } }),
        };
      }),
    );
    const ends = listeners.map(({ identity }) =>
      Date.parse(new X509Certificate(identity.certificate).validTo),
    );
    const server = await serveScraped({ listeners });
    expect((await server.samples()).get(EXPIRY)).toBe(Math.min(...ends) / 1000);

    const plain = await (
      await fetch(`http://${(await serveScraped()).metrics.where}/metrics`)
    ).text();
    expect(parseExposition(plain, 'prometheus').get(EXPIRY)?.samples).toEqual(new Map());
  });

  it('have what may come from the start, so that its first move is seen', async () => {
    const samples = await (await serveScraped()).samples();
    const faults = [...samples].filter(([key]) => /^runlet_calls.*code="INTERNAL"/.test(key));
    const methods = [...samples.keys()].filter((key) => /^runlet_open_streams/.test(key));
    expect(faults.length).toBe(methods.length);
    for (const reason of DENIALS) {
      expect(samples.get(`runlet_denials_total{reason="${reason}"}`)).toBe(0);
    }
  });
});

describe('the metrics of the audit', () => {
  it.skipIf(!HAS_PRLIMIT)('count what fails, and say that no new work is to come', async () => {
    const file = join(await temporaryFolder(), 'audit.jsonl');
    const served = await serve(
      '--metrics',
      '127.0.0.1:0',
      '--audit',
      file,
      '--log-level',
      'silent',
    );
    const { sessions } = connectClients(served.address);
    await sessions.createSession({});
    const read = async () => {
      const text = await (await fetch(`${served.metrics}/metrics`)).text();
      const families = parseExposition(text, 'prometheus');
      const one = (name: string, key = name): number | undefined =>
        families.get(name)?.samples.get(key);
      return {
        failures: one('runlet_audit_failures_total'),
        lost: one('runlet_audit_lost_lines_total'),
        unready: one('runlet_unready', 'runlet_unready{reason="audit"}'),
      };
    };
    // The call's own line, and that of its caller.
    await expect.poll(async () => (await stat(file)).size).toBeGreaterThan(300);
    expect(await read()).toEqual({ failures: 0, lost: 0, unready: 0 });
    const room = lowerLimit(served.child.pid ?? 0, 'fsize', (await stat(file)).size);
    await sessions.createSession({});
    await expect.poll(async () => (await read()).failures).toBeGreaterThan(0);
    expect(await read()).toMatchObject({ lost: 0, unready: 1 });
    room();
    await expect.poll(async () => (await read()).unready).toBe(0);
  });

  it('count lines that are left out', () => {
    let lost = 0;
    const auditLineLost = (): void => {
      lost += 1;
    };
    const audit = new AuditFile({
      file: 'it is not opened',
      required: false,
      tellsArguments: false,
      clock: systemClock,
      redact: (line) => line,
      onChange: () => {},
      meter: { ...NO_METER, auditLineLost },
    });
    const detail = 'x'.repeat(MAX_AUDIT_FIELD);
    const record = {
      principal: '',
      action: 'Audit',
      sessionId: '',
      processId: '',
      reason: '',
      detail,
    };
    const fitting = Math.ceil(MAX_QUEUED_AUDIT_BYTES / MAX_AUDIT_FIELD);
    for (let i = 0; i < fitting; i += 1) audit.record({ ...record, outcome: 'ok' });
    const before = lost;
    for (let i = 0; i < 3; i += 1) audit.record({ ...record, outcome: 'ok' });
    expect(lost - before).toBe(3);
  });
});
