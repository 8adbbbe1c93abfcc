import { z } from 'zod';
import type { LabelChange } from '../command';
import type { Metadata } from '../json';
import type { Limits } from '../limits';
import { memoryKinds, sourceChannels } from '../memory';
import { copiedJson, jsonIssues } from './parse-json';
import { fields, name, names, namespace, present, signal, time, unitInterval, vector } from './shapes';

function text({ textBytes }: Limits) {
  return z.string({ error: 'must be a string.' }).check((ctx) => {
    const bytes = Buffer.byteLength(ctx.value);
    const message =
      ctx.value.trim() === ''
        ? 'must not be empty.'
        : bytes > textBytes
          ? `has ${bytes} bytes, at most ${textBytes} are allowed.`
          : undefined;
    if (message !== undefined) ctx.issues.push({ code: 'custom', message, input: ctx.value });
  });
}

function metadata({ metadataBytes }: Limits) {
  return z.unknown().transform((value, ctx): Metadata => {
    const object = typeof value === 'object' && value !== null && !Array.isArray(value);
    const issues = object ? jsonIssues(value) : [{ path: [], message: 'must be an object of JSON values.' }];
    for (const { path, message } of issues) ctx.issues.push({ code: 'custom', message, path: [...path], input: value });
    if (issues.length > 0) return z.NEVER;
    const copy = copiedJson(value as Metadata);
    const bytes = Buffer.byteLength(JSON.stringify(copy));
    if (bytes > metadataBytes) {
      ctx.issues.push({
        code: 'custom',
        message: `has ${bytes} bytes as JSON, at most ${metadataBytes} are allowed.`,
        input: value,
      });
    }
    // A copy: what the caller does to its object later must not reach the store.
    return copy;
  });
}

const visibility = z.enum(['shared', 'private'], { error: "must be 'shared' or 'private'." });

function settable(limits: Limits) {
  return {
    kind: z
      .enum(memoryKinds as ['episodic', 'semantic', 'procedural', 'summary'], {
        error: `must be one of ${memoryKinds.join(', ')}.`,
      })
      .optional(),
    tags: names(limits).optional(),
    priority: unitInterval.optional(),
    metadata: metadata(limits).optional(),
    validFrom: time.optional(),
    validTo: time.optional(),
    expiresAt: time.optional(),
  };
}

/** What `remember` takes, with times as epoch milliseconds and metadata copied. */
export function newMemoryShape(limits: Limits) {
  const source = fields({
    channel: z.enum(sourceChannels as ['user', 'agent', 'tool', 'document', 'import', 'consolidation'], {
      error: `must be one of ${sourceChannels.join(', ')}.`,
    }),
    ref: name(limits).optional(),
  });
  return fields({
    text: text(limits),
    ...settable(limits),
    namespace: namespace(limits).optional(),
    // Undefined by mistake, they must not show to all what was meant for few.
    visibility: present(visibility),
    accessTags: present(names(limits)),
    userId: name(limits).optional(),
    sessionId: name(limits).optional(),
    source: source.optional(),
    supersedes: name(limits).optional(),
    key: name(limits).optional(),
    idempotencyKey: name(limits).optional(),
    vector: vector.optional(),
    embed: z.literal(false, { error: 'can only be false, or left out.' }).optional(),
    signal: signal.optional(),
  });
}

export type ParsedMemory = z.output<ReturnType<typeof newMemoryShape>>;

/** What `update` changes. `null` clears a field: it goes back to its default. */
export function patchShape(limits: Limits) {
  const fieldsOf = settable(limits);
  return fields({
    text: text(limits).optional(),
    kind: fieldsOf.kind.nullable(),
    tags: fieldsOf.tags.nullable(),
    priority: fieldsOf.priority.nullable(),
    metadata: z.nullable(metadata(limits)).optional(),
    validFrom: z.union([z.null(), time]).optional(),
    validTo: z.union([z.null(), time]).optional(),
    expiresAt: z.union([z.null(), time]).optional(),
  }).check((ctx) => {
    if (Object.values(ctx.value).every((value) => value === undefined)) {
      ctx.issues.push({ code: 'custom', message: 'must change something.', input: ctx.value });
    }
  });
}

export type ParsedPatch = z.output<ReturnType<typeof patchShape>>;

/** What `share` changes. */
export function labelChangeShape(limits: Limits) {
  return fields({
    visibility: present(visibility),
    namespace: present(namespace(limits)),
    accessTags: present(names(limits)),
  })
    .check((ctx) => {
      if (Object.values(ctx.value).every((value) => value === undefined)) {
        ctx.issues.push({ code: 'custom', message: 'must change something.', input: ctx.value });
      }
    })
    .transform(
      (change) => Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as LabelChange,
    );
}
