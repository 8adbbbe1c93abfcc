import { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Checkpoint } from '../audit/checkpoint';
import type { Limits } from '../domain/limits';
import { issuesOf } from '../domain/parse/parse';
import { declarationShape } from '../domain/parse/parse-declaration';
import { labelChangeShape, newMemoryShape, patchShape } from '../domain/parse/parse-memory';
import { principalShape } from '../domain/parse/parse-principal';
import { scopeShape, selectionShape } from '../domain/parse/parse-selection';
import {
  action,
  fields,
  flag,
  name,
  namespace,
  present,
  progressListener,
  revision,
  signal,
  time,
  unitInterval,
  vector,
} from '../domain/parse/shapes';
import type { ReembedProgress } from '../reembedding/reembedding';

const maxListLimit = 1_000;
const maxBatchSize = 10_000;

/** The shapes of everything that a caller hands to a store, made once for its limits. */
export function callShapes(limits: Limits) {
  const selection = selectionShape(limits);
  const scope = scopeShape(limits);
  const call = { signal: signal.optional() };
  const long = { ...call, onProgress: progressListener.optional() };
  return {
    principal: principalShape(limits),
    scope: fields(scope),
    newMemory: newMemoryShape(limits),
    /** Looks at nothing else. */
    namespaceOf: z.object({ namespace: namespace(limits).optional() }),
    patch: patchShape(limits),
    relabelling: labelChangeShape(limits),
    declaration: declarationShape(limits),
    items: z.custom<Iterable<never> | AsyncIterable<never>>(isIterable, {
      error: 'must be an iterable or an async iterable.',
    }),
    id: name(limits),
    address: address(limits),
    query: z.string({ error: 'must be a string.' }).check((ctx) => {
      const bytes = Buffer.byteLength(ctx.value);
      if (ctx.value.trim() === '') ctx.issues.push({ code: 'custom', message: 'must not be empty.', input: ctx.value });
      if (bytes > limits.textBytes) {
        ctx.issues.push({
          code: 'custom',
          message: `has ${bytes} bytes, at most ${limits.textBytes} are allowed.`,
          input: ctx.value,
        });
      }
    }),
    call: fields(call),
    long: fields(long),
    many: fields({ ...long, atomic: flag.optional(), batchSize: whole(1, maxBatchSize).optional() }),
    change: fields({ ...call, ifRevision: revision.optional() }),
    recall: fields({
      ...selection,
      topK: whole(1, limits.topK).optional(),
      mode: z
        .enum(['hybrid', 'semantic', 'keyword'], { error: "must be 'hybrid', 'semantic' or 'keyword'." })
        .optional(),
      threshold: unitInterval.optional(),
      explain: flag.optional(),
      vector: vector.optional(),
    }),
    /** Looks at nothing but the vector: what else is wrong, the shape of recall tells. */
    queryVector: (dimensions: number) =>
      z.unknown().check((ctx) => {
        const given = (ctx.value as { vector?: unknown } | undefined)?.vector;
        if (!(given instanceof Float32Array) || given.length === dimensions) return;
        const message = `has ${given.length} numbers; vectors of this store have ${dimensions}.`;
        ctx.issues.push({ code: 'custom', message, path: ['vector'], input: given });
      }),
    list: fields({
      ...selection,
      limit: whole(1, maxListLimit).optional(),
      cursor: z.string({ error: 'must be a cursor of an earlier page.' }).optional(),
      orderBy: z.enum(['createdAt', 'validFrom'], { error: "must be 'createdAt' or 'validFrom'." }).optional(),
      order: z.enum(['newest', 'oldest'], { error: "must be 'newest' or 'oldest'." }).optional(),
    }),
    selection: fields(selection),
    forgetWhere: fields({ ...long, dryRun: flag }),
    namespaces: fields({
      ...call,
      within: present(namespace(limits)),
      maxDepth: whole(1, limits.namespaceDepth).optional(),
      filter: selection.filter,
    }),
    rules: fields({ ...call, within: present(namespace(limits)), ended: flag.optional() }),
    question: fields({
      principal: principalShape(limits),
      action,
      id: name(limits).optional(),
      namespace: namespace(limits).optional(),
    }).check((ctx) => {
      if ((ctx.value.id === undefined) !== (ctx.value.namespace === undefined)) return;
      ctx.issues.push({ code: 'custom', message: 'must have an id or a namespace, and not both.', input: ctx.value });
    }),
    watch: fields({ ...scope, ...call, since: z.string({ error: "must be 'now', 'start' or a cursor." }).optional() }),
    auditQuery: fields({
      ...call,
      id: present(name(limits)),
      userId: present(name(limits)),
      by: present(principalShape(limits)),
      action: present(
        z.union([name(limits), z.array(name(limits))], { error: 'must be an action, or a list of them.' }),
      ),
      decision: z.enum(['allowed', 'refused'], { error: "must be 'allowed' or 'refused'." }).optional(),
      within: present(namespace(limits)),
      since: present(time),
      until: present(time),
      limit: whole(1, maxListLimit).optional(),
      cursor: z.string({ error: 'must be a cursor of an earlier page.' }).optional(),
      order: z.enum(['newest', 'oldest'], { error: "must be 'newest' or 'oldest'." }).optional(),
    }),
    auditVerify: fields({
      ...long,
      head: z
        .union([checkpoint, z.array(checkpoint)], { error: 'must be a checkpoint, or a list of them.' })
        .optional(),
      publicKey: key.optional(),
    }),
    auditRetain: fields({ since: time }),
    backup: fields(long),
    reembed: fields({
      ...call,
      onProgress: z
        .custom<(progress: ReembedProgress) => void>((value) => typeof value === 'function', {
          error: 'must be a function.',
        })
        .optional(),
      batchSize: whole(1, maxBatchSize).optional(),
      maxPerSecond: z
        .number({ error: 'must be a number above 0.' })
        .positive({ error: 'must be a number above 0.' })
        .optional(),
    }),
    verify: fields({ ...long, repair: flag.optional() }),
  };
}

/** An Ed25519 key: which kind is looked at where it is used. */
export const key = z.union([z.string(), z.custom<KeyObject>((value) => value instanceof KeyObject)], {
  error: 'must be a KeyObject, or a PEM.',
});

const checkpoint = z.custom<Checkpoint>(
  (value) => typeof value === 'object' && value !== null && typeof (value as Checkpoint).note === 'string',
  { error: 'must be a checkpoint as it was handed out.' },
);

export type CallShapes = ReturnType<typeof callShapes>;

/** An id or a key in its namespace: whichever it is meant to be, its issues are told. */
function address(limits: Limits) {
  const [id, byKey] = [name(limits), fields({ namespace: namespace(limits), key: name(limits) })];
  return z.unknown().transform((value, ctx): z.output<typeof id> | z.output<typeof byKey> => {
    const shape = typeof value === 'object' && value !== null ? byKey : id;
    const result = (shape as typeof id | typeof byKey).safeParse(value);
    if (result.success) return result.data;
    const isNeither = shape === id && typeof value !== 'string';
    const issues = isNeither
      ? [{ path: [], message: 'must be an id, or { namespace, key }.' }]
      : issuesOf(result.error);
    for (const { path, message } of issues) ctx.issues.push({ code: 'custom', message, path: [...path], input: value });
    return z.NEVER;
  });
}

function isIterable(items: unknown): boolean {
  return typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items);
}

function whole(least: number, most: number) {
  const error = `must be a whole number in ${least}..${most}.`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}
