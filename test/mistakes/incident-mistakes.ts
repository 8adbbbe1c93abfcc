import { type Mistake, mistake } from './mistake';

const closure = 'state/queries/containment-queries.ts';
const containment = 'state/apply/apply-containment.ts';

/** Each leaves something contained where others read it, or loses what a release or a revert must bring back. */
export const incidentMistakes: readonly Mistake[] = [
  mistake(
    'contain: a derived fact left active',
    closure,
    'for (const derived of derivations.bySource(row))',
    'for (const derived of derivations.bySource(row).slice(1))',
  ),
  mistake(
    'contain: by the agent half only',
    closure,
    'partiesOf(actor).some((party) =>',
    'partiesOf(actor).slice(0, 1).some((party) =>',
  ),
  mistake('contain: what a principal changed left active', closure, "reasons.set(change.row, 'changed')", 'void 0'),
  mistake(
    'contain: what superseded a contained memory left active',
    closure,
    "if (withHost || !isByHost) reasons.set(superseding.row, 'superseding');",
    'void withHost; void isByHost;',
  ),
  mistake(
    'contain: a key brings its memory out of quarantine',
    'state/apply/apply-remember.ts',
    "keyed.state === 'quarantined' ? keyed.state : ('active' as const)",
    "'active' as const",
  ),
  mistake(
    'release: what was superseded becomes active',
    containment,
    "? 'active' : line.state }",
    "? 'active' : 'active' }",
  ),
  mistake(
    'revert: over what somebody else wrote since',
    'state/queries/revert-plan.ts',
    "if (!writers.every(isUndone)) return 'changed since';",
    'void isUndone;',
  ),
];
