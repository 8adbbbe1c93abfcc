import type { MemoryStore, NewMemory, Principal } from 'multi-agent-memory';
import { cardiology, letters, people, psychiatry, research } from './rules';

/** A note with its author and a short title for the output. */
interface Note extends Omit<NewMemory, 'metadata'> {
  readonly title: string;
  readonly by: Principal;
}

const notes: readonly Note[] = [
  {
    title: 'cardiology: patient 17',
    by: people.okafor,
    text: 'Anna Berg, 61: chest pain when climbing stairs. Started on metoprolol 50 mg in the morning.',
    namespace: cardiology,
    userId: 'patient-17',
  },
  {
    title: 'cardiology: patient 23',
    by: people.cardioAssistant,
    text: 'Omar Haddad, 48: chest pain excluded as cardiac, referred for a gastroscopy.',
    namespace: cardiology,
    userId: 'patient-23',
  },
  {
    title: 'psychiatry: patient 17',
    by: people.psychAssistant,
    text: 'Anna Berg: sleeps badly since the chest pain began, agrees to see Dr. Lindqvist weekly.',
    namespace: psychiatry,
    userId: 'patient-17',
  },
  {
    title: 'psychotherapy: patient 17',
    by: people.lindqvist,
    text: 'Session 3: she speaks of her father, and of the chest pain that he died of.',
    namespace: psychiatry,
    userId: 'patient-17',
    accessTags: ['psychotherapy'],
  },
  {
    title: 'de-identified note',
    by: people.deIdentifier,
    text: 'Woman, 60 to 65: chest pain on exertion, beta blocker started.',
    namespace: research,
  },
  {
    title: 'letter to patient 17',
    by: people.okafor,
    text: 'Dear Ms. Berg, take one tablet of metoprolol each morning, and call us if the chest pain comes at rest.',
    namespace: letters('patient-17'),
    userId: 'patient-17',
  },
];

/** Stores the notes. Returns their titles and ids, in order. */
export async function writeNotes(store: MemoryStore): Promise<{ title: string; id: string }[]> {
  const stored = [];
  for (const { title, by, text, ...rest } of notes) {
    stored.push({ title, id: (await store.as(by).remember(text, rest)).id });
  }
  return stored;
}
