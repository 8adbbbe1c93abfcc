import { equal, ok } from 'node:assert/strict';
import { type Action, MemoryError, type RuleInForce } from 'multi-agent-memory';
import { answered, type Decision } from './decisions';
import type { Look } from './reads';
import type { Labels, Reference, Who } from './reference';

/**
 * "explain: needs administer at the namespace (FORBIDDEN else); with id the memory must be readable to the asker (NOT_FOUND else),
 * then administer there." Checks that the decision equals the reference's, that the reason is true, and that each listed rule is
 * related to the decision.
 */
export async function compareExplanation(
  { handle, who: asker, bound, world }: Look,
  decision: Decision,
): Promise<void> {
  const { reference } = world;
  const { who, action, at } = decision;
  if (who === 'root') return;
  const labels = 'author' in at ? at : undefined;
  const namespace = 'author' in at ? at.namespace : at;
  const id = world.memories.find((known) => known.labels === labels)?.id;
  const isSeen = labels === undefined || world.sees(asker, bound, labels);
  const expected = !isSeen ? 'NOT_FOUND' : reference.may(asker, 'administer', namespace) ? 'done' : 'FORBIDDEN';
  const what = `${JSON.stringify(asker)} asks to explain ${JSON.stringify(decision)}`;
  try {
    const question = { principal: who, action };
    const explained = await handle.access.explain(id === undefined ? { ...question, namespace } : { ...question, id });
    equal('done', expected, what);
    equal(explained.allowed, answered(reference, decision), what);
    const reasons = labels ? reasonsOf(reference, who, action, labels) : reasonsAt(reference, who, action, namespace);
    ok(reasons.includes(explained.reason), `${what}: ${explained.reason}, not ${reasons.join(', ')}`);
    for (const rule of explained.rules) ok(isAbout(reference, rule, decision), `${what}: ${JSON.stringify(rule)}`);
    if (explained.reason === 'denied') {
      const denies = explained.rules.some((rule) => 'effect' in rule && rule.effect === 'deny');
      ok(denies || explained.undisclosed, `${what}: which rule denies`);
    }
    if (asker === 'root') equal(explained.undisclosed, false, what);
  } catch (error) {
    if (!MemoryError.is(error)) throw error;
    equal(error.code, expected, what);
  }
}

type Acting = Exclude<Who, 'root'>;

/** Lists all reasons that are true for a decision about a memory. */
function reasonsOf(reference: Reference, who: Acting, action: Action, labels: Labels): string[] {
  const { namespace, accessTags, visibility, author } = labels;
  if (reference.mayTo(who, action, labels)) {
    return [reference.may(who, action, namespace) ? 'allowed' : 'own memory'];
  }
  const reasons = ['read' as const, action].flatMap((each) => reasonsAt(reference, who, each, namespace));
  if (visibility === 'private' && !reference.isAuthor(who, author)) reasons.push('private to another author');
  if (!reference.cleared(who, accessTags, namespace)) reasons.push('not cleared');
  return reasons.filter((reason) => reason !== 'allowed');
}

function reasonsAt(reference: Reference, who: Acting, action: Action, namespace: readonly string[]): string[] {
  if (reference.may(who, action, namespace)) return ['allowed'];
  const reasons: string[] = [];
  if (reference.denied(who, action, namespace)) reasons.push('denied');
  const lacks = reference.halves(who).some((half) => reference.allows(half, action, namespace).length === 0);
  return lacks ? [...reasons, 'no rule allows'] : reasons;
}

/**
 * Checks whether a rule is related to a decision. It must be about one half of the actor, about the namespace or one above it, and about
 * the action or an action that it depends on.
 */
function isAbout(reference: Reference, declared: RuleInForce, { who, action, at }: Decision): boolean {
  const namespace = 'author' in at ? at.namespace : at;
  const halves = who === 'root' ? [] : reference.halves(who);
  if ('effect' in declared) {
    const actions: Action[] = 'author' in at ? ['read', 'write', action] : [action];
    return halves.some((half) => actions.some((each) => reference.matches(declared, half, each, namespace)));
  }
  if (!('clear' in declared) || !('author' in at) || !at.accessTags.includes(declared.clear)) return false;
  return reference.holds(declared.at, namespace) && halves.some((half) => reference.isOf(declared.to, half));
}
