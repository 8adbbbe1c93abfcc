import { type Checkpoint, MemoryError, type MemoryStore, type Principal, type RuleInForce } from 'multi-agent-memory';
import { heading, pad, type Screen } from '../screen';
import { Checks } from './checks';
import { writeNotes } from './notes';
import { cardiology, letters, people, psychiatry } from './rules';
import { showWhoReadWhat } from './who-read-what';

const forPatient17: Principal = { ...people.companion, onBehalfOf: { userId: 'patient-17' } };
const forPatient23: Principal = { ...people.companion, onBehalfOf: { userId: 'patient-23' } };

/** One day of a hospital. False where something came out otherwise than the rules say. */
export async function playDay(screen: Screen, store: MemoryStore, kept: () => readonly Checkpoint[]): Promise<boolean> {
  const checks = new Checks(screen);
  heading(screen, 'The wards write their notes');
  const notes = await writeNotes(store);
  screen.print(`  ${notes.length} notes. Nothing is readable by anybody but for a rule that says so.`);

  await showWhoSeesWhat(screen, checks, store, notes);
  await showTheTrainee(screen, checks, store, notes[2]?.id ?? '');
  await showThePatient(screen, checks, store);
  await showTheLocum(screen, checks, store);
  await showWhoReadWhat(screen, checks, store, kept);
  return checks.allPassed;
}

const readers: readonly [name: string, who: Principal, sees: readonly number[]][] = [
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

async function showWhoSeesWhat(screen: Screen, checks: Checks, store: MemoryStore, notes: Notes): Promise<void> {
  heading(screen, 'Everybody asks the same question: "chest pain". Who sees which note?');
  for (const [i, { title }] of notes.entries()) screen.print(`  ${i + 1}  ${title}`);
  screen.print();
  for (const [name, who, expected] of readers) {
    const hits = new Set((await store.as(who).recall('chest pain')).map(({ id }) => id));
    const seen = notes.map(({ id }) => hits.has(id));
    checks.that(
      seen.every((one, i) => one === expected.includes(i)),
      `${pad(name, 38)}${seen.map((one, i) => (one ? i + 1 : '·')).join('  ')}`,
    );
  }
}

async function showTheTrainee(screen: Screen, checks: Checks, store: MemoryStore, id: string): Promise<void> {
  heading(screen, 'The trainee is denied one ward');
  const mori = store.as(people.mori);
  checks.that(
    (await mori.get(id)) === undefined,
    'A note of psychiatry, asked for by its number: there is no such note.',
  );
  checks.that(
    (await mori.count({ namespace: psychiatry })) === 0,
    'How many notes has psychiatry? None, as far as she can tell.',
  );
  const refused = await mori.remember('Saw it anyway.', { namespace: cardiology }).catch((error) => error);
  checks.that(
    MemoryError.is(refused) && refused.code === 'FORBIDDEN',
    'Writing on a ward is refused: trainees only read.',
  );
  const why = await store.admin.access.explain({ principal: people.mori, action: 'read', namespace: psychiatry });
  const [rule] = why.rules;
  checks.that(!why.allowed && why.reason === 'denied', `Why? ${rule === undefined ? '' : inWords(rule)}`);
}

async function showThePatient(screen: Screen, checks: Checks, store: MemoryStore): Promise<void> {
  heading(screen, 'An agent acts for a patient');
  const [letter] = await store.as(forPatient17).recall('how do I take metoprolol?');
  checks.that(letter !== undefined, `For patient 17 it reads: "${letter?.text.slice(0, 62)}…"`);
  const namespace = letters('patient-17');
  checks.that((await store.as(forPatient23).count({ namespace })) === 0, 'For patient 23 there is no such letter.');
  const note = 'The patient asks for a later appointment.';
  const refused = await store
    .as(forPatient17)
    .remember(note, { namespace })
    .catch((error) => error);
  checks.that(
    MemoryError.is(refused) && refused.code === 'FORBIDDEN',
    'It writes nothing: what both may do, the pair may do, and no more.',
  );
}

async function showTheLocum(screen: Screen, checks: Checks, store: MemoryStore): Promise<void> {
  heading(screen, 'A locum comes for the afternoon, and leaves');
  const locum = store.as({ userId: 'dr-santos' });
  const rule = await store.admin.access.allow({ userId: 'dr-santos' }, 'clinician', cardiology);
  checks.that((await locum.recall('chest pain')).length === 2, 'With a rule made at noon Dr. Santos sees cardiology.');
  await store.admin.access.end(rule.id);
  checks.that(
    (await locum.recall('chest pain')).length === 0,
    'Ended at five, it shows nothing more from that moment on.',
  );
}

/** A rule as a person would say it. */
function inWords(rule: RuleInForce): string {
  if (!('effect' in rule)) return '';
  const who =
    typeof rule.to === 'object' && 'group' in rule.to ? `the group ${rule.to.group}` : JSON.stringify(rule.to);
  return `A rule denies ${who} to ${[rule.actions].flat().join(', ')} in ${rule.at.join(' / ')}.`;
}
