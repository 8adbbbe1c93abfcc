import { type Mistake, mistake } from './mistake';

/** Each shows an auditor or administrator of one namespace something of another, or delivers what is no longer readable. */
export const auditMistakes: readonly Mistake[] = [
  mistake(
    'audit of one namespace: numbers that count what others do',
    'store/audit-view.ts',
    '...(this.#auditsWholeStore ? { seq,',
    '...(this.#auditsWholeStore || seq > 0 ? { seq,',
  ),
  mistake(
    'audit of one namespace: entries about other namespaces',
    'store/audit-view.ts',
    "return contains(this.#within, namespace) && mayIn(this.#deps.state.policy, this.#actor, 'audit', namespace);",
    'return contains(this.#within, namespace);',
  ),
  mistake(
    'audit of one namespace: no entry for a call here that touched memories elsewhere',
    'store/audit-view.ts',
    'if (memories.length === 0 && (',
    'if (memories.length === 0 && (entry.touched.length > 0 || ',
  ),
  mistake(
    'audit: shows legal holds to those who may not erase',
    'store/audit-view.ts',
    'if (isAboutHolds(entry.action) && !this.#mayKnowOfHolds) return undefined;',
    'void [isAboutHolds, this.#mayKnowOfHolds];',
  ),
  mistake(
    'administrator of one namespace: learns the names of groups',
    'state/apply/apply-declaration.ts',
    ' && maySeeDeclaration(policy, caller, each));',
    ' && caller !== undefined);',
  ),
  mistake(
    'list: yields items of a page although rules changed since it was read',
    'store/list-query.ts',
    'this.#items.version() === version ? item',
    'version !== undefined ? item',
  ),
];
