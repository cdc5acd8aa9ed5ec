import { join } from 'node:path';

/** What the calls of a test about files are about. */
export interface FileTarget {
  readonly sessionId: string;
  /** A folder with one file, `file`, where calls that are let in leave what they make. */
  readonly files: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** An upload of each target's session that is finished. */
export const UPLOAD_ID = '11111111-1111-4111-8111-111111111111';

/** The least archive: its end, with nothing before it. */
const EMPTY_ARCHIVE = Buffer.alloc(1024);

/** What a request of each method names, or each of several, as a caller that is let in would send it. */
export const FILE_REQUESTS: Readonly<
  Record<string, (target: FileTarget) => Fields | readonly Fields[]>
> = {
  'runlet.v1.FileService.StatFile': theFile,
  'runlet.v1.FileService.ReadFile': theFile,
  'runlet.v1.FileService.WriteFile': (target) => [
    { request: { case: 'open', value: at(target, 'written') } },
    { request: { case: 'data', value: { data: Buffer.from('content') } } },
    { request: { case: 'finish', value: {} } },
  ],
  'runlet.v1.FileService.GetUpload': theUpload,
  'runlet.v1.FileService.AbortUpload': theUpload,
  'runlet.v1.FileService.ListDirectory': theFolder,
  'runlet.v1.FileService.WalkDirectory': theFolder,
  'runlet.v1.FileService.CreateDirectory': (target) => at(target, 'made'),
  'runlet.v1.FileService.RemoveFile': theFile,
  'runlet.v1.FileService.MoveFile': toAnother,
  'runlet.v1.FileService.CopyFile': toAnother,
  'runlet.v1.FileService.SetFileAttributes': (target) => ({ ...theFile(target), mode: 0o600 }),
  'runlet.v1.FileService.CreateSymlink': (target) => ({ ...at(target, 'link'), target: 'file' }),
  'runlet.v1.FileService.ResolvePath': theFile,
  'runlet.v1.FileService.WatchDirectory': theFolder,
  'runlet.v1.FileService.ReadTree': theFolder,
  'runlet.v1.FileService.WriteTree': (target) => [
    { request: { case: 'open', value: at(target, 'unpacked') } },
    { request: { case: 'data', value: EMPTY_ARCHIVE } },
    { request: { case: 'finish', value: {} } },
  ],
};

/** Methods of it that leave a trace in the folder of their target. */
export const CHANGE_FILES: readonly string[] = [
  ...['WriteFile', 'CreateDirectory', 'RemoveFile', 'MoveFile', 'CopyFile', 'SetFileAttributes'],
  ...['CreateSymlink', 'WriteTree'],
];

function at({ files, sessionId }: FileTarget, name: string): Fields {
  return { sessionId, path: join(files, name) };
}

function theFile(target: FileTarget): Fields {
  return at(target, 'file');
}

function theFolder({ files, sessionId }: FileTarget): Fields {
  return { sessionId, path: files };
}

function toAnother(target: FileTarget): Fields {
  return { ...theFile(target), targetPath: join(target.files, 'another') };
}

function theUpload({ sessionId }: FileTarget): Fields {
  return { sessionId, uploadId: UPLOAD_ID };
}
