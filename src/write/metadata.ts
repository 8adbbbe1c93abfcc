import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Issue } from '../domain/errors';
import type { Meta } from '../domain/json';
import { isPlain, jsonIssues } from '../domain/parse/parse-json';

/** The metadata as the store's own schema gives it back, or why it refuses it. */
export async function checkedMetadata(
  schema: StandardSchemaV1 | undefined,
  metadata: Meta,
): Promise<{ metadata: Meta; issues: readonly Issue[] }> {
  if (schema === undefined) return { metadata, issues: [] };
  const result = await schema['~standard'].validate(metadata);
  if (result.issues === undefined) {
    const value = result.value as Meta;
    const isObject = typeof value === 'object' && value !== null && isPlain(value);
    const message = 'is no object of JSON values as the schema gives it back.';
    return { metadata: value, issues: isObject ? jsonIssues(value, ['metadata']) : [{ path: ['metadata'], message }] };
  }
  const issues = result.issues.map(({ message, path }) => ({ message, path: ['metadata', ...(path ?? []).map(step)] }));
  return { metadata, issues };
}

function step(segment: PropertyKey | { key: PropertyKey }): string | number {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'number' ? key : String(key);
}
