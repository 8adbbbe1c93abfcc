import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Issue } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { isPlain, jsonIssues } from '../domain/parse/parse-json';

/** The metadata as the store's own schema gives it back, or why it refuses it. */
export async function checkedMetadata(
  schema: StandardSchemaV1 | undefined,
  metadata: Metadata,
  metadataBytes: number,
): Promise<{ metadata: Metadata; issues: readonly Issue[] }> {
  if (schema === undefined) return { metadata, issues: [] };
  const result = await schema['~standard'].validate(metadata);
  if (result.issues === undefined) {
    const value = result.value as Metadata;
    return { metadata: value, issues: outputIssues(value, metadataBytes) };
  }
  const issues = result.issues.map(({ message, path }) => ({ message, path: ['metadata', ...(path ?? []).map(step)] }));
  return { metadata, issues };
}

/** A schema may make anything of metadata: what it gives back is checked like what a caller gives. */
function outputIssues(value: unknown, metadataBytes: number): Issue[] {
  const path = ['metadata'];
  if (typeof value !== 'object' || value === null || !isPlain(value)) {
    return [{ path, message: 'is no object of JSON values as the schema gives it back.' }];
  }
  const issues = jsonIssues(value, path);
  if (issues.length > 0) return issues;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= metadataBytes) return [];
  return [{ path, message: `has ${bytes} bytes as the schema gives it back, at most ${metadataBytes} are allowed.` }];
}

function step(segment: PropertyKey | { key: PropertyKey }): string | number {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'number' ? key : String(key);
}
