import { createHmac } from 'node:crypto';
import type { ErasureSubject, ErasureTarget } from '../../domain/erasure';
import { normalName } from '../../domain/names';
import type { Namespace } from '../../domain/namespace';
import type { Actor } from '../../domain/principal';

/**
 * Computes the hash that stands for a user in erasures and their receipts. Without the secret of the store nobody can find out for whom it
 * stands, or whether it stands for a given user.
 *
 * @param storeKey The secret of the store.
 */
export function hashUser(storeKey: Uint8Array, userId: string): string {
  return hashOf(storeKey, ['erased user', normalName(userId)]);
}

function hashNamespace(storeKey: Uint8Array, namespace: Namespace): string {
  return hashOf(storeKey, ['erased namespace', ...namespace.map(normalName)]);
}

function hashOf(storeKey: Uint8Array, values: readonly string[]): string {
  return createHmac('sha256', storeKey).update(JSON.stringify(values)).digest('base64url');
}

/** The subject of an erasure without its name. Undefined if the erasure is about some memories by their ids. */
export function subjectOf(storeKey: Uint8Array, target: ErasureTarget): ErasureSubject | undefined {
  if ('userId' in target) return { kind: 'user', hash: hashUser(storeKey, target.userId), depth: 0 };
  if ('ids' in target) return undefined;
  const { namespace } = target;
  return { kind: 'namespace', hash: hashNamespace(storeKey, namespace), depth: namespace.length };
}

/** Finds the names that stand for the subject of an erasure. It computes the hash of each name once. */
export class SubjectNames {
  readonly #storeKey: Uint8Array;
  readonly #subject: ErasureSubject;
  readonly #known = new Map<string, boolean>();

  constructor(storeKey: Uint8Array, subject: ErasureSubject) {
    this.#storeKey = storeKey;
    this.#subject = subject;
  }

  isUser(userId: string): boolean {
    return this.#subject.kind === 'user' && this.#is(userId, () => hashUser(this.#storeKey, userId));
  }

  /** Checks whether an actor is the user, or acts on its behalf. */
  isActor({ party, onBehalfOf }: Actor): boolean {
    const isParty = party !== 'root' && party.kind === 'user' && this.isUser(party.id);
    return isParty || (onBehalfOf !== undefined && this.isUser(onBehalfOf.id));
  }

  /** Checks whether a namespace is the erased one, or is below it. */
  isWithin(namespace: Namespace): boolean {
    const { kind, depth } = this.#subject;
    if (kind !== 'namespace' || namespace.length < depth) return false;
    const ancestor = namespace.slice(0, depth);
    return this.#is(JSON.stringify(ancestor), () => hashNamespace(this.#storeKey, ancestor));
  }

  #is(name: string, hash: () => string): boolean {
    const known = this.#known.get(name) ?? hash() === this.#subject.hash;
    this.#known.set(name, known);
    return known;
  }
}
