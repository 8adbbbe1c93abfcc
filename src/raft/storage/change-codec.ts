import type { ConfigurationChange, SingleChange } from '../core/configuration-change';

const transitions: readonly string[] = ['auto', 'joint-implicit', 'joint-explicit'];
const kinds: readonly string[] = ['add-voter', 'add-learner', 'remove', 'update'];

/** Encodes a change of the members. There are few of them, so their form is readable rather than short. */
export function encodeChange({ transition, changes, context }: ConfigurationChange): Uint8Array {
  const encoded = context === undefined ? {} : { context: Buffer.from(context).toString('base64') };
  return Buffer.from(JSON.stringify({ transition, changes, ...encoded }));
}

/** Decodes a change. Undefined if this release did not write it. */
export function decodeChange(bytes: Uint8Array): ConfigurationChange | undefined {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
  if (typeof decoded !== 'object' || decoded === null) return undefined;
  const { transition, changes, context } = decoded as { readonly [key: string]: unknown };
  if (!transitions.includes(transition as string) || !Array.isArray(changes) || !changes.every(isSingleChange))
    return undefined;
  const change = { transition: transition as ConfigurationChange['transition'], changes };
  if (context === undefined) return change;
  return typeof context === 'string'
    ? { ...change, context: new Uint8Array(Buffer.from(context, 'base64')) }
    : undefined;
}

function isSingleChange(value: unknown): value is SingleChange {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, node } = value as { readonly [key: string]: unknown };
  return kinds.includes(kind as string) && Number.isSafeInteger(node);
}
