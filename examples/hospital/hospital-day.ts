import { type Checkpoint, MemoryError, type MemoryStore, type Principal, type RuleInForce } from 'multi-agent-memory';
import { heading, pad, type Screen } from '../screen';
import { reviewAudit } from './audit-review';
import { Checks } from './checks';
import { cardiology, letters, people, psychiatry } from './rules';
import { writeNotes } from './ward-notes';

const forPatient17: Principal = { ...people.companion, onBehalfOf: { userId: 'patient-17' } };
const forPatient23: Principal = { ...people.companion, onBehalfOf: { userId: 'patient-23' } };

/** Plays one day of the hospital. Resolves to false if a result does not match the rules. */
export async function playDay(
  screen: Screen,
  store: MemoryStore,
  checkpoints: () => readonly Checkpoint[],
): Promise<boolean> {
  const checks = new Checks(screen);
  heading(screen, 'The wards store their notes');
  const notes = await writeNotes(store);
  screen.print(`  ${notes.length} notes. Nobody can read a note unless a rule allows it.`);

  await compareReaders(screen, checks, store, notes);
  await showTrainee(screen, checks, store, notes[2]?.id ?? '');
  await showPatient(screen, checks, store);
  await showLocum(screen, checks, store);
  await reviewAudit(screen, checks, store, checkpoints);
  return checks.allPassed;
}

const readers: readonly [name: string, who: Principal, readable: readonly number[]][] = [
  ['Dr. Okafor, cardiology', people.okafor, [0, 1]],
  ['Dr. Lindqvist, psychiatry', people.lindqvist, [2, 3]],
  ['the psychiatry assistant (an agent)', people.psychAssistant, [2]],
  ['Mori, trainee', people.mori, [0, 1]],
  ['Vance, researcher', people.vance, [4]],
  ['the companion agent, for patient 17', forPatient17, [5]],
  ['the companion agent, for patient 23', forPatient23, []],
  ['Adler, compliance', people.adler, []],
];

type Notes = readonly { title: string; id: string }[];

async function compareReaders(screen: Screen, checks: Checks, store: MemoryStore, notes: Notes): Promise<void> {
  heading(screen, 'Everybody searches for "chest pain". Who can read which note?');
  for (const [i, { title }] of notes.entries()) screen.print(`  ${i + 1}  ${title}`);
  screen.print();
  for (const [name, who, expected] of readers) {
    const hits = new Set((await store.as(who).recall('chest pain')).map(({ id }) => id));
    const seen = notes.map(({ id }) => hits.has(id));
    checks.check(
      seen.every((one, i) => one === expected.includes(i)),
      `${pad(name, 38)}${seen.map((one, i) => (one ? i + 1 : '·')).join('  ')}`,
    );
  }
}

async function showTrainee(screen: Screen, checks: Checks, store: MemoryStore, id: string): Promise<void> {
  heading(screen, 'The trainee is denied one ward');
  const mori = store.as(people.mori);
  checks.check(
    (await mori.get(id)) === undefined,
    'A psychiatry note, requested by its id, looks as if it did not exist.',
  );
  checks.check(
    (await mori.count({ namespace: psychiatry })) === 0,
    'The number of psychiatry notes that she can count is 0.',
  );
  const refused = await mori.remember('Saw it anyway.', { namespace: cardiology }).catch((error) => error);
  checks.check(MemoryError.is(refused) && refused.code === 'FORBIDDEN', 'She is not allowed to write on a ward.');
  const why = await store.admin.access.explain({ principal: people.mori, action: 'read', namespace: psychiatry });
  const [rule] = why.rules;
  checks.check(
    !why.allowed && why.reason === 'denied',
    `Reading fails: ${rule === undefined ? '' : describeRule(rule)}`,
  );
}

async function showPatient(screen: Screen, checks: Checks, store: MemoryStore): Promise<void> {
  heading(screen, 'An agent acts for a patient');
  const [letter] = await store.as(forPatient17).recall('how do I take metoprolol?');
  checks.check(letter !== undefined, `For patient 17 it reads: "${letter?.text.slice(0, 62)}…"`);
  const namespace = letters('patient-17');
  checks.check(
    (await store.as(forPatient23).count({ namespace })) === 0,
    'For patient 23 the letter looks as if it did not exist.',
  );
  const note = 'The patient asks for a later appointment.';
  const refused = await store
    .as(forPatient17)
    .remember(note, { namespace })
    .catch((error) => error);
  checks.check(
    MemoryError.is(refused) && refused.code === 'FORBIDDEN',
    'It may not write: it may do only what both the agent and the patient may do.',
  );
}

async function showLocum(screen: Screen, checks: Checks, store: MemoryStore): Promise<void> {
  heading(screen, 'A substitute doctor works for one afternoon');
  const locum = store.as({ userId: 'dr-santos' });
  const rule = await store.admin.access.allow({ userId: 'dr-santos' }, 'clinician', cardiology);
  checks.check(
    (await locum.recall('chest pain')).length === 2,
    'With a new rule, Dr. Santos can read the notes of cardiology.',
  );
  await store.admin.access.end(rule.id);
  checks.check((await locum.recall('chest pain')).length === 0, 'When the rule is ended, Dr. Santos can read nothing.');
}

/** A deny rule as a sentence. */
function describeRule(rule: RuleInForce): string {
  if (!('effect' in rule)) return '';
  const who =
    typeof rule.to === 'object' && 'group' in rule.to ? `the group ${rule.to.group}` : JSON.stringify(rule.to);
  return `a rule denies ${who} the action ${[rule.actions].flat().join(', ')} in ${rule.at.join(' / ')}.`;
}
