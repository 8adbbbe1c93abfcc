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

/** What is declared at one namespace. */
interface LabelNode {
  allowed: ActionBits;
  denied: ActionBits;
  readonly cleared: Set<string>;
  readonly declared: StoredDeclaration[];
  readonly children: Map<string, LabelNode>;
}

/**
 * The declarations about one subject, as a tree of labels. A decision walks down the labels of a namespace, so that it costs
 * the same however many rules there are. Immutable: the same object means that the subject's rules are the same.
 */
export class SubjectRules {
  readonly #root = newNode();
  readonly declared: readonly StoredDeclaration[];

  /** @param actionsOf Returns the actions of a rule, with its role resolved. */
  constructor(
    declared: readonly StoredDeclaration[],
    actionsOf: (rule: string | readonly Action[]) => readonly Action[],
  ) {
    this.declared = declared;
    for (const each of declared) {
      const { declaration } = each;
      if (!isRule(declaration) && !isClearance(declaration)) continue;
      const node = this.#nodeAt(declaration.at);
      node.declared.push(each);
      if (isClearance(declaration)) node.cleared.add(declaration.clear);
      else if (declaration.effect === 'allow') node.allowed |= bitsOf(actionsOf(declaration.actions));
      else node.denied |= bitsOf(actionsOf(declaration.actions));
    }
  }

  /** 'deny' if a rule at the namespace or above denies the action, 'allow' if one allows it and none denies it. */
  decide(action: ActionBits, namespace: Namespace): 'allow' | 'deny' | 'undecided' {
    let node: LabelNode | undefined = this.#root;
    let allowed = 0;
    for (let depth = 0; node !== undefined; depth++) {
      if ((node.denied & action) !== 0) return 'deny';
      allowed |= node.allowed;
      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;
    }
    return (allowed & action) === 0 ? 'undecided' : 'allow';
  }

  isCleared(accessTag: string, namespace: Namespace): boolean {
    let node: LabelNode | undefined = this.#root;
    for (let depth = 0; node !== undefined; depth++) {
      if (node.cleared.has(accessTag)) return true;
      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;
    }
    return false;
  }

  /** Whether a rule at the namespace or below denies one of these actions. */
  deniesBelow(some: ActionBits, namespace: Namespace): boolean {
    let node: LabelNode | undefined = this.#root;
    for (const label of namespace) node = node?.children.get(label);
    return node !== undefined && deniesSome(node, some);
  }

  /** The declarations at the namespace or above. */
  at(namespace: Namespace): StoredDeclaration[] {
    const found: StoredDeclaration[] = [];
    this.#walk(namespace, (node) => {
      for (const each of node.declared) found.push(each);
    });
    return found;
  }

  #walk(namespace: Namespace, visit: (node: LabelNode) => void): void {
    let node: LabelNode | undefined = this.#root;
    visit(node);
    for (const label of namespace) {
      node = node.children.get(label);
      if (node === undefined) return;
      visit(node);
    }
  }

  #nodeAt(namespace: Namespace): LabelNode {
    let node = this.#root;
    for (const label of namespace) {
      const next = node.children.get(label) ?? newNode();
      node.children.set(label, next);
      node = next;
    }
    return node;
  }
}

function newNode(): LabelNode {
  return { allowed: 0, denied: 0, cleared: new Set(), declared: [], children: new Map() };
}

function deniesSome(node: LabelNode, some: ActionBits): boolean {
  if ((node.denied & some) !== 0) return true;
  for (const child of node.children.values()) if (deniesSome(child, some)) return true;
  return false;
}
