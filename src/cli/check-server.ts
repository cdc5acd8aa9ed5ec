import { type Client, status } from '@grpc/grpc-js';
import { parseAddress } from '../address.ts';
import { isCallError } from '../client/call-error.ts';
import { openConnection } from '../client/connection.ts';
import { OptionError } from '../client/index.ts';
import { type RequestMetadata, settingsAt } from '../client/options.ts';
import { remoteError } from '../client/refusal.ts';
import { CHECKS } from '../conformance/catalog.ts';
import type { Check } from '../conformance/check.ts';
import { createClients } from '../conformance/clients.ts';
import { jsonReporter, type Summary, tapReporter } from '../conformance/report.ts';
import { runChecks } from '../conformance/run-checks.ts';
import type { ConformanceFlags } from './conformance-flags.ts';
import { type ConnectionSetup, connectionMistake, connectionSetup } from './connection-flags.ts';
import { printLine } from './print.ts';
import { ownServeAddress, serverAddress } from './server-connection.ts';
import { unreachable } from './unreachable-error.ts';
import { UsageError } from './usage-error.ts';

/** The exit code if a check failed. */
const FAILED_EXIT_CODE = 1;

/** How long the server may take to answer for the first time. */
const CONNECT_MS = 10_000;

/** Checks a server as the flags say, and prints the results. */
export async function conformance(flags: ConformanceFlags): Promise<void> {
  const { grep, jobs, json = false, list = false, only } = flags;
  const unknown = only?.find((id) => !CHECKS.some((check) => check.id === id));
  if (unknown !== undefined) throw new UsageError(`there is no check ${unknown}`);
  const checks = CHECKS.filter(
    ({ id, title }) =>
      (only?.includes(id) ?? true) && (grep === undefined || grep.test(`${id} ${title}`)),
  );
  if (checks.length === 0) throw new UsageError('no check is left to do');
  if (list) {
    const listed = json ? listedAsJson : listedAsText;
    await printLine(checks.map(listed).join('\n'));
    return;
  }
  const server = await serverAddress(flags);
  const setup = await connectionSetup(flags);
  const { connect, metadata } = await connector(server, setup);
  await assertReachable(server, setup, connect(), metadata);
  const reporter = json ? jsonReporter() : tapReporter();
  const summary: Summary = { passed: 0, failed: 0, skipped: 0 };
  const timeoutMs = flags.timeout * 1000;
  const begin = reporter.begin(checks.length);
  if (begin !== '') await printLine(begin);
  for await (const result of runChecks({ connect, metadata, checks, jobs, timeoutMs })) {
    summary[result.outcome] += 1;
    await printLine(reporter.result(result));
  }
  await printLine(reporter.end(summary));
  if (summary.failed > 0) process.exitCode = FAILED_EXIT_CODE;
}

function listedAsText({ clause, id, title }: Check): string {
  return `${id}\t${title}\t${clause}`;
}

function listedAsJson({ clause, id, title }: Check): string {
  return JSON.stringify({ id, title, clause });
}

/** How connections are made, and what every call says of who makes it. */
interface Connector {
  readonly connect: () => Client;
  readonly metadata: RequestMetadata;
}

/** @throws UsageError there is no such token, or it must not be sent */
async function connector(server: string, setup: ConnectionSetup): Promise<Connector> {
  const address = parseAddress(server);
  try {
    const settings = settingsAt(address, setup.options);
    return {
      connect: () => openConnection(address, settings),
      metadata: await settings.metadata(),
    };
  } catch (error) {
    throw (error instanceof OptionError && connectionMistake(error, setup)) || error;
  }
}

/**
 * An answer of any kind will do, so that a server which fails the first call is checked too; but
 * one that lets nobody in cannot be.
 *
 * @throws UnreachableError if there is none
 * @throws RemoteError if nobody is let in
 */
async function assertReachable(
  server: string,
  { options }: ConnectionSetup,
  connection: Client,
  metadata: RequestMetadata,
): Promise<void> {
  const deadline = new Date(Date.now() + CONNECT_MS);
  try {
    const clients = createClients(connection, undefined, metadata);
    await clients.server.getServerInfo({}, { deadline });
  } catch (error) {
    const { DEADLINE_EXCEEDED, UNAUTHENTICATED, UNAVAILABLE } = status;
    if (!isCallError(error)) return;
    if (error.code === UNAUTHENTICATED) throw remoteError(error);
    if (error.code !== DEADLINE_EXCEEDED && error.code !== UNAVAILABLE) return;
    const sought = { isDefault: server === ownServeAddress(), tls: options.tls };
    throw await unreachable(server, sought, error);
  } finally {
    connection.close();
  }
}
