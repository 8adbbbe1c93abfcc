import fc from 'fast-check';
import type { Member, Principal } from 'multi-agent-memory';
import type { Who } from './reference';

/** Namespaces that a comparison of joined strings, of prefixes or of labels at another depth would confuse. */
export const namespaces: readonly (readonly string[])[] = [
  ['acme'],
  ['acme', 'sales'],
  ['acme', 'sales', 'eu'],
  [],
  ['acme-corp'],
  ['acme', 'sal'],
  ['acme/sales'],
  ['acme\u0000sales'],
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
/** The first three are one agent for two users, and alone. */
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
// Names that are principals', the built-in subject's and the built-in role's too.
export const groupNames = ['ann', 'everyone'];
export const roleNames = ['keeper', 'ann'];

/** Mostly what is early in the list. */
export function mostly<T>(list: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(...list.map((value, i) => ({ weight: Math.max(1, 8 - 2 * i), arbitrary: fc.constant(value) })));
}

export const namespace = mostly(namespaces);
