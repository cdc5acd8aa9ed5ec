import type {
  DescEnum,
  DescExtension,
  DescFile,
  DescMessage,
  DescService,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { type Server, status } from '@grpc/grpc-js';
import { addService, type BridgeOptions } from '../../bridge/add-service.ts';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
} from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionRequestAlpha,
} from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { file_runlet_v1_error } from '../../gen/runlet/v1/error_pb.ts';

type Question = (ServerReflectionRequest | ServerReflectionRequestAlpha)['messageRequest'];
type Type = DescMessage | DescEnum | DescExtension | DescService;

/** Those that {@link addReflection} adds. */
export const REFLECTION_SERVICES: readonly DescService[] = [
  ServerReflection,
  ServerReflectionAlpha,
];

/**
 * Adds `grpc.reflection.v1` and `v1alpha`, from the generated descriptors:
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md.
 */
export function addReflection(
  server: Server,
  services: readonly DescService[],
  bridge: BridgeOptions,
): void {
  const descriptors = new Descriptors(services);
  addService(
    server,
    ServerReflection,
    { serverReflectionInfo: (requests) => answerAll(descriptors, requests) },
    bridge,
  );
  addService(
    server,
    ServerReflectionAlpha,
    { serverReflectionInfo: (requests) => answerAll(descriptors, requests) },
    bridge,
  );
}

async function* answerAll<R extends ServerReflectionRequest | ServerReflectionRequestAlpha>(
  descriptors: Descriptors,
  requests: AsyncIterable<R>,
) {
  for await (const request of requests) {
    const messageResponse = await answer(descriptors, request.messageRequest);
    yield { validHost: request.host, originalRequest: request, messageResponse };
  }
}

/** The answer to a question, in what both versions have in common. */
async function answer(descriptors: Descriptors, question: Question) {
  switch (question.case) {
    case 'fileByFilename':
      return files(descriptors.files.get(question.value));
    case 'fileContainingSymbol':
      return files(descriptors.bySymbol.get(question.value));
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value;
      return files(descriptors.extensionsOf(containingType).get(extensionNumber));
    }
    case 'allExtensionNumbersOfType': {
      const baseTypeName = question.value;
      if (!descriptors.bySymbol.has(baseTypeName)) return failure(status.NOT_FOUND, 'not found');
      const extensionNumber = [...descriptors.extensionsOf(baseTypeName).keys()];
      const value = { baseTypeName, extensionNumber };
      return { case: 'allExtensionNumbersResponse' as const, value };
    }
    case 'listServices': {
      const service = descriptors.services.map(({ typeName }) => ({ name: typeName }));
      return { case: 'listServicesResponse' as const, value: { service } };
    }
    default:
      return failure(status.INVALID_ARGUMENT, 'the request asks for nothing that is known');
  }
}

/** A file, then all that it needs, each before what it needs itself. */
async function files(file: DescFile | undefined) {
  if (file === undefined) return failure(status.NOT_FOUND, 'not found');
  // What describes descriptors themselves takes long to make, and few servers are asked for it.
  const { encodeFile } = await import('./encode-file.ts');
  const fileDescriptorProto = [...withDependencies([file]).values()]
    .map(({ proto }) => encodeFile(proto))
    .reverse();
  return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
}

function failure(errorCode: status, errorMessage: string) {
  return { case: 'errorResponse' as const, value: { errorCode, errorMessage } };
}

/** What is asked about, by its names; looked for at the first question. */
class Descriptors {
  readonly services: readonly DescService[];
  #files: ReadonlyMap<string, DescFile> | undefined;
  #bySymbol: ReadonlyMap<string, DescFile> | undefined;

  constructor(services: readonly DescService[]) {
    this.services = services;
  }

  /** All files, by their names. */
  get files(): ReadonlyMap<string, DescFile> {
    this.#files ??= withDependencies([
      ...this.services.map(({ file }) => file),
      // What the details of errors are made of; no service names them.
      file_google_rpc_error_details,
      file_runlet_v1_error,
    ]);
    return this.#files;
  }

  /** The files that declare symbols, by the symbols' full names. */
  get bySymbol(): ReadonlyMap<string, DescFile> {
    this.#bySymbol ??= new Map(
      [...this.files.values()].flatMap((file) =>
        [...nestedTypes(file)].flatMap(symbolsOf).map((symbol) => [symbol, file] as const),
      ),
    );
    return this.#bySymbol;
  }

  /** The files that extend a message, by the numbers of the fields that they add to it. */
  extensionsOf(typeName: string): ReadonlyMap<number, DescFile> {
    const extensions = new Map<number, DescFile>();
    for (const file of this.files.values()) {
      for (const type of nestedTypes(file)) {
        if (type.kind === 'extension' && type.extendee.typeName === typeName) {
          extensions.set(type.number, file);
        }
      }
    }
    return extensions;
  }
}

/** Files and all that they need, by their names, each after what it needs. */
function withDependencies(files: readonly DescFile[]): Map<string, DescFile> {
  const all = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (all.has(file.proto.name)) return;
    file.dependencies.forEach(add);
    all.set(file.proto.name, file);
  };
  files.forEach(add);
  return all;
}

/** The full names of a type and of what it has. */
function symbolsOf(type: Type): readonly string[] {
  const { typeName } = type;
  switch (type.kind) {
    case 'message':
      return [
        typeName,
        ...[...type.fields, ...type.oneofs].map(({ name }) => `${typeName}.${name}`),
      ];
    case 'service':
      return [typeName, ...type.methods.map(({ name }) => `${typeName}.${name}`)];
    case 'enum': {
      // Values are siblings of their enum, as in C++.
      const scope = typeName.slice(0, typeName.lastIndexOf('.') + 1);
      return [typeName, ...type.values.map(({ name }) => scope + name)];
    }
    case 'extension':
      return [typeName];
  }
}
