import type { Issue } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { isPlain, jsonIssues } from '../domain/parse/parse-json';
import { toEpochMs } from '../domain/time';
import { checkedMetadata } from './metadata';
import type { Author, WriteContext } from './write-context';

/**
 * What is wrong with a memory beyond the shape of its fields: what depends on several of them, on the handle or on the store.
 * Looked for in the input as it came, so that these issues come together with those of the shape.
 *
 * @param copied The metadata, copied from the input, where its shape is right.
 */
export async function relatedIssues(
  context: WriteContext,
  { scope }: Author,
  input: unknown,
  copied: Metadata | undefined,
): Promise<{ issues: Issue[]; metadata: Metadata }> {
  if (typeof input !== 'object' || input === null) return { issues: [], metadata: {} };
  const { namespace, vector, embed, validFrom, validTo, metadata = {} } = input as { [field: string]: unknown };
  const issues: Issue[] = [];
  if (namespace === undefined && scope.namespace === undefined) {
    const message = 'is missing: give one, or use a handle that has one. There is no default namespace.';
    issues.push({ path: ['namespace'], message });
  }
  if (vector instanceof Float32Array) issues.push(...context.embedder.vectorIssues(vector, ['vector']));
  if (vector !== undefined && embed === false) {
    issues.push({ path: ['embed'], message: 'is false, yet there is a vector: leave one of them out.' });
  }
  const [from, to] = [toEpochMs(validFrom), toEpochMs(validTo)];
  if (from !== undefined && to !== undefined && to <= from) {
    issues.push({ path: ['validTo'], message: 'must be later than validFrom.' });
  }
  const json = copied ?? (isJsonObject(metadata) ? metadata : undefined);
  if (json === undefined) return { issues, metadata: {} };
  const checked = await checkedMetadata(context.metadataSchema, json, context.limits.metadataBytes);
  return { issues: [...issues, ...checked.issues], metadata: checked.metadata };
}

function isJsonObject(metadata: unknown): metadata is Metadata {
  return typeof metadata === 'object' && metadata !== null && isPlain(metadata) && jsonIssues(metadata).length === 0;
}
