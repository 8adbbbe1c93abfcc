import { MemoryError } from '../../index';

/** @throws INVALID_INPUT for options that nobody knows: they would do nothing, silently. */
export function checkOptions(given: object, known: readonly string[]): void {
  const message = `There is no such option. Known are ${known.join(', ')}.`;
  const issues = Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [key], message }));
  if (issues.length === 0) return;
  const lines = issues.map(({ path }) => `${path.join('.')}: ${message}`);
  throw new MemoryError('INVALID_INPUT', `The options cannot be taken. ${lines.join(' ')}`, { issues });
}
