import type { DescEnum } from '@bufbuild/protobuf';

/** The name that a value of an enum has in the protos. */
export function nameOfValue(schema: DescEnum, value: number): string {
  return schema.value[value]?.name ?? String(value);
}

/** The value that has a name in the protos; 0 if none is given. */
export function valueOfName(schema: DescEnum, name: string | undefined): number {
  if (name === undefined) return 0;
  const value = schema.values.find((it) => it.name === name);
  if (value === undefined) throw new Error(`${schema.typeName} has no value ${name}`);
  return value.number;
}
