import { auditMistakes } from './audit-mistakes';
import { countingMistakes } from './counting-mistakes';
import { erasureMistakes } from './erasure-mistakes';
import { incidentMistakes } from './incident-mistakes';
import type { Mistake } from './mistake';
import { readingMistakes } from './reading-mistakes';
import { retentionMistakes } from './retention-mistakes';
import { ruleMistakes } from './rule-mistakes';
import { trustMistakes } from './trust-mistakes';

import { writingMistakes } from './writing-mistakes';

/** Every mistake that is planted, one at a time. */
export const mistakes: readonly Mistake[] = [
  ...readingMistakes,
  ...countingMistakes,
  ...ruleMistakes,
  ...writingMistakes,
  ...auditMistakes,
  ...incidentMistakes,
  ...trustMistakes,
  ...retentionMistakes,
  ...erasureMistakes,
];
