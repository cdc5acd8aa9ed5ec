/**
 * What a driver is told and what it tells, in any language.
 *
 * A driver reads commands from its standard input, a JSON object a line:
 * `{"id": 1, "op": "watch", "address": "127.0.0.1:50051", ...}` with the parameters
 * of the operation. It performs each as soon as it comes, beside those under way, and
 * answers on its standard output, a JSON object a line: any number of
 * `{"id": 1, "note": {...}}`, and in the end `{"id": 1, "result": {...}}`, or
 * `{"id": 1, "error": {...}}` with {@link FailureFacts}. The end of its input ends it.
 *
 * Its environment says how it reaches servers, and who it is: `RUNLET_CA`, `RUNLET_CERT`, `RUNLET_KEY`
 * and `RUNLET_TOKEN_FILE` name files, as they do for the command line.
 *
 * Bytes are base64, hashes hexadecimal, enum values have their names in the protos, and numbers
 * fit a double. A parameter that is left out has the default of the protos.
 */

/** What every command has. */
export interface SessionParams {
  readonly session_id: string;
  /** What the header `runlet-session-id` says. Default: `session_id`. */
  readonly header?: string;
}

/** What names a process. */
export interface ProcessParams extends SessionParams {
  readonly process_id: string;
  readonly attachment_id?: string;
}

/** How to attach. */
export interface AttachParams extends SessionParams {
  readonly mode: string;
  readonly holder_id?: string;
  readonly attempt?: number;
}

/** A size in characters. */
export interface SizeParams {
  readonly columns: number;
  readonly rows: number;
}

/** A process to start. */
export interface StartParams extends ProcessParams {
  readonly request_id?: string;
  readonly spec: {
    readonly argv: readonly string[];
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    readonly terminal?: SizeParams;
    readonly retained_bytes?: number;
    readonly overflow?: string;
    readonly retention_ms?: number;
    /** It runs in a sandbox, with the platform, in which these paths alone may be changed. */
    readonly writable?: readonly string[];
  };
}

/** What is read. */
export interface ReadParams extends ProcessParams {
  /** Names a reader, which goes on after the last event that it had, in any operation. */
  readonly reader: string;
  /** When the reader has had so many bytes of output, a note tells. */
  readonly notify_bytes?: number;
}

/** What is read, and acknowledged as it comes. */
export interface WatchParams extends ReadParams {
  /** Sent with the call; what has come is acknowledged then. Absent: nothing is. */
  readonly reader_id?: string;
}

/** A process that is followed to its end over as many connections as it takes. */
export interface FollowParams extends StartParams, ReadParams {
  /** Written to its stdin, end-of-file after it. */
  readonly data?: string;
}

/** Bytes for stdin. */
export interface WriteParams {
  readonly offset?: number;
  readonly data?: string;
  readonly eof?: boolean;
}

/** What names a file, by text or by bytes. */
export interface FileParams extends SessionParams {
  readonly attachment_id?: string;
  readonly path?: string;
  /** The bytes of a path that is not UTF-8. */
  readonly raw_path?: string;
}

/** What becomes a file of the server's machine. */
export interface UploadParams extends FileParams {
  /** A file of the driver's machine, which is sent in pieces, with its size. */
  readonly from: string;
  /** Where in it the first byte is that is sent. */
  readonly offset?: number;
  readonly upload_id?: string;
  readonly if_version?: string;
}

/** A file that is read. */
export interface DownloadParams extends FileParams {
  /**
   * Names a reader, which goes on after the last byte that it had, of the same version, in
   * another connection also.
   */
  readonly reader: string;
}

/** What was had of one stream of output. */
export interface StreamFacts {
  readonly bytes: number;
  /** Bytes of gaps. */
  readonly missing: number;
  /** Every event began where the one before ended. */
  readonly exact: boolean;
  readonly sha256: string;
  /** The bytes, if they are no more than 4096. */
  readonly data?: string;
}

/** How a process ended. */
export interface EndFacts {
  readonly code?: number;
  readonly signal?: string;
  readonly reason: string;
}

/** What a reader has had. */
export interface ReaderFacts {
  /** `started`, `output`, `gap`, ..., each once where it comes several times in a row. */
  readonly kinds: readonly string[];
  readonly last_seq: number;
  /** Every `seq` was the next, or that of a gap. */
  readonly in_order: boolean;
  /** By `stdout`, `stderr`, `terminal`. */
  readonly streams: Readonly<Record<string, StreamFacts>>;
  readonly exited: EndFacts | null;
  readonly closed: {
    readonly output_complete: boolean;
    readonly totals: Readonly<Record<string, number>>;
  } | null;
}

/** What a process is. */
export interface ProcessFacts {
  readonly process_id: string;
  readonly pid: number;
  readonly state: string;
  /** Absent while it runs. */
  readonly exited?: EndFacts;
}

/** What a file is. */
export interface FileFacts {
  readonly path: string;
  /** Absent where `path` says it all. */
  readonly raw_path?: string;
  readonly kind: string;
  readonly size: number;
  readonly version: string;
}

/** What a reader has had of a file. */
export interface DownloadFacts {
  /** As it was opened last. */
  readonly file: FileFacts;
  /** In all calls. */
  readonly bytes: number;
  /** Every piece began where the one before ended. */
  readonly exact: boolean;
  /** Of what was had in all calls. */
  readonly sha256: string;
  /** What the server says in the end, of the last call. */
  readonly end: { readonly bytes: number; readonly sha256: string };
}

/** What is sent over a connection, and the end of it after that. */
export interface ConnectParams extends SessionParams {
  readonly attachment_id?: string;
  readonly host: string;
  readonly port: number;
  /** Sent in one message, where there is some, and `eof` after it. */
  readonly data?: string;
}

/** What came over a connection. */
export interface ConnectFacts {
  /** `opened`, `data`, `eof`, `end`, each once where it comes several times in a row. */
  readonly kinds: readonly string[];
  readonly peer: string;
  readonly data: string;
  readonly end: {
    readonly kind: string;
    readonly sent_bytes: number;
    readonly received_bytes: number;
  };
}

/** A header: its name and its value, of ASCII. */
export type HeaderPair = readonly [name: string, value: string];

/** An HTTP request. */
export interface RequestParams extends SessionParams {
  readonly attachment_id?: string;
  readonly method: string;
  readonly url: string;
  readonly headers?: readonly HeaderPair[];
  /** The body, each of them a message, and `end` after them. */
  readonly pieces?: readonly string[];
}

/** What was answered. */
export interface AnswerFacts {
  /** `head`, `body`, `end`, each once where it comes several times in a row. */
  readonly kinds: readonly string[];
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly final_url: string;
  readonly http_version: string;
  readonly data: string;
  readonly trailers: readonly HeaderPair[];
  readonly truncated: boolean;
}

/** How a call failed. All but `code` comes from `grpc-status-details-bin`. */
export interface FailureFacts {
  readonly code: string;
  readonly reason?: string;
  readonly domain?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Of a `google.rpc.BadRequest`. */
  readonly fields?: readonly string[];
  /** Of a `StartFailure`, an `HttpFailure` or a `TunnelFailure`. */
  readonly stage?: string;
  /** Of a `StartFailure`, a `FileFailure` or a `TunnelFailure`; the `code` of an `HttpFailure`. */
  readonly errno_name?: string;
  /** Of a `FileFailure`. */
  readonly operation?: string;
}

/** The operations, each with its parameters and its facts. */
export interface Operations {
  create: [params: SessionParams, facts: { readonly session_id: string }];
  close: [params: SessionParams, facts: object];
  /** Ends with the stream. Notes: {@link AttachNote}. */
  attach: [params: AttachParams, facts: object];
  start: [params: StartParams, facts: ProcessFacts];
  get: [params: ProcessParams, facts: ProcessFacts];
  /** Until it is closed. */
  wait: [params: ProcessParams, facts: ProcessFacts];
  /** Ends with the stream. Notes: {@link ReaderNote}. */
  watch: [params: WatchParams, facts: ReaderFacts];
  /** One `ReadProcess`. */
  read: [params: ReadParams & { readonly wait_ms?: number }, facts: ReaderFacts];
  write: [params: ProcessParams & WriteParams, facts: { readonly accepted_offset: number }];
  /** `StreamStdin`. */
  stream: [
    params: ProcessParams & { readonly writes: readonly WriteParams[] },
    facts: { readonly accepted_offset: number },
  ];
  /** Starts a process, writes, and reads to the end. */
  interact: [
    params: StartParams & ReadParams & { readonly writes: readonly WriteParams[] },
    facts: ReaderFacts,
  ];
  signal: [
    params: ProcessParams & { readonly signal: string; readonly scope?: string },
    facts: object,
  ];
  terminate: [
    params: ProcessParams & { readonly grace_ms?: number; readonly scope?: string },
    facts: ProcessFacts & { readonly was_running: boolean },
  ];
  resize: [params: ProcessParams & SizeParams, facts: object];
  list_files: [params: FileParams, facts: { readonly files: readonly FileFacts[] }];
  upload: [params: UploadParams, facts: { readonly file: FileFacts; readonly sha256: string }];
  get_upload: [
    params: SessionParams & { readonly upload_id: string },
    facts: { readonly accepted_offset: number; readonly finished: boolean },
  ];
  download: [params: DownloadParams, facts: DownloadFacts];
  /** `Connect`. */
  connect: [params: ConnectParams, facts: ConnectFacts];
  /** `HttpService.Request`. */
  request: [params: RequestParams, facts: AnswerFacts];
  /**
   * Comes back to the session, starts a process in it, writes, and reads to the end, as the
   * package in that language does it by itself. Only where there is one. The `code` of a failure
   * that is none of a call is `LOST` where the session was, and `FAILED` otherwise.
   */
  follow: [params: FollowParams, facts: ReaderFacts];
}

/** The name of an operation. */
export type Operation = keyof Operations;

/** The parameters of an operation. */
export type Params<O extends Operation> = Operations[O][0];

/** What an operation tells in the end. */
export type Facts<O extends Operation> = Operations[O][1];

/** Tells that the stream is attached, or of a process. */
export interface AttachNote {
  readonly attachment_id?: string;
  readonly process_ids?: readonly string[];
  /** The id of a process that was closed. */
  readonly closed?: string;
  /** The id of a process whose retention is over. */
  readonly evicted?: string;
}

/** Tells of an event that is no output, or that `notify_bytes` were reached. */
export interface ReaderNote {
  readonly kind?: string;
  readonly bytes?: number;
}

/** Something that an operation tells before its end. */
export type Note = AttachNote & ReaderNote;
