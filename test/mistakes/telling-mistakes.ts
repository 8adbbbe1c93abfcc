import { type Mistake, mistake } from './mistake';

/** What is told to those who look after a part of the store, and what is delivered later than it was read. */
export const tellingMistakes: readonly Mistake[] = [
  mistake(
    'audit of a part: numbers that count what others do',
    'store/audit-view.ts',
    '...(this.#isWhole ? { seq,',
    '...(this.#isWhole || seq > 0 ? { seq,',
  ),
  mistake(
    'audit of a part: what was done elsewhere',
    'store/audit-view.ts',
    "return contains(this.#within, namespace) && mayIn(this.#engine.state.policy, this.#actor, 'audit', namespace);",
    'return contains(this.#within, namespace);',
  ),
  mistake(
    'audit of a part: silent about what was asked here and lies elsewhere',
    'store/audit-view.ts',
    'if (memories.length === 0 && (',
    'if (memories.length === 0 && (entry.touched.length > 0 || ',
  ),
  mistake(
    'administrator of a part: told the names of groups',
    'state/apply/apply-declaration.ts',
    ' && maySee(policy, governor, each));',
    ' && governor !== undefined);',
  ),
  mistake(
    'list: what was read with a page is shown though rules changed',
    'store/list-query.ts',
    'this.#following.version() === version ? item',
    'version !== undefined ? item',
  ),
];
