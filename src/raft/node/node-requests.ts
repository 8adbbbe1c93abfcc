import type { NodeId } from '../core/node-id';
import type { MemberChange } from './raft-link';

/** What nodes ask each other, beside the messages of the consensus. `user`: the answer is up to `RaftUser.answer`. */
export type NodeRequest =
  | { readonly ask: 'status' }
  /** `isForwarded`: the node that gets it must lead, and not send it on. */
  | { readonly ask: 'change'; readonly change: MemberChange; readonly isForwarded?: boolean }
  | { readonly ask: 'transfer'; readonly to?: NodeId }
  | { readonly ask: 'user'; readonly request: unknown };

/** Converts a request or an answer to bytes. */
export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value ?? null));
}

/** Converts bytes to what another node has sent. */
export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString());
}

/** Checks a request of another node, which may run another release. Undefined if it asks nothing that this release knows. */
export function requestOf(value: unknown): NodeRequest | undefined {
  const { ask, change, isForwarded, to, request } = Object(value) as Record<string, unknown>;
  switch (ask) {
    case 'status':
      return { ask };
    case 'change':
      return isChange(change) ? { ask, change, isForwarded: isForwarded === true } : undefined;
    case 'transfer':
      if (to !== undefined && !Number.isSafeInteger(to)) return undefined;
      return to === undefined ? { ask } : { ask, to: to as NodeId };
    case 'user':
      return { ask, request };
    default:
      return undefined;
  }
}

function isChange(value: unknown): value is MemberChange {
  const { kind, node, address } = Object(value) as Record<string, unknown>;
  if (!Number.isSafeInteger(node) || (node as number) < 1) return false;
  if (kind === 'add') return typeof address === 'string' && address.length > 0;
  return kind === 'promote' || kind === 'demote' || kind === 'remove';
}
