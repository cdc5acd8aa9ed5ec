import { fileURLToPath } from 'node:url';

const PROTOBUF = new URL('.', import.meta.resolve('@bufbuild/protobuf'));
const REGISTRY = fileURLToPath(new URL('registry.js', PROTOBUF));

/** Generated code: of this project, and that of messages that protobuf-es brings. */
const GENERATED = /\/(?:dist\/gen|wkt\/google\/protobuf|wkt\/gen\/google\/protobuf)\/.*_pb\.js$/;
/** Where a generated file has its descriptor: encoded, with the files that it needs. */
const ENCODED = /fileDesc\("[^"]*"(, \[[^\]]*\])?\)/;

const ID = '\0descriptors';

/**
 * Has bundled code hold the descriptors of its messages as objects. Generated code has them
 * encoded, and to decode them takes the descriptors of descriptors: together a tenth of what
 * a command takes.
 */
export const readyDescriptors = {
  name: 'ready-descriptors',
  resolveId: (id) => (id === ID ? ID : undefined),
  load: (id) => (id === ID ? RUNTIME : undefined),
  async transform(code, id) {
    if (!GENERATED.test(id) || !ENCODED.test(code)) return undefined;
    const module = await import(id);
    const file = Object.values(module).find((value) => value?.kind === 'file');
    const literal = (_, imports = '') => `file(${literalOf(file.proto)}${imports})`;
    return `import { file } from ${JSON.stringify(ID)};\n${code.replace(ENCODED, literal)}`;
  },
};

/** What makes a descriptor of such an object, as `fileDesc` of protobuf-es does. */
const RUNTIME = `
import { createEmbeddedFileRegistry } from ${JSON.stringify(REGISTRY)};
export function file(proto, imports = []) {
  const find = (name) => imports.find((other) => other.proto.name === name);
  return createEmbeddedFileRegistry(proto, find).getFile(proto.name);
}
`;

/**
 * The code of a message. What a field is by default is in its prototype, whose properties do not
 * count as set.
 */
function literalOf(message) {
  const prototypes = new Map();
  const nameOf = (prototype) => {
    const json = JSON.stringify(prototype);
    if (!prototypes.has(json)) prototypes.set(json, `p${prototypes.size}`);
    return prototypes.get(json);
  };
  const code = (value) => {
    if (Array.isArray(value)) return `[${value.map(code).join()}]`;
    if (typeof value !== 'object') return JSON.stringify(value);
    if (value.$typeName === undefined) throw new Error('a descriptor with a value of no message');
    const own = Object.entries(value).filter(([, held]) => held !== undefined);
    const properties = own.map(([name, held]) => `${JSON.stringify(name)}:${code(held)}`);
    return `{__proto__:${nameOf(Object.getPrototypeOf(value))},${properties.join()}}`;
  };
  const result = code(message);
  const constants = [...prototypes].map(([json, name]) => `const ${name} = ${json};`);
  return `(() => { ${constants.join(' ')} return ${result}; })()`;
}
