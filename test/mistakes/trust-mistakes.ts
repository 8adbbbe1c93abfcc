import { type Mistake, mistake } from './mistake';

/** Mistakes in the trust of memories. */
export const trustMistakes: readonly Mistake[] = [
  mistake(
    'trust: the highest for the lowest',
    'state/apply/trust.ts',
    'return a < b ? a : b;',
    'return a > b ? a : b;',
  ),
  mistake(
    'trust: a ceiling kept past a change',
    'state/apply/ceiling-lookup.ts',
    'if (policy !== this.#known) this.clear();',
    'if (this.#known === undefined) this.clear();',
  ),
  mistake(
    'trust: columns that do not follow a change of a ceiling',
    'state/read-model.ts',
    'if (this.policy.ceilingsText !== this.#ceilingsText) {',
    "if (this.policy.ceilingsText === 'never') {",
  ),
  mistake(
    'trust: ignored by the second check',
    'recall/recheck.ts',
    'return isAllowed && isTrustedEnough(',
    'return isAllowed || isTrustedEnough(',
  ),
  mistake(
    'trust: ignored by SQL',
    'state/queries/selection-sql.ts',
    'if (trusted.columns.hasBelow(trusted.least)) {',
    'if (trusted === undefined) {',
  ),
  mistake(
    'trust: ignored by the sets in RAM',
    'recall/visible-set.ts',
    'if (needsTrust && (trust[row] as number) <= least) return false;',
    '',
  ),
  mistake(
    'trust: that of sources ignored',
    'state/apply/trust.ts',
    'if (tables.derivations.isEmpty) return trust;',
    'if (tables !== undefined) return trust;',
  ),
  mistake(
    'trust: the ceilings of contributors ignored',
    'state/apply/trust.ts',
    'for (const actor of contributors.ofRow(record.row)) trust =',
    'for (const actor of contributors.ofRow(0)) trust =',
  ),
  mistake(
    'trust: a more trusted memory changed',
    'access/trust-floor.ts',
    "return policy.ceilingsText === '' ||",
    "return policy.ceilingsText !== 'never' ||",
  ),
];
