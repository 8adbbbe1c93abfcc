import { MemoryStore } from 'multi-agent-memory';
import { type LanguageSet, languageSets } from '../test/keyword-index/language-sets';
import type { Question } from './shared/question';
import { type Row, row } from './shared/row';

const modes = ['keyword', 'hybrid'] as const;

/** How often a question in one of several languages finds its fact first. */
export const qualityLanguages: Question = {
  name: 'quality-languages',
  asks: 'Which share of 30 questions in each of several languages finds its fact first, in keyword and hybrid mode?',
  async run() {
    const rows: Row[] = [];
    for (const set of languageSets()) rows.push(...(await rowsOf(set)));
    return rows;
  },
};

async function rowsOf({ language, facts }: LanguageSet): Promise<Row[]> {
  const store = await MemoryStore.inMemory();
  const handle = store.admin.within({ namespace: ['facts', language] });
  await handle.rememberMany(facts.map(({ text }) => ({ text })));
  const rows: Row[] = [];
  for (const mode of modes) {
    let found = 0;
    for (const { text, question } of facts) {
      const [hit] = await handle.recall(question, { mode, topK: 1 });
      if (hit?.text === text) found++;
    }
    const value = (100 * found) / facts.length;
    rows.push(row({ name: `first hit, ${language}, ${mode}`, value, unit: '%', goal: { atLeast: 90 } }));
  }
  await store.close();
  return rows;
}
