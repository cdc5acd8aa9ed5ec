/**
 * Writes docs/api.md, the reference of the contract, from the comments of the protos.
 *
 *     node scripts/api-doc.mjs           writes it
 *     node scripts/api-doc.mjs --check   fails if it is not what would be written
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'docs', 'api.md');

/** In the order in which a reader needs them. */
const FILES = [
  'session',
  'process',
  'event',
  'signal',
  'file',
  'sandbox',
  'http',
  'tunnel',
  'server',
  'stats',
  'error',
];
const PACKAGE = '.runlet.v1.';

/* The numbers of fields in descriptor.proto, of which the paths of comments are made. */
const FILE_MESSAGES = 4;
const FILE_ENUMS = 5;
const FILE_SERVICES = 6;
const FILE_SYNTAX = 12;
const MEMBERS = 2;

const INTRODUCTION = `# The contract

The reference of \`runlet.v1\`, made from the comments of the
[protos](../proto/runlet/v1) by \`npm run docs:api\`. The guides are in the
pages [concepts.md](concepts.md) and [sessions.md](sessions.md).

In a message, a field that is not set has the zero value of its type, unless its type
is a message or it is \`optional\`: then it is absent.
`;

main();

function main() {
  const text = render(loadFiles());
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
  } else if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('docs/api.md is not current: run `npm run docs:api`\n');
    process.exitCode = 1;
  }
}

function loadFiles() {
  const buf = join(root, 'node_modules', '.bin', 'buf');
  const args = ['build', '--output', '-#format=binpb'];
  const built = spawnSync(buf, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  if (built.status !== 0) throw built.error ?? new Error('buf build failed');
  const { file: files } = fromBinary(FileDescriptorSetSchema, built.stdout);
  return FILES.map((name) => {
    const file = files.find((candidate) => candidate.name === `runlet/v1/${name}.proto`);
    if (file === undefined) throw new Error(`there is no runlet/v1/${name}.proto`);
    return file;
  });
}

function render(files) {
  const contents = files.map((file) => {
    const names = [...file.service, ...file.messageType, ...file.enumType].map(({ name }) => name);
    const links = names.map((name) => `[${name}](#${name.toLowerCase()})`);
    return `- \`${file.name}\`: ${links.join(', ')}`;
  });
  return `${[INTRODUCTION, contents.join('\n'), ...files.map(renderFile)].join('\n')}\n`;
}

function renderFile(file) {
  const comments = new Map(
    file.sourceCodeInfo.location.map(({ leadingComments, leadingDetachedComments, path }) => [
      path.join('.'),
      [...leadingDetachedComments, leadingComments].join('\n'),
    ]),
  );
  const comment = (...path) => clean(comments.get(path.join('.')) ?? '');
  const parts = [
    `\n## ${file.name}\n\n${comment(FILE_SYNTAX)}`,
    ...file.service.map((service, i) =>
      renderService(service, (...path) => comment(FILE_SERVICES, i, ...path)),
    ),
    ...file.messageType.map((message, i) =>
      renderMessage(message, (...path) => comment(FILE_MESSAGES, i, ...path)),
    ),
    ...file.enumType.map((type, i) =>
      renderEnum(type, (...path) => comment(FILE_ENUMS, i, ...path)),
    ),
  ];
  return parts.join('\n\n');
}

function renderService({ method: methods, name }, comment) {
  const rendered = methods.map((method, i) => {
    const request = `${method.clientStreaming ? 'stream of ' : ''}${link(method.inputType)}`;
    const response = `${method.serverStreaming ? 'stream of ' : ''}${link(method.outputType)}`;
    return `#### ${method.name}\n\n${request} → ${response}\n\n${comment(MEMBERS, i)}`;
  });
  return [`### ${name}`, comment(), ...rendered].join('\n\n');
}

function renderMessage(message, comment) {
  const entries = new Map(
    message.nestedType.map((nested) => [`${PACKAGE}${message.name}.${nested.name}`, nested]),
  );
  const rows = message.field.map((field, i) => {
    const oneof =
      // A field that is of none has the default of that, which is the number of the first.
      !Object.hasOwn(field, 'oneofIndex') || field.proto3Optional
        ? ''
        : `One of \`${message.oneofDecl[field.oneofIndex]?.name}\`. `;
    return `| \`${field.name}\` | ${typeOf(field, entries)} | ${field.number} | ${oneof}${cell(comment(MEMBERS, i))} |`;
  });
  const table = ['| field | type | number | meaning |', '| --- | --- | --- | --- |', ...rows];
  return [`### ${message.name}`, comment(), ...(rows.length > 0 ? [table.join('\n')] : [])].join(
    '\n\n',
  );
}

function renderEnum(type, comment) {
  const rows = type.value.map(
    ({ name, number }, i) => `| \`${name}\` | ${number} | ${cell(comment(MEMBERS, i))} |`,
  );
  const table = ['| value | number | meaning |', '| --- | --- | --- |', ...rows];
  return [`### ${type.name}`, comment(), table.join('\n')].join('\n\n');
}

function typeOf(field, entries) {
  const entry = entries.get(field.typeName);
  if (entry?.options?.mapEntry) {
    const [key, value] = entry.field;
    return `map of ${typeOf(key, entries)} to ${typeOf(value, entries)}`;
  }
  const type = field.typeName
    ? link(field.typeName)
    : FieldDescriptorProto_Type[field.type].toLowerCase();
  // LABEL_REPEATED
  if (field.label === 3) return `repeated ${type}`;
  return field.proto3Optional ? `optional ${type}` : type;
}

function link(typeName) {
  if (!typeName.startsWith(PACKAGE)) return `\`${typeName.slice(1)}\``;
  const name = typeName.slice(PACKAGE.length);
  return `[${name}](#${name.toLowerCase()})`;
}

/** A comment without the space that follows the slashes. */
function clean(comment) {
  return comment.replaceAll(/^ /gm, '').trim();
}

/** A comment in one line, for a table. */
function cell(comment) {
  return comment.replaceAll('|', '\\|').replaceAll(/\n\n+/g, '<br>').replaceAll('\n', ' ');
}
