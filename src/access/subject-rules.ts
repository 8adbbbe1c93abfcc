import { isClearance, isRule, type StoredDeclaration } from '../domain/declaration';
import type { Namespace } from '../domain/namespace';
import { type Action, actions } from '../domain/rule';

/** A set of actions as bits. */
export type ActionBits = number;

const bitOf = new Map(actions.map((action, i) => [action, 1 << i]));

export function bitsOf(some: Iterable<Action>): ActionBits {
  let bits = 0;
  for (const action of some) bits |= bitOf.get(action) as number;
  return bits;
}

interface Place {
  allowed: ActionBits;
  denied: ActionBits;
  readonly cleared: Set<string>;
  readonly declared: StoredDeclaration[];
  readonly below: Map<string, Place>;
}

/**
 * What is declared about one subject, as a tree of labels: a question walks down the labels of a namespace, however many rules
 * there are. Never changed once it is made: where it is the same object, the subject's rules are the same.
 */
export class SubjectRules {
  readonly #root = newPlace();
  readonly declared: readonly StoredDeclaration[];

  /** @param actionsOf The actions of a rule, its role resolved. */
  constructor(
    declared: readonly StoredDeclaration[],
    actionsOf: (rule: string | readonly Action[]) => readonly Action[],
  ) {
    this.declared = declared;
    for (const each of declared) {
      const { declaration } = each;
      if (!isRule(declaration) && !isClearance(declaration)) continue;
      const place = this.#placeAt(declaration.at);
      place.declared.push(each);
      if (isClearance(declaration)) place.cleared.add(declaration.clear);
      else if (declaration.effect === 'allow') place.allowed |= bitsOf(actionsOf(declaration.actions));
      else place.denied |= bitsOf(actionsOf(declaration.actions));
    }
  }

  /** 'deny' where any rule at the namespace or above denies, 'allow' where one allows and none denies. */
  decide(action: ActionBits, namespace: Namespace): 'allow' | 'deny' | 'silent' {
    let place: Place | undefined = this.#root;
    let allowed = 0;
    for (let depth = 0; place !== undefined; depth++) {
      if ((place.denied & action) !== 0) return 'deny';
      allowed |= place.allowed;
      place = depth < namespace.length ? place.below.get(namespace[depth] as string) : undefined;
    }
    return (allowed & action) === 0 ? 'silent' : 'allow';
  }

  isCleared(accessTag: string, namespace: Namespace): boolean {
    let place: Place | undefined = this.#root;
    for (let depth = 0; place !== undefined; depth++) {
      if (place.cleared.has(accessTag)) return true;
      place = depth < namespace.length ? place.below.get(namespace[depth] as string) : undefined;
    }
    return false;
  }

  /** Whether anything below the namespace, or at it, denies one of these actions. */
  deniesBelow(some: ActionBits, namespace: Namespace): boolean {
    let place: Place | undefined = this.#root;
    for (const label of namespace) place = place?.below.get(label);
    return place !== undefined && deniesSome(place, some);
  }

  /** Everything that is declared at the namespace or above. */
  at(namespace: Namespace): StoredDeclaration[] {
    const found: StoredDeclaration[] = [];
    this.#walk(namespace, (place) => {
      for (const each of place.declared) found.push(each);
    });
    return found;
  }

  #walk(namespace: Namespace, visit: (place: Place) => void): void {
    let place: Place | undefined = this.#root;
    visit(place);
    for (const label of namespace) {
      place = place.below.get(label);
      if (place === undefined) return;
      visit(place);
    }
  }

  #placeAt(namespace: Namespace): Place {
    let place = this.#root;
    for (const label of namespace) {
      const next = place.below.get(label) ?? newPlace();
      place.below.set(label, next);
      place = next;
    }
    return place;
  }
}

function newPlace(): Place {
  return { allowed: 0, denied: 0, cleared: new Set(), declared: [], below: new Map() };
}

function deniesSome(place: Place, some: ActionBits): boolean {
  if ((place.denied & some) !== 0) return true;
  for (const below of place.below.values()) if (deniesSome(below, some)) return true;
  return false;
}
