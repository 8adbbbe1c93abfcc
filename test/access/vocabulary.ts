import fc from 'fast-check';
import type { Member, Principal } from 'multi-agent-memory';
import type { Who } from './reference';

/** Namespaces that an implementation would confuse if it compared joined strings, prefixes, or labels at the wrong depth. */
export const namespaces: readonly (readonly string[])[] = [
  ['acme'],
  ['acme', 'sales'],
  ['acme', 'sales', 'eu'],
  [],
  ['acme-corp'],
  ['acme', 'sal'],
  ['acme/sales'],
  ['acme sales'],
  ['sales'],
  ['sales', 'acme'],
  ['acme","sales'],
  ['["acme"]'],
  ['acme', 'acme'],
];
export const tags: readonly string[] = ['secret', 'pii', 'secret,pii'];
export const keys: readonly string[] = ['k', 'l'];

export const members: readonly Member[] = [
  { agentId: 'ann' },
  { userId: 'ann' },
  { serviceId: 'ann' },
  { agentId: 'bob' },
  { userId: 'uma' },
  { userId: 'bob' },
];
/** The first three are the same agent: on behalf of one user, on behalf of another user, and for itself. */
export const principals: readonly Principal[] = [
  { agentId: 'ann', onBehalfOf: { userId: 'uma' } },
  { agentId: 'ann', onBehalfOf: { userId: 'ann' } },
  { agentId: 'ann' },
  { agentId: 'bob', onBehalfOf: { userId: 'uma' } },
  { userId: 'uma' },
  { userId: 'ann' },
  { serviceId: 'ann' },
  { serviceId: 'ann', onBehalfOf: { userId: 'bob' } },
  { agentId: 'bob' },
];
export const actors: readonly Who[] = [...principals, 'root'];
// These names are also used for principals, for a built-in subject and for a built-in role.
export const groupNames = ['ann', 'everyone'];
export const roleNames = ['keeper', 'ann'];

/** Picks an item from a list. Early items are more frequent. */
export function mostly<T>(list: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(...list.map((value, i) => ({ weight: Math.max(1, 8 - 2 * i), arbitrary: fc.constant(value) })));
}

export const namespace = mostly(namespaces);
