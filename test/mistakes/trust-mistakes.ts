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
    'trust: an endorsement above the ceiling of its principal',
    'state/apply/apply-endorse.ts',
    'if (level > ceiling) {',
    'if (level > 3) {',
  ),
  mistake(
    'trust: an endorsement that outlives the ceiling of its principal',
    'state/apply/trust.ts',
    'trust = higher(trust, lower(each.trust, ceilings.ofActor(each.actor, label_set)));',
    'trust = higher(trust, each.trust);',
  ),
  mistake(
    'trust: an endorsement without the right',
    'state/apply/apply-endorse.ts',
    "if (!mayIn(policy, actor, 'endorse', namespace)) {",
    "if (!mayIn(policy, actor, 'read', namespace)) {",
  ),
  mistake(
    'trust: an endorsement that an update does not end',
    'state/apply/apply-update.ts',
    'context.endorsements.deleteOfRow(record.row);',
    '',
  ),
  mistake(
    'trust: an endorsement that columns do not follow',
    'state/trust-pass.ts',
    'raiseByEndorsements(tables, trust);',
    '',
  ),
  mistake(
    'trust: a more trusted memory changed',
    'access/trust-floor.ts',
    "return policy.ceilingsText === '' ||",
    "return policy.ceilingsText !== 'never' ||",
  ),
  mistake(
    'cap: by agent only',
    'recall/source-cap.ts',
    'areAllNamed || policy.isNamed(party, namespace) ?',
    'policy !== undefined ?',
  ),
  mistake(
    'cap: without the user on whose behalf',
    'recall/source-cap.ts',
    'partiesOf(interning.actor(author)).map(nameOf)',
    'partiesOf(interning.actor(author)).slice(0, 1).map(nameOf)',
  ),
  mistake(
    'cap: trusted memories limited',
    'recall/source-cap.ts',
    'return !this.isDefault || !this.#isTrusted(row);',
    'return !this.isDefault || row > 0;',
  ),
  mistake(
    'distinct: a less trusted copy stands for a more trusted one',
    'recall/hit-selection.ts',
    "const mayStand = relation !== 'less' && trust >= 0;",
    "const mayStand = relation !== 'less' && trust >= -3;",
  ),
  mistake(
    'distinct: a more trusted copy is left out',
    'recall/hit-selection.ts',
    "const mayBeLeftOut = relation !== 'more' && trust <= 0;",
    "const mayBeLeftOut = relation !== 'more' && trust <= 3;",
  ),
  mistake(
    'distinct: memories about two users are one',
    'recall/same-statements.ts',
    'const places = [labelSet[record.row], owner[record.row], record.user_id];',
    'const places = [labelSet[record.row], owner[record.row]];',
  ),
  mistake(
    'corroboration: counts what was only reported',
    'recall/corroboration.ts',
    '(trust[row] as number) > standard &&',
    '(trust[row] as number) > 0 &&',
  ),
  mistake(
    'corroboration: counts each name of those that no rule names',
    'recall/corroboration.ts',
    'const source = this.#sources.of(row);',
    'const source = this.#sources.of(row, true);',
  ),
  mistake(
    'corroboration: counts what repeats others',
    'recall/corroboration.ts',
    'return state.derivations.ofRow(record.row).length === 0;',
    'return record !== undefined;',
  ),
  {
    name: 'corroboration: counts what is hidden',
    edits: [
      {
        file: 'recall/corroboration.ts',
        from: 'labelSet[row] === labelSet[record.row] &&',
        to: 'labelSet[row] !== 0 &&',
      },
      {
        file: 'recall/corroboration.ts',
        from: "if (!mayLeave(this.#context, this.#caller, record, 'ordinary')) {",
        to: 'if (state === undefined) {',
      },
      {
        file: 'keyword-index/keyword-index.ts',
        from: 'const { rows, length } = this.#visibleAmong(this.#postings.of(term), texts);',
        to: 'const { rows, length } = this.#postings.of(term);',
      },
    ],
  },
  mistake(
    'consolidation: groups by namespace only',
    'state/source-eligibility.ts',
    'return JSON.stringify([row.label_set, row.owner, row.user_id, row.kind, trust]);',
    'return JSON.stringify([row.label_set !== 0, row.kind, trust !== undefined]);',
  ),
  mistake(
    'consolidation: mixes private memories with shared ones',
    'state/source-eligibility.ts',
    'row.label_set, row.owner, row.user_id,',
    'row.label_set, row.user_id,',
  ),
  mistake('consolidation: mixes trust', 'state/source-eligibility.ts', 'row.kind, trust]);', 'row.kind, trust > 0]);'),
  mistake(
    'consolidation: gives facts no access tags',
    'state/apply/apply-consolidate.ts',
    'const { namespace, accessTags } = interning.labelSet(first.label_set);',
    'const { namespace, accessTags } = { ...interning.labelSet(first.label_set), accessTags: [] };',
  ),
  mistake(
    'consolidation: leads to hidden sources',
    'recall/derivations.ts',
    'const found = checkRecord(context, caller, state.records.uncheckedByRow(row));\n      if (found === undefined) continue;\n      memories',
    'const found = state.records.uncheckedByRow(row);\n      if (found === undefined) continue;\n      memories',
  ),
];
