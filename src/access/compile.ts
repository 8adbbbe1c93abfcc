import { contains, type Namespace } from '../domain/namespace';
import { type Actor, isRoot } from '../domain/principal';
import { decideBy, isClearedBy, rulesOf } from './authorise';
import type { Policy } from './policy';
import { bitsOf } from './subject-rules';

/** What an actor may read, as numbers: a row is readable when its scope is among these and its owner is 0 or the actor. */
export interface Readable {
  /** 1 at the number of each scope that is readable. */
  readonly mask: Uint8Array;
  readonly scopes: readonly number[];
  /** The actor's own number, or 'any' for root. A number that no author has where the actor never wrote. */
  readonly owner: number | 'any';
}

/** What compiling needs to know of the store. Scopes are numbered from 1. */
export interface Scopes {
  readonly scopeCount: number;
  scope(id: number): { readonly namespace: Namespace; readonly accessTags: readonly string[] };
  findActor(actor: Actor): number | undefined;
}

// Owner numbers begin at 1 and 0 means shared, so that this one owns nothing.
const nobody = -1;

const nothingYet: Pick<Readable, 'mask' | 'scopes'> = { mask: new Uint8Array(1), scopes: [] };

/**
 * Compiles an actor's rules, bounded by a namespace, to the scopes that it may read.
 *
 * @param known What the same rules gave when there were fewer scopes: only the new ones are looked at.
 */
export function compileReadable(
  policy: Policy,
  actor: Actor,
  within: Namespace,
  scopes: Scopes,
  known = nothingYet,
): Readable {
  const mask = new Uint8Array(scopes.scopeCount + 1);
  mask.set(known.mask);
  const list = [...known.scopes];
  // Scopes of one namespace share its labels: it is decided on once.
  const decided = new Map<Namespace, boolean>();
  const rules = rulesOf(policy, actor);
  const read = bitsOf(['read']);
  for (let id = known.mask.length; id <= scopes.scopeCount; id++) {
    const { namespace, accessTags } = scopes.scope(id);
    const isOpen =
      decided.get(namespace) ?? (contains(within, namespace) && decideBy(rules, read, namespace) === 'allow');
    decided.set(namespace, isOpen);
    if (!isOpen || !isClearedBy(rules, accessTags, namespace)) continue;
    mask[id] = 1;
    list.push(id);
  }
  const owner = isRoot(actor) ? 'any' : (scopes.findActor(actor) ?? nobody);
  return { mask, scopes: list, owner };
}
