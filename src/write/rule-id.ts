import { createHash } from 'node:crypto';
import { canonicalText, type Declaration } from '../domain/declaration';
import type { Environment } from '../environment/environment';

/** An id for a declaration that says nothing of how many there are, and is the same in every run of a fixture. */
export function newRuleId(
  { randomBytes }: Pick<Environment, 'randomBytes'>,
  at: number,
  declaration: Declaration,
): string {
  const hash = createHash('sha256')
    .update(randomBytes(16))
    .update(JSON.stringify([at, canonicalText(declaration)]));
  return `rule-${hash.digest('hex').slice(0, 16)}`;
}
