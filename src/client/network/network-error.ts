import type { HttpStage, TunnelStage } from '../../errors.ts';
import {
  type HttpFailure,
  HttpStage as HttpStageEnum,
  type TunnelFailure,
  TunnelStage as TunnelStageEnum,
} from '../../gen/runlet/v1/error_pb.ts';
import { RunletClientError } from '../client-error.ts';
import { type Refusal, RemoteError } from '../errors.ts';

/** At which stage an HTTP request failed, and of what. */
export interface HttpFailureInfo {
  readonly stage: HttpStage;
  /**
   * What exactly: the name of the system's error, the resolver's or OpenSSL's (`ECONNREFUSED`,
   * `ENOTFOUND`, `CERT_HAS_EXPIRED`), or a name as `TOO_MANY` for redirects. Empty: it is not known.
   */
  readonly failure: string;
  /** The host and port that it is about: `example.org:443`. */
  readonly target: string;
}

/** An HTTP request has no whole answer: `reason` is `HTTP_FAILED`, or `EGRESS_DENIED`. */
export class HttpError extends RemoteError {
  override readonly name = 'HttpError';
  /** At which stage it failed. */
  readonly stage: HttpStage;
  /** What exactly: `ECONNREFUSED`, `TOO_MANY`. Empty: it is not known. */
  readonly failure: string;
  /** The host and port that it is about: `example.org:443`. */
  readonly target: string;

  /** @internal */
  constructor(refusal: Refusal, info: HttpFailureInfo) {
    super(refusal);
    this.stage = info.stage;
    this.failure = info.failure;
    this.target = info.target;
  }
}

/** What failed, of its message. @internal */
export function httpFailureInfo({ code, stage, target }: HttpFailure): HttpFailureInfo {
  return { stage: HttpStageEnum[stage] as HttpStage, failure: code, target };
}

/** At which stage a connection failed, and of what. */
export interface TunnelFailureInfo {
  readonly stage: TunnelStage;
  /** The name of the system's error, or the resolver's: `ECONNREFUSED`. Empty: it is none. */
  readonly errnoName: string;
  /** What it is about: `host:port`, or a path. */
  readonly target: string;
}

/**
 * There is no connection, or nobody can listen there: `reason` is `TUNNEL_FAILED`, or
 * `EGRESS_DENIED`.
 */
export class TunnelError extends RemoteError {
  override readonly name = 'TunnelError';
  /** At which stage it failed. */
  readonly stage: TunnelStage;
  /** The name of the system's error, or the resolver's: `ECONNREFUSED`. Empty: it is none. */
  readonly errnoName: string;
  /** What it is about: `host:port`, or a path. */
  readonly target: string;

  /** @internal */
  constructor(refusal: Refusal, info: TunnelFailureInfo) {
    super(refusal);
    this.stage = info.stage;
    this.errnoName = info.errnoName;
    this.target = info.target;
  }
}

/** What failed, of its message. @internal */
export function tunnelFailureInfo(failure: TunnelFailure): TunnelFailureInfo {
  const { errnoName, stage, target } = failure;
  return { stage: TunnelStageEnum[stage] as TunnelStage, errnoName, target };
}

/**
 * A connection broke that had been made: the other side reset it or is gone, or nothing was sent
 * for as long as the server lets it be idle. What was on its way may be lost.
 */
export class TunnelResetError extends RunletClientError {
  override readonly name = 'TunnelResetError';
  /** What a socket of this machine would say. */
  readonly errnoName = 'ECONNRESET';
  /** The other side. */
  readonly peer: string;

  /** @internal */
  constructor(peer: string) {
    super('TUNNEL_RESET', `the connection with ${peer} was reset`);
    this.peer = peer;
  }
}
